"""The actors of a scene: `python -m tests.soak.actor NAME TALLY PLACE LOOP`.

Each does the same thing for ever, until it is killed. Whoever it needs may be killed, too: then it
begins again, as soon as it can. Everything else that goes wrong ends it with a traceback.
$IPCRT_LOCATOR says where the locator is.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import anyio

from ipcrt.errors import NotFound, PeerClosed, Unavailable
from ipcrt.locator.connect import BlockingProxyT, connect, connect_blocking
from ipcrt.locator.service import provide
from ipcrt.objects.event import Event
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.shm.ring import create_ring
from ipcrt.shm.ring_async import AsyncRingConsumer
from ipcrt.shm.ring_consumer import RingConsumer
from ipcrt.shm.sync import TimelineSync
from ipcrt_services.kvstore.bindings import Item, StoreBlockingProxy, StoreProxy
from ipcrt_services.monado.bindings import (
    Layer,
    MonadoBlockingProxy,
    Pose,
    SessionKind,
    Vec3,
)
from ipcrt_services.monado.client import Chain, Client, Frame, quad
from ipcrt_services.monado.devices import HEAD
from ipcrt_services.monado.geometry import UPRIGHT
from ipcrt_services.monado.layout import POSES
from tests.soak import records
from tests.soak.sink import NAME, SinkBlockingProxy, SinkServer
from tests.soak.tally import Tally

GONE = (PeerClosed, Unavailable, NotFound)
"""What one is told when somebody was killed: it is gone, or not there yet."""

SIZE = (320, 240)
RING_BYTES = 1 << 16
BATCH = 64
_READS = 6
_PAUSE_S = 0.005
_BREATH_S = 0.005
_PATIENCE_S = 20.0
_AHEAD = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.5))


@contextmanager
def opened(proxy: type[BlockingProxyT]) -> Generator[BlockingProxyT, None, None]:
    """Open a protocol; the locator is left at once."""
    with BlockingPort() as port:
        with connect_blocking(port=port) as locator:
            found = locator.open(proxy)
        with found:
            yield found


# ---- clients of the compositor


class Artist:
    """Draws; `way` says how it tells that an image is drawn."""

    def __init__(self, client: Client, chain: Chain, stack: ExitStack, way: str) -> None:
        self._client = client
        self._chain = chain
        ways: dict[str, Callable[[Frame, list[Layer]], None]]
        ways = {"fence": self._with_fence, "line": self._on_line, "plain": Frame.show}
        self._show = ways[way]
        if way == "line":
            self._line = stack.enter_context(TimelineSync.create())
            reply = client.monado.compositor_semaphore_create(*self._line.share())
            self._semaphore = reply.semaphore_id

    def draw(self, shade: int) -> None:
        with self._client.frame() as frame:
            with self._chain.drawing() as image:
                image.pixels[...] = (shade & 255, 99, 99, 255)
            self._show(frame, [quad(self._chain, image.index, _AHEAD, (1.0, 1.0))])

    def _with_fence(self, frame: Frame, layers: list[Layer]) -> None:
        with Event.create() as fence:
            frame.show(layers, fence.duplicate())
            fence.signal()

    def _on_line(self, frame: Frame, layers: list[Layer]) -> None:
        frame.show_after(layers, self._semaphore, self._line.value + 1)
        self._line.signal(self._line.value + 1)


def draw(tally: Tally, way: str) -> None:
    with ExitStack() as stack:
        monado = stack.enter_context(opened(MonadoBlockingProxy))
        client = stack.enter_context(Client(monado, way, SessionKind.OVERLAY))
        make = client.import_swapchain if way == "plain" else client.create_swapchain
        chain = stack.enter_context(make(*SIZE))
        artist = Artist(client, chain, stack, way)
        client.begin()
        tally.begin()
        for shade in range(1 << 62):
            artist.draw(shade)
            tally.step()


def read_poses(tally: Tally) -> None:
    """Read from shared memory, without a call."""
    with opened(MonadoBlockingProxy) as monado, Client(monado, "poses") as client:
        head = client.state.section(POSES[HEAD])
        version = newest = 0
        tally.begin()
        while True:
            try:
                version = client.state.wait(POSES[HEAD], version, _PATIENCE_S)
            finally:  # what a dead writer has written last is whole, too
                pose = head.read()
                assert pose.timestamp_ns >= newest, f"{pose.timestamp_ns} came after {newest}"
                assert math.isclose(math.hypot(*pose.orientation), 1.0, abs_tol=1e-3), pose
            newest = pose.timestamp_ns
            tally.step()


# ---- clients of the store


class Keeper:
    """Calls without a pause, and holds the store to what it has acknowledged."""

    def __init__(self) -> None:
        self._tried = 0
        self._acknowledged = 0

    def run(self, tally: Tally) -> None:
        with opened(StoreBlockingProxy) as store:
            if self._acknowledged:
                self._check(store, self._acknowledged)
            tally.begin()
            while True:
                # One that was not answered may have been done all the same.
                self._tried += 1
                store.write_item(Item(_key(self._tried), _value(self._tried)))
                self._acknowledged = self._tried
                for _ in range(_READS):
                    self._check(store, self._acknowledged)
                    tally.step()

    def _check(self, store: StoreBlockingProxy, number: int) -> None:
        found = store.read_item(_key(number)).value
        assert found == _value(number), f"item {number} is {found!r}"


def _key(number: int) -> str:
    return f"soak/{os.getpid()}/{number:08d}"


def _value(number: int) -> bytes:
    return b"%d:" % number * (1 + number % 50)


class Visitor:
    """Comes and goes: each step is a connection of one's own, and some calls at once."""

    def __init__(self) -> None:
        self._tried = 0

    async def run(self, tally: Tally) -> None:
        async with open_port() as port:
            tally.begin()
            while True:
                self._tried += 1
                await self._visit(port)
                tally.step()
                await port.sleep(_BREATH_S)

    async def _visit(self, port: AsyncPort) -> None:
        number = self._tried
        async with connect(port=port) as locator, await locator.open(StoreProxy) as store:
            await store.write_item(Item(_key(number), _value(number)))
            async with await locator.another() as another:
                await another.get_identity()
            await read_all(store, number)


