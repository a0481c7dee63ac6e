# Library ipcrt.canvas: generated; do not edit.
"""A canvas that lines are added to, with two ways to keep client and server in step."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Int32
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay

MAX_LINES: Final = 1024
"""Lines in one message: with coordinates of any size it stays below 64 KiB."""


class Point(Struct):
    """A place on the canvas, which has no edge."""

    x: Int32
    """To the right."""
    y: Int32
    """Downwards."""


class BoundingBox(Struct):
    """The smallest rectangle around all lines; its edges are part of it."""

    top_left: Point
    """The smallest x and y."""
    bottom_right: Point
    """The largest x and y."""


class MeteredAddLineRequest(Struct):
    line: Line


class RequestedAddLinesRequest(Struct):
    lines: Annotated[list[Line], Meta(max_length=1024)]


class Metered(Protocol):
    """A canvas of the client's own, drawn when the server likes.

    The client waits for each line to be taken, so that it cannot get ahead of the server.
    """


class Requested(Protocol):
    """A canvas of the client's own, drawn when the client asks for it."""


Line: TypeAlias = Annotated[list[Point], Meta(min_length=2, max_length=2)]
"""From one point to another; both are part of it."""

METERED_ADD_LINE = TwoWay("ipcrt.canvas/Metered.AddLine", MeteredAddLineRequest, type(None))
METERED_ON_DRAWN = Event("ipcrt.canvas/Metered.OnDrawn", BoundingBox)
Metered.TABLE = ProtocolTable(
    "ipcrt.canvas/Metered", Openness.OPEN, (METERED_ADD_LINE, METERED_ON_DRAWN)
)

REQUESTED_ADD_LINES = OneWay("ipcrt.canvas/Requested.AddLines", RequestedAddLinesRequest)
REQUESTED_READY = TwoWay("ipcrt.canvas/Requested.Ready", type(None), type(None))
REQUESTED_ON_DRAWN = Event("ipcrt.canvas/Requested.OnDrawn", BoundingBox)
Requested.TABLE = ProtocolTable(
    "ipcrt.canvas/Requested",
    Openness.OPEN,
    (REQUESTED_ADD_LINES, REQUESTED_READY, REQUESTED_ON_DRAWN),
)


class MeteredProxy(Proxy[Metered]):
    """A client, awaited."""

    PROTOCOL = Metered
    __slots__ = ()

    async def add_line(self, line: list[Point], *, timeout: float | None = 25.0) -> None:
        """Add a line; answered when it is on the canvas."""
        await self._call(METERED_ADD_LINE, MeteredAddLineRequest(line), timeout)


class MeteredBlockingProxy(BlockingProxy[Metered]):
    """A client, blocking its thread; see `MeteredProxy`."""

    PROTOCOL = Metered
    __slots__ = ()

    def add_line(self, line: list[Point], *, timeout: float | None = 25.0) -> None:
        self._call(METERED_ADD_LINE, MeteredAddLineRequest(line), timeout)


class MeteredServer(Server[Metered]):
    """Serves one client; see `MeteredProxy`."""

    PROTOCOL = Metered

    @abstractmethod
    def add_line(self, line: list[Point]) -> Answer[None]: ...


class MeteredEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_drawn(self, top_left: Point, bottom_right: Point) -> None:
        """Lines were added since the last time. Comes as often as the server draws."""


class MeteredEventSender(EventSender[Metered]):
    """Sends the events to one client; see `MeteredEvents`."""

    __slots__ = ()

    def on_drawn(self, top_left: Point, bottom_right: Point) -> None:
        self._send(METERED_ON_DRAWN, BoundingBox(top_left, bottom_right))

    async def on_drawn_wait(self, top_left: Point, bottom_right: Point) -> None:
        await self._send_wait(METERED_ON_DRAWN, BoundingBox(top_left, bottom_right))


class RequestedProxy(Proxy[Requested]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Requested
    __slots__ = ()

    async def add_lines(self, lines: list[list[Point]]) -> None:
        """Add lines; nothing answers."""
        await self._send(REQUESTED_ADD_LINES, RequestedAddLinesRequest(lines))

    def add_lines_now(self, lines: list[list[Point]]) -> None:
        self._send_now(REQUESTED_ADD_LINES, RequestedAddLinesRequest(lines))

    def add_lines_soon(self, lines: list[list[Point]], on_sent: Done) -> bool:
        return self._send_soon(REQUESTED_ADD_LINES, RequestedAddLinesRequest(lines), on_sent)

    async def ready(self, *, timeout: float | None = 25.0) -> None:
        """Ask for one drawing.

        To ask again before it has come ends the channel.
        """
        await self._call(REQUESTED_READY, None, timeout)


class RequestedBlockingProxy(BlockingProxy[Requested]):
    """A client, blocking its thread; see `RequestedProxy`."""

    PROTOCOL = Requested
    __slots__ = ()

    def add_lines(self, lines: list[list[Point]]) -> None:
        self._send(REQUESTED_ADD_LINES, RequestedAddLinesRequest(lines))

    def add_lines_now(self, lines: list[list[Point]]) -> None:
        self._send_now(REQUESTED_ADD_LINES, RequestedAddLinesRequest(lines))

    def ready(self, *, timeout: float | None = 25.0) -> None:
        self._call(REQUESTED_READY, None, timeout)


class RequestedServer(Server[Requested]):
    """Serves one client; see `RequestedProxy`."""

    PROTOCOL = Requested

    @abstractmethod
    def add_lines(self, lines: list[list[Point]]) -> Answer[None]: ...

    @abstractmethod
    def ready(self) -> Answer[None]: ...


class RequestedEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_drawn(self, top_left: Point, bottom_right: Point) -> None:
        """The drawing that was asked for, once there is a line in it that the last one had not.

        The client closes the channel when one comes that it has not asked for.
        """


class RequestedEventSender(EventSender[Requested]):
    """Sends the events to one client; see `RequestedEvents`."""

    __slots__ = ()

    def on_drawn(self, top_left: Point, bottom_right: Point) -> None:
        self._send(REQUESTED_ON_DRAWN, BoundingBox(top_left, bottom_right))

    async def on_drawn_wait(self, top_left: Point, bottom_right: Point) -> None:
        await self._send_wait(REQUESTED_ON_DRAWN, BoundingBox(top_left, bottom_right))
