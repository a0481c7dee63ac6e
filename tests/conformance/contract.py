# Library test.conformance: generated; do not edit.
"""What a peer must do whatever language it is written in: targets of each openness."""

from __future__ import annotations

import enum
from abc import abstractmethod
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer as _Answer
from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.int_errors import Uint32Failed as _Uint32Failed
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Int8, Int32, Uint32
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import Event as _Event
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.bindings.union import UnknownVariant, Variant, as_payload
from ipcrt.objects.event import Event
from ipcrt.objects.rights import Rights

MAX_BYTES: Final = 8


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Uint32Failed(_Uint32Failed):
    """An error of type uint32."""


class Some(Struct):
    some: Int8


class SomeTable(Table, ordinals=(1,)):
    some: Int8 | None = None


class Token(Struct):
    event: Annotated[Event, needs(Rights.TRANSFER | Rights.WAIT)]


class ClosedTargetTwoWayResultResponse(Struct):
    value: Annotated[str, Meta(max_length=16)]


class ClosedTargetBoundedRequest(Struct):
    data: Annotated[bytes, Meta(max_length=8)]
    text: Annotated[str, Meta(max_length=8)]
    numbers: Annotated[list[Int8], Meta(max_length=8)]
    size: Size


class ClosedTargetOptionalRequest(Struct):
    text: Annotated[str, Meta(max_length=8)] | None
    some: Some | None
    event: Event | None


class ClosedTargetCloseRequest(Struct):
    status: Int32


class OpenTargetFlexibleResultResponse(Struct):
    value: Annotated[str, Meta(max_length=16)]


class OpenTargetStrictResultResponse(Struct):
    value: Annotated[str, Meta(max_length=16)]


class SomeUnionSome(Variant, tag=1):
    value: Int8


class AnswerValue(Variant, tag=1):
    value: Annotated[str, Meta(max_length=16)]


class AnswerError(Variant, tag=2):
    value: Uint32


class ClosedTarget(Protocol):
    """Nothing may be unknown."""


class AjarTarget(Protocol):
    """One-way messages and events may be unknown."""


class OpenTarget(Protocol):
    """Anything flexible may be unknown."""


Answer: TypeAlias = AnswerValue | AnswerError | UnknownVariant

SomeUnion: TypeAlias = SomeUnionSome | UnknownVariant