async def read_all(store: StoreProxy, number: int) -> None:
    """Read the same item several times at once."""
    found: list[bytes] = []
    gone: list[Exception] = []

    async def read() -> None:
        try:
            found.append((await store.read_item(_key(number))).value)
        except GONE as error:
            gone.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(_READS):
            group.start_soon(read)
    if gone:
        raise gone[0]
    assert found == [_value(number)] * _READS


# ---- the ends of a ring


def produce(tally: Tally) -> None:
    """Make a ring, hand its other end over, and push."""
    with opened(SinkBlockingProxy) as sink:
        producer, consumer = create_ring(RING_BYTES)
        with producer:
            sink.take(consumer.take())
            tally.begin()
            for first in range(0, 1 << 62, BATCH):
                numbers = range(first, first + BATCH)
                producer.push_many([records.record(number) for number in numbers], _PATIENCE_S)
                tally.step()
                time.sleep(_BREATH_S)


class Sink(SinkServer):
    """Takes the other end of each ring that is made, and pops."""

    def __init__(self, port: AsyncPort, tally: Tally) -> None:
        self._port = port
        self._tally = tally

    def take(self, vmo: Vmo, bell: Fifo) -> None:
        ring = AsyncRingConsumer(RingConsumer.attach(vmo, bell), self._port)
        self._port.spawn(self._consume(ring), "consume")

    async def _consume(self, consumer: AsyncRingConsumer) -> None:
        number = 0
        try:
            async with consumer as ring:
                self._tally.begin()
                while True:
                    for found in await ring.pop_many():
                        records.check(found, number)
                        number += 1
                    self._tally.step()
        except GONE:
            self._tally.fail()


async def consume(tally: Tally) -> None:
    async with open_port() as port:
        await provide(port, {NAME: lambda _: Sink(port, tally)})


# ---- all


def go_on(play: Callable[[Tally], None], tally: Tally) -> None:
    """Play; begin again whenever somebody is gone."""
    while True:
        try:
            play(tally)
        except GONE as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            tally.fail()
            time.sleep(_PAUSE_S)


def awaited(
    play: Callable[[Tally], Coroutine[Any, Any, None]], loop: str
) -> Callable[[Tally], None]:
    """Make a part for `go_on` of one that is awaited."""
    backend = "trio" if loop == "trio" else "asyncio"
    options = {"use_uvloop": True} if loop == "uvloop" else {}

    def run(tally: Tally) -> None:
        anyio.run(play, tally, backend=backend, backend_options=options)

    return run


PARTS: dict[str, Callable[[Tally], None]] = {
    "artist.fence": partial(draw, way="fence"),
    "artist.line": partial(draw, way="line"),
    "artist.plain": partial(draw, way="plain"),
    "poses": read_poses,
    "keeper": Keeper().run,
    "producer": produce,
}

AWAITED: dict[str, Callable[[Tally], Coroutine[Any, Any, None]]] = {
    "visitor": Visitor().run,
    "consumer": consume,
}

if __name__ == "__main__":
    _, name, path, place, loop = sys.argv
    go_on(PARTS.get(name) or awaited(AWAITED[name], loop), Tally(path, int(place)))
