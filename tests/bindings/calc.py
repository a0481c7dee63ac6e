"""A contract for the bindings' tests: one method of every sort, and a server to break."""

from __future__ import annotations

import enum
import logging
from abc import abstractmethod
from typing import Annotated

from msgspec import Meta

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd, create_endpoints
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.port import Port
from ipcrt.port.waiter import Waiter

log = logging.getLogger(__name__)


class CalcError(enum.IntEnum):
    """What the server may refuse."""

    DIVISION_BY_ZERO = 1


class CalcFailed(DomainError[CalcError]):
    """The domain error."""

    ERROR = CalcError


class Pair(Struct, frozen=True):
    a: int
    b: int


class Number(Struct, frozen=True):
    value: int


class Text(Struct, frozen=True):
    text: Annotated[str, Meta(max_length=8)]


class Blob(Struct, frozen=True):
    data: Annotated[bytes, Meta(max_length=4 << 20)]


class Memory(Struct, frozen=True):
    vmo: Vmo
    tag: int


class File(Struct, frozen=True):
    file: Handle


class Clone(Struct, frozen=True):
    end: ServerEnd[Calc]


class Calc(Protocol):
    """One method of every sort."""


ADD = TwoWay("test/Calc.Add", Pair, Number, strict=True)
DIVIDE = TwoWay("test/Calc.Divide", Pair, Number, raises=CalcFailed)
HANG = TwoWay("test/Calc.Hang", type(None), type(None))
CRASH = TwoWay("test/Calc.Crash", type(None), Number, strict=True)
ECHO = TwoWay("test/Calc.Echo", Blob, Blob)
SUM = TwoWay("test/Calc.Sum", Memory, Number)
REVERSE = TwoWay("test/Calc.Reverse", File, File)
NOTE = OneWay("test/Calc.Note", Text)
CLONE = OneWay("test/Calc.Clone", Clone)
ON_NOTE = Event("test/Calc.OnNote", Text)
STRANGE = TwoWay("test/Calc.Strange", Pair, Number)
STRANGE_STRICT = TwoWay("test/Calc.StrangeStrict", Pair, Number, strict=True)

Calc.TABLE = ProtocolTable(
    "test/Calc",
    Openness.OPEN,
    (ADD, DIVIDE, HANG, CRASH, ECHO, SUM, REVERSE, NOTE, CLONE, ON_NOTE),
)


class CalcProxy(Proxy[Calc]):
    PROTOCOL = Calc

    async def add(self, a: int, b: int, *, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return (await self._call(ADD, Pair(a, b), timeout)).value

    async def divide(self, a: int, b: int, *, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return (await self._call(DIVIDE, Pair(a, b), timeout)).value

    async def hang(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        await self._call(HANG, None, timeout)

    async def crash(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return (await self._call(CRASH, None, timeout)).value

    async def echo(self, data: bytes, *, timeout: float | None = DEFAULT_TIMEOUT) -> bytes:
        return (await self._call(ECHO, Blob(data), timeout)).data

    async def sum(self, vmo: Vmo, *, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return (await self._call(SUM, Memory(vmo, 1), timeout)).value

    async def reverse(self, file: Handle, *, timeout: float | None = DEFAULT_TIMEOUT) -> Handle:
        return (await self._call(REVERSE, File(file), timeout)).file

    async def note(self, text: str) -> None:
        await self._send(NOTE, Text(text))

    async def clone(self, end: ServerEnd[Calc]) -> None:
        await self._send(CLONE, Clone(end))

    async def strange(self, *, strict: bool) -> None:
        await self._call(STRANGE_STRICT if strict else STRANGE, Pair(1, 2), 5)


class CalcBlockingProxy(BlockingProxy[Calc]):
    PROTOCOL = Calc

    def add(self, a: int, b: int, *, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return self._call(ADD, Pair(a, b), timeout).value

    def divide(self, a: int, b: int, *, timeout: float | None = DEFAULT_TIMEOUT) -> int:
        return self._call(DIVIDE, Pair(a, b), timeout).value

    def hang(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        self._call(HANG, None, timeout)

    def echo(self, data: bytes, *, timeout: float | None = DEFAULT_TIMEOUT) -> bytes:
        return self._call(ECHO, Blob(data), timeout).data


class CalcServerBase(Server[Calc]):
    """The typed server, as a generator would emit it."""

    PROTOCOL = Calc

    @abstractmethod
    def add(self, a: int, b: int) -> Number: ...


class CalcServer(CalcServerBase):
    """Serves one client; `hang` waits until it is told to go on."""

    def __init__(self, port: Port, limits: Limits | None = None) -> None:
        self.port = port
        self.limits = limits
        self.binding: ServerBinding[Calc] | None = None
        self.notes: list[str] = []
        self.hanging: list[Waiter[None]] = []
        self.gone: list[Exception] = []

    def add(self, a: int, b: int) -> Number:
        return Number(a + b)

    async def divide(self, a: int, b: int) -> Number:
        if b == 0:
            raise CalcFailed(CalcError.DIVISION_BY_ZERO)
        return Number(a // b)

    async def hang(self) -> None:
        waiter: Waiter[None] = self.port.create_waiter()
        self.hanging.append(waiter)
        await waiter

    def crash(self) -> Number:
        raise KeyError("a secret of the server")

    def echo(self, data: bytes) -> Answer[Blob]:
        return Blob(data)

    def sum(self, vmo: Vmo, tag: int) -> Answer[Number]:
        with vmo:
            return Number(tag + sum(vmo.read(0, vmo.content_size)))

    def reverse(self, file: Handle) -> Answer[File]:
        return File(file)

    def note(self, text: str) -> Answer[None]:
        self.notes.append(text)
        assert self.binding is not None
        self.binding.send_event(ON_NOTE, Text(text))
        return None

    def clone(self, end: ServerEnd[Calc]) -> None:
        serve(end, self.port)

    def client_gone(self, reason: Exception) -> None:
        self.gone.append(reason)


def serve(end: ServerEnd[Calc], port: Port, limits: Limits | None = None) -> CalcServer:
    """Serve one end; the server's binding owns it."""
    server = CalcServer(port, limits)
    server.binding = ServerBinding(end, server, port, limits)
    return server


def pair(port: AsyncPort, limits: Limits | None = None) -> tuple[CalcProxy, CalcServer]:
    """A client and its server on one port; the caller closes both."""
    client, server = create_endpoints(Calc)
    return CalcProxy(client, port), serve(server, port, limits)


def fresh_end(port: AsyncPort) -> tuple[ClientEnd[Calc], CalcServer]:
    """An unbound client end, and its server."""
    client, server = create_endpoints(Calc)
    return client, serve(server, port)