CLOSED_TARGET_ONE_WAY_NO_PAYLOAD = OneWay(
    "test.conformance/ClosedTarget.OneWayNoPayload", type(None), strict=True
)
CLOSED_TARGET_ONE_WAY_STRUCT = OneWay(
    "test.conformance/ClosedTarget.OneWayStruct", Some, strict=True
)
CLOSED_TARGET_ONE_WAY_TABLE = OneWay(
    "test.conformance/ClosedTarget.OneWayTable", SomeTable, strict=True
)
CLOSED_TARGET_ONE_WAY_UNION: OneWay[SomeUnion] = OneWay(
    "test.conformance/ClosedTarget.OneWayUnion", as_payload(SomeUnion), strict=True
)
CLOSED_TARGET_ONE_WAY_HANDLE = OneWay(
    "test.conformance/ClosedTarget.OneWayHandle", Token, strict=True
)
CLOSED_TARGET_TWO_WAY_NO_PAYLOAD = TwoWay(
    "test.conformance/ClosedTarget.TwoWayNoPayload", type(None), type(None), strict=True
)
CLOSED_TARGET_TWO_WAY_STRUCT = TwoWay(
    "test.conformance/ClosedTarget.TwoWayStruct", Some, Some, strict=True
)
CLOSED_TARGET_TWO_WAY_TABLE = TwoWay(
    "test.conformance/ClosedTarget.TwoWayTable", SomeTable, SomeTable, strict=True
)
CLOSED_TARGET_TWO_WAY_UNION: TwoWay[SomeUnion, SomeUnion] = TwoWay(
    "test.conformance/ClosedTarget.TwoWayUnion",
    as_payload(SomeUnion),
    as_payload(SomeUnion),
    strict=True,
)
CLOSED_TARGET_TWO_WAY_HANDLE = TwoWay(
    "test.conformance/ClosedTarget.TwoWayHandle", Token, Token, strict=True
)
CLOSED_TARGET_TWO_WAY_RESULT: TwoWay[Answer, ClosedTargetTwoWayResultResponse] = TwoWay(
    "test.conformance/ClosedTarget.TwoWayResult",
    as_payload(Answer),
    as_payload(ClosedTargetTwoWayResultResponse),
    raises=Uint32Failed,
    strict=True,
)
CLOSED_TARGET_TWO_WAY_EMPTY_RESULT: TwoWay[Answer, None] = TwoWay(
    "test.conformance/ClosedTarget.TwoWayEmptyResult",
    as_payload(Answer),
    type(None),
    raises=Uint32Failed,
    strict=True,
)
CLOSED_TARGET_BOUNDED = TwoWay(
    "test.conformance/ClosedTarget.Bounded", ClosedTargetBoundedRequest, type(None), strict=True
)
CLOSED_TARGET_OPTIONAL = TwoWay(
    "test.conformance/ClosedTarget.Optional", ClosedTargetOptionalRequest, type(None), strict=True
)
CLOSED_TARGET_WAIT = TwoWay(
    "test.conformance/ClosedTarget.Wait", type(None), type(None), strict=True
)
CLOSED_TARGET_FAIL = TwoWay(
    "test.conformance/ClosedTarget.Fail", type(None), type(None), strict=True
)
CLOSED_TARGET_CLOSE = OneWay(
    "test.conformance/ClosedTarget.Close", ClosedTargetCloseRequest, strict=True
)
CLOSED_TARGET_ON_NO_PAYLOAD = _Event(
    "test.conformance/ClosedTarget.OnNoPayload", type(None), strict=True
)
CLOSED_TARGET_ON_STRUCT = _Event("test.conformance/ClosedTarget.OnStruct", Some, strict=True)
CLOSED_TARGET_ON_TABLE = _Event("test.conformance/ClosedTarget.OnTable", SomeTable, strict=True)
CLOSED_TARGET_ON_UNION: _Event[SomeUnion] = _Event(
    "test.conformance/ClosedTarget.OnUnion", as_payload(SomeUnion), strict=True
)
CLOSED_TARGET_ON_HANDLE = _Event("test.conformance/ClosedTarget.OnHandle", Token, strict=True)
ClosedTarget.TABLE = ProtocolTable(
    "test.conformance/ClosedTarget",
    Openness.CLOSED,
    (
        CLOSED_TARGET_ONE_WAY_NO_PAYLOAD,
        CLOSED_TARGET_ONE_WAY_STRUCT,
        CLOSED_TARGET_ONE_WAY_TABLE,
        CLOSED_TARGET_ONE_WAY_UNION,
        CLOSED_TARGET_ONE_WAY_HANDLE,
        CLOSED_TARGET_TWO_WAY_NO_PAYLOAD,
        CLOSED_TARGET_TWO_WAY_STRUCT,
        CLOSED_TARGET_TWO_WAY_TABLE,
        CLOSED_TARGET_TWO_WAY_UNION,
        CLOSED_TARGET_TWO_WAY_HANDLE,
        CLOSED_TARGET_TWO_WAY_RESULT,
        CLOSED_TARGET_TWO_WAY_EMPTY_RESULT,
        CLOSED_TARGET_BOUNDED,
        CLOSED_TARGET_OPTIONAL,
        CLOSED_TARGET_WAIT,
        CLOSED_TARGET_FAIL,
        CLOSED_TARGET_CLOSE,
        CLOSED_TARGET_ON_NO_PAYLOAD,
        CLOSED_TARGET_ON_STRUCT,
        CLOSED_TARGET_ON_TABLE,
        CLOSED_TARGET_ON_UNION,
        CLOSED_TARGET_ON_HANDLE,
    ),
)

