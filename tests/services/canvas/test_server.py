from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.bindings.allowance import Allowance
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import BadState, LocalProtocolError, RemoteProtocolError
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.canvas.bindings import (
    MAX_LINES,
    BoundingBox,
    Metered,
    MeteredBlockingProxy,
    MeteredProxy,
    Point,
    Requested,
    RequestedBlockingProxy,
    RequestedEventSender,
    RequestedProxy,
    RequestedServer,
)
from ipcrt_services.canvas.server import MeteredClient, RequestedClient
from tests.services.conftest import Starter
from tests.support.waiting import wait_until_async

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])


def line(*numbers: int) -> list[Point]:
    x1, y1, x2, y2 = numbers
    return [Point(x1, y1), Point(x2, y2)]


class Drawings:
    """Listens; with an allowance it takes none that it has not asked for."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self.boxes: list[BoundingBox] = []
        self.allowance = allowance

    def on_drawn(self, top_left: Point, bottom_right: Point) -> None:
        if self.allowance is not None:
            self.allowance.receive()
        self.boxes.append(BoundingBox(top_left, bottom_right))


ALL = BoundingBox(Point(-2, 5), Point(14, 15))


@LOOPS
def test_each_line_is_acknowledged_and_drawn_in_time(
    loop: str, start: Starter, tmp_path: Path
) -> None:
    _, (end,) = start("canvas:ipcrt.canvas/Metered", tmp_path, loop=loop)
    listener = Drawings()
    client = ClientEnd[Metered](end.take_channel())
    with BlockingPort() as port, MeteredBlockingProxy(client, port, listener) as canvas:
        canvas.add_line(line(7, 9, 14, 15))
        canvas.add_line(line(-2, 15, 4, 5))
        while not listener.boxes or listener.boxes[-1] != ALL:
            canvas.add_line(line(0, 7, 1, 8))  # within: the rectangle stays
        assert len(listener.boxes) <= 3


@LOOPS
def test_drawings_come_when_they_are_asked_for(loop: str, start: Starter, tmp_path: Path) -> None:
    _, (end,) = start("canvas:ipcrt.canvas/Requested", tmp_path, loop=loop)
    allowance = Allowance()
    listener = Drawings(allowance)
    client = ClientEnd[Requested](end.take_channel())
    with BlockingPort() as port, RequestedBlockingProxy(client, port, listener) as canvas:
        canvas.add_lines([line(7, 9, 14, 15), line(-2, 15, 4, 5)])
        assert listener.boxes == []
        allowance.grant(1)
        canvas.ready()
        assert listener.boxes == [ALL]
        allowance.grant(1)
        canvas.ready()  # nothing new: the drawing comes with the next line
        assert listener.boxes == [ALL]
        canvas.add_lines([])
        canvas.add_lines([line(100, 0, 0, 0)])
        canvas.add_lines([line(-200, 0, 0, 0)])  # nobody has asked: it waits
        allowance.grant(1)
        canvas.ready()
        assert [box.top_left.x for box in listener.boxes] == [-2, -2, -200]
        assert [box.bottom_right.x for box in listener.boxes] == [14, 100, 100]


@pytest.mark.anyio
async def test_a_metered_canvas_that_nobody_draws_on_is_not_drawn() -> None:
    listener = Drawings()
    async with open_port() as port:
        client, end = create_endpoints(Metered)
        with ServerBinding(end, MeteredClient(port, 0.001), port):
            async with MeteredProxy(client, port, listener) as canvas:
                await port.sleep(0.02)
                assert listener.boxes == []
                await canvas.add_line(line(3, 4, 1, 2))
                await wait_until_async(lambda: bool(listener.boxes))
                await port.sleep(0.02)
                assert listener.boxes == [BoundingBox(Point(1, 2), Point(3, 4))]


@pytest.mark.anyio
async def test_asking_twice_ends_the_channel() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Requested)
        with ServerBinding(end, RequestedClient(), port):
            async with RequestedProxy(client, port, Drawings()) as canvas:
                await canvas.ready()
                with pytest.raises(BadState):
                    await canvas.ready()
                with pytest.raises(BadState):
                    await canvas.add_lines([])


class Pushy(RequestedServer):
    """Draws unasked."""

    def client_came(self, binding: ServerBinding[Requested]) -> None:
        RequestedEventSender(binding).on_drawn(Point(0, 0), Point(1, 1))

    def add_lines(self, lines: list[list[Point]]) -> None:
        pass

    def ready(self) -> None:
        pass


@pytest.mark.anyio
async def test_a_client_closes_a_server_that_draws_unasked() -> None:
    listener = Drawings(Allowance())
    async with open_port() as port:
        client, end = create_endpoints(Requested)
        with ServerBinding(end, Pushy(), port) as binding:
            async with RequestedProxy(client, port, listener) as canvas:
                await wait_until_async(lambda: canvas.closed)
                await binding.wait_closed()
                with pytest.raises(RemoteProtocolError):
                    await canvas.ready()
    assert listener.boxes == []


@pytest.mark.anyio
async def test_a_batch_has_a_bound_and_a_line_two_points() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Requested)
        listener = Drawings()
        far = line(-(1 << 31), -(1 << 31), (1 << 31) - 1, (1 << 31) - 1)
        with ServerBinding(end, RequestedClient(), port):
            async with RequestedProxy(client, port, listener) as canvas:
                await canvas.add_lines([far] * MAX_LINES)
                await canvas.ready()
                assert listener.boxes == [BoundingBox(*far)]
                with pytest.raises(LocalProtocolError, match="1024"):
                    await canvas.add_lines([far] * (MAX_LINES + 1))
                with pytest.raises(LocalProtocolError):
                    await canvas.add_lines([[Point(0, 0)]])
