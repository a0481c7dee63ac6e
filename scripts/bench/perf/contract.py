# Library ipcrt.bench: generated; do not edit.
"""What the benchmark's processes say to each other."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Int32, Uint32, Uint64
from ipcrt.bindings.tables import Event as _Event
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.event import Event
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo

MAX_DATA_BYTES: Final = 0x4000000
"""The most bytes that a call passes as its argument."""


class BenchAddRequest(Struct):
    a: Int32
    b: Int32


class BenchAddResponse(Struct):
    sum: Int32


class BenchEchoRequest(Struct):
    data: Annotated[bytes, Meta(max_length=64)]


class BenchEchoResponse(Struct):
    data: Annotated[bytes, Meta(max_length=64)]


class BenchExchangeRequest(Struct):
    event: Annotated[Event, needs(Rights.TRANSFER | Rights.WAIT)] | None


class BenchExchangeResponse(Struct):
    event: Annotated[Event, needs(Rights.TRANSFER | Rights.WAIT)] | None


class BenchTouchDataRequest(Struct):
    data: Annotated[bytes, Meta(max_length=67108864)]


class BenchTouchDataResponse(Struct):
    pages: Uint32


class BenchTouchVmoRequest(Struct):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]


class BenchTouchVmoResponse(Struct):
    pages: Uint32


class BenchNoteRequest(Struct):
    a: Int32
    b: Int32


class BenchGetNotesResponse(Struct):
    notes: Uint64


class BenchSendNotesRequest(Struct):
    count: Uint32


class BenchOnNoteRequest(Struct):
    a: Int32
    b: Int32


class Bench(Protocol):
    """What is measured."""


BENCH_ADD = TwoWay("ipcrt.bench/Bench.Add", BenchAddRequest, BenchAddResponse, strict=True)
BENCH_ECHO = TwoWay("ipcrt.bench/Bench.Echo", BenchEchoRequest, BenchEchoResponse, strict=True)
BENCH_EXCHANGE = TwoWay(
    "ipcrt.bench/Bench.Exchange", BenchExchangeRequest, BenchExchangeResponse, strict=True
)
BENCH_TOUCH_DATA = TwoWay(
    "ipcrt.bench/Bench.TouchData", BenchTouchDataRequest, BenchTouchDataResponse, strict=True
)
BENCH_TOUCH_VMO = TwoWay(
    "ipcrt.bench/Bench.TouchVmo", BenchTouchVmoRequest, BenchTouchVmoResponse, strict=True
)
BENCH_NOTE = OneWay("ipcrt.bench/Bench.Note", BenchNoteRequest, strict=True)
BENCH_GET_NOTES = TwoWay(
    "ipcrt.bench/Bench.GetNotes", type(None), BenchGetNotesResponse, strict=True
)
BENCH_SEND_NOTES = OneWay("ipcrt.bench/Bench.SendNotes", BenchSendNotesRequest, strict=True)
BENCH_ON_NOTE = _Event("ipcrt.bench/Bench.OnNote", BenchOnNoteRequest, strict=True)
Bench.TABLE = ProtocolTable(
    "ipcrt.bench/Bench",
    Openness.CLOSED,
    (
        BENCH_ADD,
        BENCH_ECHO,
        BENCH_EXCHANGE,
        BENCH_TOUCH_DATA,
        BENCH_TOUCH_VMO,
        BENCH_NOTE,
        BENCH_GET_NOTES,
        BENCH_SEND_NOTES,
        BENCH_ON_NOTE,
    ),
)


class BenchProxy(Proxy[Bench]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Bench
    __slots__ = ()

    async def add(self, a: int, b: int, *, timeout: float | None = 25.0) -> BenchAddResponse:
        """Add two numbers."""
        return await self._call(BENCH_ADD, BenchAddRequest(a, b), timeout)

    async def echo(self, data: bytes, *, timeout: float | None = 25.0) -> BenchEchoResponse:
        """Answer with `data`, as it is."""
        return await self._call(BENCH_ECHO, BenchEchoRequest(data), timeout)

    async def exchange(
        self, event: Event | None, *, timeout: float | None = 25.0
    ) -> BenchExchangeResponse:
        """Answer with `event`, or with none."""
        return await self._call(BENCH_EXCHANGE, BenchExchangeRequest(event), timeout)

    async def touch_data(
        self, data: bytes, *, timeout: float | None = 25.0
    ) -> BenchTouchDataResponse:
        """Read a byte of every page of `data`, and count the pages."""
        return await self._call(BENCH_TOUCH_DATA, BenchTouchDataRequest(data), timeout)

    async def touch_vmo(self, vmo: Vmo, *, timeout: float | None = 25.0) -> BenchTouchVmoResponse:
        """Map `vmo`, read a byte of every page, and count the pages."""
        return await self._call(BENCH_TOUCH_VMO, BenchTouchVmoRequest(vmo), timeout)

    async def note(self, a: int, b: int) -> None:
        """Count this."""
        await self._send(BENCH_NOTE, BenchNoteRequest(a, b))

    def note_now(self, a: int, b: int) -> None:
        self._send_now(BENCH_NOTE, BenchNoteRequest(a, b))

    def note_soon(self, a: int, b: int, on_sent: Done) -> bool:
        return self._send_soon(BENCH_NOTE, BenchNoteRequest(a, b), on_sent)

    async def get_notes(self, *, timeout: float | None = 25.0) -> BenchGetNotesResponse:
        """Tell how many notes have come."""
        return await self._call(BENCH_GET_NOTES, None, timeout)

    async def send_notes(self, count: int) -> None:
        """Send so many `OnNote`."""
        await self._send(BENCH_SEND_NOTES, BenchSendNotesRequest(count))

    def send_notes_now(self, count: int) -> None:
        self._send_now(BENCH_SEND_NOTES, BenchSendNotesRequest(count))

    def send_notes_soon(self, count: int, on_sent: Done) -> bool:
        return self._send_soon(BENCH_SEND_NOTES, BenchSendNotesRequest(count), on_sent)


class BenchBlockingProxy(BlockingProxy[Bench]):
    """A client, blocking its thread; see `BenchProxy`."""

    PROTOCOL = Bench
    __slots__ = ()

    def add(self, a: int, b: int, *, timeout: float | None = 25.0) -> BenchAddResponse:
        return self._call(BENCH_ADD, BenchAddRequest(a, b), timeout)

    def echo(self, data: bytes, *, timeout: float | None = 25.0) -> BenchEchoResponse:
        return self._call(BENCH_ECHO, BenchEchoRequest(data), timeout)

    def exchange(
        self, event: Event | None, *, timeout: float | None = 25.0
    ) -> BenchExchangeResponse:
        return self._call(BENCH_EXCHANGE, BenchExchangeRequest(event), timeout)

    def touch_data(self, data: bytes, *, timeout: float | None = 25.0) -> BenchTouchDataResponse:
        return self._call(BENCH_TOUCH_DATA, BenchTouchDataRequest(data), timeout)

    def touch_vmo(self, vmo: Vmo, *, timeout: float | None = 25.0) -> BenchTouchVmoResponse:
        return self._call(BENCH_TOUCH_VMO, BenchTouchVmoRequest(vmo), timeout)

    def note(self, a: int, b: int) -> None:
        self._send(BENCH_NOTE, BenchNoteRequest(a, b))

    def note_now(self, a: int, b: int) -> None:
        self._send_now(BENCH_NOTE, BenchNoteRequest(a, b))

    def get_notes(self, *, timeout: float | None = 25.0) -> BenchGetNotesResponse:
        return self._call(BENCH_GET_NOTES, None, timeout)

    def send_notes(self, count: int) -> None:
        self._send(BENCH_SEND_NOTES, BenchSendNotesRequest(count))

    def send_notes_now(self, count: int) -> None:
        self._send_now(BENCH_SEND_NOTES, BenchSendNotesRequest(count))


class BenchServer(Server[Bench]):
    """Serves one client; see `BenchProxy`."""

    PROTOCOL = Bench

    @abstractmethod
    def add(self, a: int, b: int) -> Answer[BenchAddResponse]: ...

    @abstractmethod
    def echo(self, data: bytes) -> Answer[BenchEchoResponse]: ...

    @abstractmethod
    def exchange(self, event: Event | None) -> Answer[BenchExchangeResponse]: ...

    @abstractmethod
    def touch_data(self, data: bytes) -> Answer[BenchTouchDataResponse]: ...

    @abstractmethod
    def touch_vmo(self, vmo: Vmo) -> Answer[BenchTouchVmoResponse]: ...

    @abstractmethod
    def note(self, a: int, b: int) -> Answer[None]: ...

    @abstractmethod
    def get_notes(self) -> Answer[BenchGetNotesResponse]: ...

    @abstractmethod
    def send_notes(self, count: int) -> Answer[None]: ...


class BenchEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_note(self, a: int, b: int) -> None:
        """What `SendNotes` asked for."""


class BenchEventSender(EventSender[Bench]):
    """Sends the events to one client; see `BenchEvents`."""

    __slots__ = ()

    def on_note(self, a: int, b: int) -> None:
        self._send(BENCH_ON_NOTE, BenchOnNoteRequest(a, b))

    async def on_note_wait(self, a: int, b: int) -> None:
        await self._send_wait(BENCH_ON_NOTE, BenchOnNoteRequest(a, b))
