"""Descriptor tables: what a protocol is, as data.

A FIDL back end emits these, and a person may write them by hand:

    class EchoRequest(Struct):
        text: Annotated[str, msgspec.Meta(max_length=128)]

    ECHO = TwoWay("example/Echo.Echo", EchoRequest, EchoRequest)
    TABLE = ProtocolTable("example/Echo", Openness.OPEN, (ECHO,))

A string's `max_length` counts UTF-8 bytes, as FIDL's does. Members keep their order for ever.
"""

from __future__ import annotations

import enum
import keyword
import re
from typing import Any, ClassVar, Final, Generic, TypeVar

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.structs import Struct
from ipcrt.wire.header import FLEXIBLE
from ipcrt.wire.ordinals import method_ordinal

__all__ = [
    "Event",
    "Kind",
    "Method",
    "OneWay",
    "Openness",
    "ProtocolTable",
    "Struct",
    "TwoWay",
    "snake_name",
]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

_TAKEN: Final = frozenset(
    (
        *keyword.kwlist,
        "client_came",
        "client_gone",
        "close",
        "closed",
        "into_client_end",
        "statistics",
        "unknown_event",
        "unknown_method",
    )
)
"""Names that Python, proxies or servers have a use for already."""


class Openness(enum.IntEnum):
    """Which methods that a protocol does not know its ends may send. Source: FIDL, RFC-0138."""

    CLOSED = 0
    """None."""
    AJAR = 1
    """Flexible one-way methods and events."""
    OPEN = 2
    """All flexible methods and events."""


class Kind(enum.Enum):
    """Who sends a method's messages."""

    TWO_WAY = "two-way"
    ONE_WAY = "one-way"
    EVENT = "event"


class Method(Generic[RequestT, ResponseT]):
    """One method or event.

    `selector` is "library/Protocol.Method" and makes the ordinal and the Python name, unless they
    are given. `request` and `response` encode Struct classes, tables or unions, or NoneType for
    `()`; an event has only a `request`. `raises` is the exception that carries the domain errors,
    and `error` encodes their enum.
    """

    KIND: ClassVar[Kind]

    def __init__(
        self,
        *,
        selector: str,
        strict: bool,
        request: Codec[RequestT],
        response: Codec[ResponseT],
        raises: type[DomainError[Any]] | None = None,
        error: Codec[Any] | None = None,
        name: str = "",
        ordinal: int = 0,
    ) -> None:
        self.selector: Final = selector
        self.strict: Final = strict
        self.request: Final = request
        self.response: Final = response
        self.raises: Final = raises
        self.error: Final = error
        self.name: Final = name or snake_name(selector)
        """What the method is called in Python."""
        self.ordinal: Final = ordinal or method_ordinal(selector)
        self.flags: Final = 0 if strict else FLEXIBLE
        """The header's flags in each of its messages."""
        self.is_call: Final = self.KIND is Kind.TWO_WAY
        """True where the sender waits for a reply."""
        self.has_result: Final = raises is not None or not strict
        """True where a reply is a result union rather than the response itself."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.selector}>"


class TwoWay(Method[RequestT, ResponseT]):
    """A call and its reply."""

    KIND = Kind.TWO_WAY

    def __init__(
        self,
        selector: str,
        request: type[RequestT],
        response: type[ResponseT],
        *,
        raises: type[DomainError[Any]] | None = None,
        strict: bool = False,
        name: str = "",
        ordinal: int = 0,
    ) -> None:
        super().__init__(
            selector=selector,
            strict=strict,
            request=Codec(request),
            response=Codec(response),
            raises=raises,
            error=None if raises is None else Codec(raises.ERROR),
            name=name,
            ordinal=ordinal,
        )


class _Unanswered(Method[RequestT, None]):
    def __init__(
        self,
        selector: str,
        request: type[RequestT],
        *,
        strict: bool = False,
        name: str = "",
        ordinal: int = 0,
    ) -> None:
        super().__init__(
            selector=selector,
            strict=strict,
            request=Codec(request),
            response=Codec(type(None)),
            name=name,
            ordinal=ordinal,
        )


class OneWay(_Unanswered[RequestT]):
    """A message from the client that nobody answers."""

    KIND = Kind.ONE_WAY


class Event(_Unanswered[RequestT]):
    """A message from the server that nobody asked for."""

    KIND = Kind.EVENT


class ProtocolTable:
    """A protocol: its name, its openness, its methods by ordinal."""

    __slots__ = ("by_ordinal", "events", "name", "openness", "plans", "requests")

    def __init__(
        self, name: str, openness: Openness, methods: tuple[Method[Any, Any], ...]
    ) -> None:
        """`name` is "library/Protocol", under which a locator offers it.

        Raises: ValueError: two methods share an ordinal or a name.
        """
        self.name = name
        self.openness = openness
        self.by_ordinal = {method.ordinal: method for method in methods}
        """All of them."""
        self.requests = {m.ordinal: m for m in methods if m.KIND is not Kind.EVENT}
        """What a client may send."""
        self.events = {m.ordinal: m for m in methods if m.KIND is Kind.EVENT}
        """What a server may send, beside replies."""
        self.plans: dict[Method[Any, Any], object] = {}
        """Of methods that a client has called; see `caller`."""
        names = {method.name for method in methods}
        if len(self.by_ordinal) != len(methods) or len(names) != len(methods):
            raise ValueError(f"{name}: two methods share an ordinal or a name; rename one")

    def allows_unknown(self, kind: Kind) -> bool:
        """True where a flexible message that nobody here knows is no error."""
        needed = Openness.OPEN if kind is Kind.TWO_WAY else Openness.AJAR
        return self.openness >= needed


def snake_name(selector: str) -> str:
    """Answer the Python name of a method: `library/Protocol.WriteItem` is `write_item`.

    A name that is taken gets a `_` behind it.
    """
    name = selector.rpartition(".")[2]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    name = re.sub("__+", "_", name).lower()
    return f"{name}_" if name in _TAKEN else name
