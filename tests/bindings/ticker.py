"""A small contract for the tests of patterns: a call, a one-way message and an event."""

from __future__ import annotations

from abc import abstractmethod

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.port.aport import AsyncPort


class Number(Struct, frozen=True):
    number: int


class Ticker(Protocol):
    """Says numbers."""


WATCH = TwoWay("test/Ticker.Watch", type(None), Number, strict=True)
TELL = OneWay("test/Ticker.Tell", Number, strict=True)
ON_TICK = Event("test/Ticker.OnTick", Number, strict=True)
Ticker.TABLE = ProtocolTable("test/Ticker", Openness.CLOSED, (WATCH, TELL, ON_TICK))


class TickerProxy(Proxy[Ticker]):
    PROTOCOL = Ticker

    async def watch(self, *, timeout: float | None = 5) -> int:
        return (await self._call(WATCH, None, timeout)).number

    async def tell(self, number: int) -> None:
        await self._send(TELL, Number(number))


class TickerBlockingProxy(BlockingProxy[Ticker]):
    PROTOCOL = Ticker

    def watch(self, *, timeout: float | None = 5) -> int:
        return self._call(WATCH, None, timeout).number

    def tell(self, number: int) -> None:
        self._send(TELL, Number(number))


class TickerServer(Server[Ticker]):
    PROTOCOL = Ticker

    @abstractmethod
    def watch(self) -> Answer[Number]: ...

    def tell(self, number: int) -> Answer[None]:
        """Hear a number."""


class Ticks:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def on_tick(self, number: int) -> None:
        self.heard.append(number)


def tick(binding: ServerBinding[Ticker], number: int) -> None:
    """Send one event now or not at all."""
    binding.send_event(ON_TICK, Number(number))


def connect(
    server: TickerServer, port: AsyncPort, events: object | None = None
) -> tuple[TickerProxy, ServerBinding[Ticker]]:
    """A client of `server`; its binding ends with it."""
    client, end = create_endpoints(Ticker)
    return TickerProxy(client, port, events or Ticks()), ServerBinding(end, server, port)