AJAR_TARGET_STRICT_ONE_WAY = OneWay(
    "test.conformance/AjarTarget.StrictOneWay", type(None), strict=True
)
AJAR_TARGET_FLEXIBLE_ONE_WAY = OneWay("test.conformance/AjarTarget.FlexibleOneWay", type(None))
AJAR_TARGET_ASK = TwoWay("test.conformance/AjarTarget.Ask", type(None), type(None), strict=True)
AJAR_TARGET_ON_STRICT = _Event("test.conformance/AjarTarget.OnStrict", type(None), strict=True)
AJAR_TARGET_ON_FLEXIBLE = _Event("test.conformance/AjarTarget.OnFlexible", type(None))
AjarTarget.TABLE = ProtocolTable(
    "test.conformance/AjarTarget",
    Openness.AJAR,
    (
        AJAR_TARGET_STRICT_ONE_WAY,
        AJAR_TARGET_FLEXIBLE_ONE_WAY,
        AJAR_TARGET_ASK,
        AJAR_TARGET_ON_STRICT,
        AJAR_TARGET_ON_FLEXIBLE,
    ),
)

OPEN_TARGET_STRICT_ONE_WAY = OneWay(
    "test.conformance/OpenTarget.StrictOneWay", type(None), strict=True
)
OPEN_TARGET_FLEXIBLE_ONE_WAY = OneWay("test.conformance/OpenTarget.FlexibleOneWay", type(None))
OPEN_TARGET_ASK = TwoWay("test.conformance/OpenTarget.Ask", type(None), type(None), strict=True)
OPEN_TARGET_FLEXIBLE_TWO_WAY = TwoWay(
    "test.conformance/OpenTarget.FlexibleTwoWay", type(None), type(None)
)
OPEN_TARGET_FLEXIBLE_TWO_WAY_STRUCT = TwoWay(
    "test.conformance/OpenTarget.FlexibleTwoWayStruct", Some, Some
)
OPEN_TARGET_FLEXIBLE_RESULT: TwoWay[Answer, OpenTargetFlexibleResultResponse] = TwoWay(
    "test.conformance/OpenTarget.FlexibleResult",
    as_payload(Answer),
    as_payload(OpenTargetFlexibleResultResponse),
    raises=Uint32Failed,
)
OPEN_TARGET_STRICT_RESULT: TwoWay[Answer, OpenTargetStrictResultResponse] = TwoWay(
    "test.conformance/OpenTarget.StrictResult",
    as_payload(Answer),
    as_payload(OpenTargetStrictResultResponse),
    raises=Uint32Failed,
    strict=True,
)
OPEN_TARGET_ON_STRICT = _Event("test.conformance/OpenTarget.OnStrict", type(None), strict=True)
OPEN_TARGET_ON_FLEXIBLE = _Event("test.conformance/OpenTarget.OnFlexible", type(None))
OpenTarget.TABLE = ProtocolTable(
    "test.conformance/OpenTarget",
    Openness.OPEN,
    (
        OPEN_TARGET_STRICT_ONE_WAY,
        OPEN_TARGET_FLEXIBLE_ONE_WAY,
        OPEN_TARGET_ASK,
        OPEN_TARGET_FLEXIBLE_TWO_WAY,
        OPEN_TARGET_FLEXIBLE_TWO_WAY_STRUCT,
        OPEN_TARGET_FLEXIBLE_RESULT,
        OPEN_TARGET_STRICT_RESULT,
        OPEN_TARGET_ON_STRICT,
        OPEN_TARGET_ON_FLEXIBLE,
    ),
)


