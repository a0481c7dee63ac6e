"""Descriptor tables: what a protocol is, as data.

A FIDL back end emits these, and a person may write them by hand:

    class EchoRequest(Struct):
        text: Annotated[str, msgspec.Meta(max_length=128)]

    ECHO = TwoWay("example/Echo.Echo", EchoRequest, EchoRequest)
    TABLE = ProtocolTable("example/Echo", Openness.OPEN, (ECHO,))

A string's `max_length` counts UTF-8 bytes, as FIDL's does. Members keep their order for ever.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from typing import Any, ClassVar, Generic, TypeVar

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.structs import Struct
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method(Generic[RequestT, ResponseT]):
    """One method or event.

    `selector` is "library/Protocol.Method" and makes the ordinal and the Python name, unless
    these are given. `request` and `response` are Struct classes, tables or unions, or None for
    `()`; an event has only a `request`. `error` is the enum of domain errors and `raises` the
    exception that carries it.
    """

    KIND: ClassVar[Kind]

    selector: str
    strict: bool
    ordinal: int
    name: str
    request: Codec[RequestT]
    response: Codec[ResponseT]
    raises: type[DomainError[Any]] | None
    error: Codec[Any] | None

    @property
    def has_result(self) -> bool:
        """True where a reply is a result union rather than the response itself."""
        return self.raises is not None or not self.strict


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
        name: str | None = None,
        ordinal: int | None = None,
    ) -> None:
        super().__init__(
            selector=selector,
            strict=strict,
            ordinal=method_ordinal(selector) if ordinal is None else ordinal,
            name=snake_name(selector) if name is None else name,
            request=Codec(request),
            response=Codec(response),
            raises=raises,
            error=None if raises is None else Codec(raises.ERROR),
        )


class OneWay(Method[RequestT, None]):
    """A message from the client that nobody answers."""

    KIND = Kind.ONE_WAY

    def __init__(
        self,
        selector: str,
        request: type[RequestT],
        *,
        strict: bool = False,
        name: str | None = None,
        ordinal: int | None = None,
    ) -> None:
        super().__init__(
            selector=selector,
            strict=strict,
            ordinal=method_ordinal(selector) if ordinal is None else ordinal,
            name=snake_name(selector) if name is None else name,
            request=Codec(request),
            response=Codec(type(None)),
            raises=None,
            error=None,
        )


class Event(OneWay[RequestT]):
    """A message from the server that nobody asked for."""

    KIND = Kind.EVENT


class ProtocolTable:
    """A protocol: its name, its openness, its methods by ordinal."""

    __slots__ = ("by_ordinal", "name", "openness")

    def __init__(
        self, name: str, openness: Openness, methods: tuple[Method[Any, Any], ...]
    ) -> None:
        """`name` is "library/Protocol", under which a locator offers it.

        Raises: ValueError: two methods share an ordinal.
        """
        self.name = name
        self.openness = openness
        self.by_ordinal = {method.ordinal: method for method in methods}
        if len(self.by_ordinal) != len(methods):
            raise ValueError(f"{name}: two methods share an ordinal; give one a selector")

    def allows_unknown(self, kind: Kind) -> bool:
        """True where a flexible message that nobody here knows is no error."""
        needed = Openness.OPEN if kind is Kind.TWO_WAY else Openness.AJAR
        return self.openness >= needed


def snake_name(selector: str) -> str:
    """Answer the Python name of a method: `library/Protocol.WriteItem` is `write_item`."""
    name = selector.rpartition(".")[2]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return name.lower()