class ClosedTargetProxy(Proxy[ClosedTarget]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = ClosedTarget
    __slots__ = ()

    async def one_way_no_payload(self) -> None:
        await self._send(CLOSED_TARGET_ONE_WAY_NO_PAYLOAD, None)

    def one_way_no_payload_now(self) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_NO_PAYLOAD, None)

    def one_way_no_payload_soon(self, on_sent: Done) -> bool:
        return self._send_soon(CLOSED_TARGET_ONE_WAY_NO_PAYLOAD, None, on_sent)

    async def one_way_struct(self, some: int) -> None:
        await self._send(CLOSED_TARGET_ONE_WAY_STRUCT, Some(some))

    def one_way_struct_now(self, some: int) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_STRUCT, Some(some))

    def one_way_struct_soon(self, some: int, on_sent: Done) -> bool:
        return self._send_soon(CLOSED_TARGET_ONE_WAY_STRUCT, Some(some), on_sent)

    async def one_way_table(self, payload: SomeTable) -> None:
        await self._send(CLOSED_TARGET_ONE_WAY_TABLE, payload)

    def one_way_table_now(self, payload: SomeTable) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_TABLE, payload)

    def one_way_table_soon(self, payload: SomeTable, on_sent: Done) -> bool:
        return self._send_soon(CLOSED_TARGET_ONE_WAY_TABLE, payload, on_sent)

    async def one_way_union(self, payload: SomeUnion) -> None:
        await self._send(CLOSED_TARGET_ONE_WAY_UNION, payload)

    def one_way_union_now(self, payload: SomeUnion) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_UNION, payload)

    def one_way_union_soon(self, payload: SomeUnion, on_sent: Done) -> bool:
        return self._send_soon(CLOSED_TARGET_ONE_WAY_UNION, payload, on_sent)

    async def one_way_handle(self, event: Event) -> None:
        await self._send(CLOSED_TARGET_ONE_WAY_HANDLE, Token(event))

    def one_way_handle_now(self, event: Event) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_HANDLE, Token(event))

    def one_way_handle_soon(self, event: Event, on_sent: Done) -> bool:
        return self._send_soon(CLOSED_TARGET_ONE_WAY_HANDLE, Token(event), on_sent)

    async def two_way_no_payload(self, *, timeout: float | None = 25.0) -> None:
        await self._call(CLOSED_TARGET_TWO_WAY_NO_PAYLOAD, None, timeout)

    async def two_way_struct(self, some: int, *, timeout: float | None = 25.0) -> Some:
        return await self._call(CLOSED_TARGET_TWO_WAY_STRUCT, Some(some), timeout)

    async def two_way_table(self, payload: SomeTable, *, timeout: float | None = 25.0) -> SomeTable:
        return await self._call(CLOSED_TARGET_TWO_WAY_TABLE, payload, timeout)

    async def two_way_union(self, payload: SomeUnion, *, timeout: float | None = 25.0) -> SomeUnion:
        return await self._call(CLOSED_TARGET_TWO_WAY_UNION, payload, timeout)

    async def two_way_handle(self, event: Event, *, timeout: float | None = 25.0) -> Token:
        return await self._call(CLOSED_TARGET_TWO_WAY_HANDLE, Token(event), timeout)

    async def two_way_result(
        self, payload: Answer, *, timeout: float | None = 25.0
    ) -> ClosedTargetTwoWayResultResponse:
        """Raises: Uint32Failed."""
        return await self._call(CLOSED_TARGET_TWO_WAY_RESULT, payload, timeout)

    async def two_way_empty_result(self, payload: Answer, *, timeout: float | None = 25.0) -> None:
        """Raises: Uint32Failed."""
        await self._call(CLOSED_TARGET_TWO_WAY_EMPTY_RESULT, payload, timeout)

    async def bounded(
        self,
        data: bytes,
        text: str,
        numbers: list[int],
        size: Size,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        await self._call(
            CLOSED_TARGET_BOUNDED, ClosedTargetBoundedRequest(data, text, numbers, size), timeout
        )

    async def optional(
        self,
        text: str | None,
        some: Some | None,
        event: Event | None,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        await self._call(
            CLOSED_TARGET_OPTIONAL, ClosedTargetOptionalRequest(text, some, event), timeout
        )

    async def wait(self, *, timeout: float | None = 25.0) -> None:
        """Is never answered."""
        await self._call(CLOSED_TARGET_WAIT, None, timeout)

    async def fail(self, *, timeout: float | None = 25.0) -> None:
        """Breaks down."""
        await self._call(CLOSED_TARGET_FAIL, None, timeout)

    async def close_(self, status: int) -> None:
        """Closes the channel."""
        await self._send(CLOSED_TARGET_CLOSE, ClosedTargetCloseRequest(status))

    def close_now(self, status: int) -> None:
        self._send_now(CLOSED_TARGET_CLOSE, ClosedTargetCloseRequest(status))

    def close_soon(self, status: int, on_sent: Done) -> bool:
        return self._send_soon(CLOSED_TARGET_CLOSE, ClosedTargetCloseRequest(status), on_sent)


class ClosedTargetBlockingProxy(BlockingProxy[ClosedTarget]):
    """A client, blocking its thread; see `ClosedTargetProxy`."""

    PROTOCOL = ClosedTarget
    __slots__ = ()

    def one_way_no_payload(self) -> None:
        self._send(CLOSED_TARGET_ONE_WAY_NO_PAYLOAD, None)

    def one_way_no_payload_now(self) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_NO_PAYLOAD, None)

    def one_way_struct(self, some: int) -> None:
        self._send(CLOSED_TARGET_ONE_WAY_STRUCT, Some(some))

    def one_way_struct_now(self, some: int) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_STRUCT, Some(some))

    def one_way_table(self, payload: SomeTable) -> None:
        self._send(CLOSED_TARGET_ONE_WAY_TABLE, payload)

    def one_way_table_now(self, payload: SomeTable) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_TABLE, payload)

    def one_way_union(self, payload: SomeUnion) -> None:
        self._send(CLOSED_TARGET_ONE_WAY_UNION, payload)

    def one_way_union_now(self, payload: SomeUnion) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_UNION, payload)

    def one_way_handle(self, event: Event) -> None:
        self._send(CLOSED_TARGET_ONE_WAY_HANDLE, Token(event))

    def one_way_handle_now(self, event: Event) -> None:
        self._send_now(CLOSED_TARGET_ONE_WAY_HANDLE, Token(event))

    def two_way_no_payload(self, *, timeout: float | None = 25.0) -> None:
        self._call(CLOSED_TARGET_TWO_WAY_NO_PAYLOAD, None, timeout)

    def two_way_struct(self, some: int, *, timeout: float | None = 25.0) -> Some:
        return self._call(CLOSED_TARGET_TWO_WAY_STRUCT, Some(some), timeout)

    def two_way_table(self, payload: SomeTable, *, timeout: float | None = 25.0) -> SomeTable:
        return self._call(CLOSED_TARGET_TWO_WAY_TABLE, payload, timeout)

    def two_way_union(self, payload: SomeUnion, *, timeout: float | None = 25.0) -> SomeUnion:
        return self._call(CLOSED_TARGET_TWO_WAY_UNION, payload, timeout)

    def two_way_handle(self, event: Event, *, timeout: float | None = 25.0) -> Token:
        return self._call(CLOSED_TARGET_TWO_WAY_HANDLE, Token(event), timeout)

    def two_way_result(
        self, payload: Answer, *, timeout: float | None = 25.0
    ) -> ClosedTargetTwoWayResultResponse:
        return self._call(CLOSED_TARGET_TWO_WAY_RESULT, payload, timeout)

    def two_way_empty_result(self, payload: Answer, *, timeout: float | None = 25.0) -> None:
        self._call(CLOSED_TARGET_TWO_WAY_EMPTY_RESULT, payload, timeout)

    def bounded(
        self,
        data: bytes,
        text: str,
        numbers: list[int],
        size: Size,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(
            CLOSED_TARGET_BOUNDED, ClosedTargetBoundedRequest(data, text, numbers, size), timeout
        )

    def optional(
        self,
        text: str | None,
        some: Some | None,
        event: Event | None,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(CLOSED_TARGET_OPTIONAL, ClosedTargetOptionalRequest(text, some, event), timeout)

    def wait(self, *, timeout: float | None = 25.0) -> None:
        self._call(CLOSED_TARGET_WAIT, None, timeout)

    def fail(self, *, timeout: float | None = 25.0) -> None:
        self._call(CLOSED_TARGET_FAIL, None, timeout)

    def close_(self, status: int) -> None:
        self._send(CLOSED_TARGET_CLOSE, ClosedTargetCloseRequest(status))

    def close_now(self, status: int) -> None:
        self._send_now(CLOSED_TARGET_CLOSE, ClosedTargetCloseRequest(status))


class ClosedTargetServer(Server[ClosedTarget]):
    """Serves one client; see `ClosedTargetProxy`."""

    PROTOCOL = ClosedTarget

    @abstractmethod
    def one_way_no_payload(self) -> _Answer[None]: ...

    @abstractmethod
    def one_way_struct(self, some: int) -> _Answer[None]: ...

    @abstractmethod
    def one_way_table(self, payload: SomeTable) -> _Answer[None]: ...

    @abstractmethod
    def one_way_union(self, payload: SomeUnion) -> _Answer[None]: ...

    @abstractmethod
    def one_way_handle(self, event: Event) -> _Answer[None]: ...

    @abstractmethod
    def two_way_no_payload(self) -> _Answer[None]: ...

    @abstractmethod
    def two_way_struct(self, some: int) -> _Answer[Some]: ...

    @abstractmethod
    def two_way_table(self, payload: SomeTable) -> _Answer[SomeTable]: ...

    @abstractmethod
    def two_way_union(self, payload: SomeUnion) -> _Answer[SomeUnion]: ...

    @abstractmethod
    def two_way_handle(self, event: Event) -> _Answer[Token]: ...

    @abstractmethod
    def two_way_result(self, payload: Answer) -> _Answer[ClosedTargetTwoWayResultResponse]: ...

    @abstractmethod
    def two_way_empty_result(self, payload: Answer) -> _Answer[None]: ...

    @abstractmethod
    def bounded(self, data: bytes, text: str, numbers: list[int], size: Size) -> _Answer[None]: ...

    @abstractmethod
    def optional(
        self, text: str | None, some: Some | None, event: Event | None
    ) -> _Answer[None]: ...

    @abstractmethod
    def wait(self) -> _Answer[None]: ...

    @abstractmethod
    def fail(self) -> _Answer[None]: ...

    @abstractmethod
    def close_(self, status: int) -> _Answer[None]: ...


class ClosedTargetEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_no_payload(self) -> None:
        """Event OnNoPayload."""

    def on_struct(self, some: int) -> None:
        """Event OnStruct."""

    def on_table(self, payload: SomeTable) -> None:
        """Event OnTable."""

    def on_union(self, payload: SomeUnion) -> None:
        """Event OnUnion."""

    def on_handle(self, event: Event) -> None:
        """Event OnHandle."""


class ClosedTargetEventSender(EventSender[ClosedTarget]):
    """Sends the events to one client; see `ClosedTargetEvents`."""

    __slots__ = ()

    def on_no_payload(self) -> None:
        self._send(CLOSED_TARGET_ON_NO_PAYLOAD, None)

    async def on_no_payload_wait(self) -> None:
        await self._send_wait(CLOSED_TARGET_ON_NO_PAYLOAD, None)

    def on_struct(self, some: int) -> None:
        self._send(CLOSED_TARGET_ON_STRUCT, Some(some))

    async def on_struct_wait(self, some: int) -> None:
        await self._send_wait(CLOSED_TARGET_ON_STRUCT, Some(some))

    def on_table(self, payload: SomeTable) -> None:
        self._send(CLOSED_TARGET_ON_TABLE, payload)

    async def on_table_wait(self, payload: SomeTable) -> None:
        await self._send_wait(CLOSED_TARGET_ON_TABLE, payload)

    def on_union(self, payload: SomeUnion) -> None:
        self._send(CLOSED_TARGET_ON_UNION, payload)

    async def on_union_wait(self, payload: SomeUnion) -> None:
        await self._send_wait(CLOSED_TARGET_ON_UNION, payload)

    def on_handle(self, event: Event) -> None:
        self._send(CLOSED_TARGET_ON_HANDLE, Token(event))

    async def on_handle_wait(self, event: Event) -> None:
        await self._send_wait(CLOSED_TARGET_ON_HANDLE, Token(event))


class AjarTargetProxy(Proxy[AjarTarget]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = AjarTarget
    __slots__ = ()

    async def strict_one_way(self) -> None:
        await self._send(AJAR_TARGET_STRICT_ONE_WAY, None)

    def strict_one_way_now(self) -> None:
        self._send_now(AJAR_TARGET_STRICT_ONE_WAY, None)

    def strict_one_way_soon(self, on_sent: Done) -> bool:
        return self._send_soon(AJAR_TARGET_STRICT_ONE_WAY, None, on_sent)

    async def flexible_one_way(self) -> None:
        await self._send(AJAR_TARGET_FLEXIBLE_ONE_WAY, None)

    def flexible_one_way_now(self) -> None:
        self._send_now(AJAR_TARGET_FLEXIBLE_ONE_WAY, None)

    def flexible_one_way_soon(self, on_sent: Done) -> bool:
        return self._send_soon(AJAR_TARGET_FLEXIBLE_ONE_WAY, None, on_sent)

    async def ask(self, *, timeout: float | None = 25.0) -> None:
        await self._call(AJAR_TARGET_ASK, None, timeout)


class AjarTargetBlockingProxy(BlockingProxy[AjarTarget]):
    """A client, blocking its thread; see `AjarTargetProxy`."""

    PROTOCOL = AjarTarget
    __slots__ = ()

    def strict_one_way(self) -> None:
        self._send(AJAR_TARGET_STRICT_ONE_WAY, None)

    def strict_one_way_now(self) -> None:
        self._send_now(AJAR_TARGET_STRICT_ONE_WAY, None)

    def flexible_one_way(self) -> None:
        self._send(AJAR_TARGET_FLEXIBLE_ONE_WAY, None)

    def flexible_one_way_now(self) -> None:
        self._send_now(AJAR_TARGET_FLEXIBLE_ONE_WAY, None)

    def ask(self, *, timeout: float | None = 25.0) -> None:
        self._call(AJAR_TARGET_ASK, None, timeout)


class AjarTargetServer(Server[AjarTarget]):
    """Serves one client; see `AjarTargetProxy`."""

    PROTOCOL = AjarTarget

    @abstractmethod
    def strict_one_way(self) -> _Answer[None]: ...

    @abstractmethod
    def flexible_one_way(self) -> _Answer[None]: ...

    @abstractmethod
    def ask(self) -> _Answer[None]: ...


class AjarTargetEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_strict(self) -> None:
        """Event OnStrict."""

    def on_flexible(self) -> None:
        """Event OnFlexible."""


class AjarTargetEventSender(EventSender[AjarTarget]):
    """Sends the events to one client; see `AjarTargetEvents`."""

    __slots__ = ()

    def on_strict(self) -> None:
        self._send(AJAR_TARGET_ON_STRICT, None)

    async def on_strict_wait(self) -> None:
        await self._send_wait(AJAR_TARGET_ON_STRICT, None)

    def on_flexible(self) -> None:
        self._send(AJAR_TARGET_ON_FLEXIBLE, None)

    async def on_flexible_wait(self) -> None:
        await self._send_wait(AJAR_TARGET_ON_FLEXIBLE, None)


class OpenTargetProxy(Proxy[OpenTarget]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = OpenTarget
    __slots__ = ()

    async def strict_one_way(self) -> None:
        await self._send(OPEN_TARGET_STRICT_ONE_WAY, None)

    def strict_one_way_now(self) -> None:
        self._send_now(OPEN_TARGET_STRICT_ONE_WAY, None)

    def strict_one_way_soon(self, on_sent: Done) -> bool:
        return self._send_soon(OPEN_TARGET_STRICT_ONE_WAY, None, on_sent)

    async def flexible_one_way(self) -> None:
        await self._send(OPEN_TARGET_FLEXIBLE_ONE_WAY, None)

    def flexible_one_way_now(self) -> None:
        self._send_now(OPEN_TARGET_FLEXIBLE_ONE_WAY, None)

    def flexible_one_way_soon(self, on_sent: Done) -> bool:
        return self._send_soon(OPEN_TARGET_FLEXIBLE_ONE_WAY, None, on_sent)

    async def ask(self, *, timeout: float | None = 25.0) -> None:
        await self._call(OPEN_TARGET_ASK, None, timeout)

    async def flexible_two_way(self, *, timeout: float | None = 25.0) -> None:
        await self._call(OPEN_TARGET_FLEXIBLE_TWO_WAY, None, timeout)

    async def flexible_two_way_struct(self, some: int, *, timeout: float | None = 25.0) -> Some:
        return await self._call(OPEN_TARGET_FLEXIBLE_TWO_WAY_STRUCT, Some(some), timeout)

    async def flexible_result(
        self, payload: Answer, *, timeout: float | None = 25.0
    ) -> OpenTargetFlexibleResultResponse:
        """Raises: Uint32Failed."""
        return await self._call(OPEN_TARGET_FLEXIBLE_RESULT, payload, timeout)

    async def strict_result(
        self, payload: Answer, *, timeout: float | None = 25.0
    ) -> OpenTargetStrictResultResponse:
        """Raises: Uint32Failed."""
        return await self._call(OPEN_TARGET_STRICT_RESULT, payload, timeout)


class OpenTargetBlockingProxy(BlockingProxy[OpenTarget]):
    """A client, blocking its thread; see `OpenTargetProxy`."""

    PROTOCOL = OpenTarget
    __slots__ = ()

    def strict_one_way(self) -> None:
        self._send(OPEN_TARGET_STRICT_ONE_WAY, None)

    def strict_one_way_now(self) -> None:
        self._send_now(OPEN_TARGET_STRICT_ONE_WAY, None)

    def flexible_one_way(self) -> None:
        self._send(OPEN_TARGET_FLEXIBLE_ONE_WAY, None)

    def flexible_one_way_now(self) -> None:
        self._send_now(OPEN_TARGET_FLEXIBLE_ONE_WAY, None)

    def ask(self, *, timeout: float | None = 25.0) -> None:
        self._call(OPEN_TARGET_ASK, None, timeout)

    def flexible_two_way(self, *, timeout: float | None = 25.0) -> None:
        self._call(OPEN_TARGET_FLEXIBLE_TWO_WAY, None, timeout)

    def flexible_two_way_struct(self, some: int, *, timeout: float | None = 25.0) -> Some:
        return self._call(OPEN_TARGET_FLEXIBLE_TWO_WAY_STRUCT, Some(some), timeout)

    def flexible_result(
        self, payload: Answer, *, timeout: float | None = 25.0
    ) -> OpenTargetFlexibleResultResponse:
        return self._call(OPEN_TARGET_FLEXIBLE_RESULT, payload, timeout)

    def strict_result(
        self, payload: Answer, *, timeout: float | None = 25.0
    ) -> OpenTargetStrictResultResponse:
        return self._call(OPEN_TARGET_STRICT_RESULT, payload, timeout)


class OpenTargetServer(Server[OpenTarget]):
    """Serves one client; see `OpenTargetProxy`."""

    PROTOCOL = OpenTarget

    @abstractmethod
    def strict_one_way(self) -> _Answer[None]: ...

    @abstractmethod
    def flexible_one_way(self) -> _Answer[None]: ...

    @abstractmethod
    def ask(self) -> _Answer[None]: ...

    @abstractmethod
    def flexible_two_way(self) -> _Answer[None]: ...

    @abstractmethod
    def flexible_two_way_struct(self, some: int) -> _Answer[Some]: ...

    @abstractmethod
    def flexible_result(self, payload: Answer) -> _Answer[OpenTargetFlexibleResultResponse]: ...

    @abstractmethod
    def strict_result(self, payload: Answer) -> _Answer[OpenTargetStrictResultResponse]: ...


class OpenTargetEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_strict(self) -> None:
        """Event OnStrict."""

    def on_flexible(self) -> None:
        """Event OnFlexible."""


class OpenTargetEventSender(EventSender[OpenTarget]):
    """Sends the events to one client; see `OpenTargetEvents`."""

    __slots__ = ()

    def on_strict(self) -> None:
        self._send(OPEN_TARGET_ON_STRICT, None)

    async def on_strict_wait(self) -> None:
        await self._send_wait(OPEN_TARGET_ON_STRICT, None)

    def on_flexible(self) -> None:
        self._send(OPEN_TARGET_ON_FLEXIBLE, None)

    async def on_flexible_wait(self) -> None:
        await self._send_wait(OPEN_TARGET_ON_FLEXIBLE, None)
