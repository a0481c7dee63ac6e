"""Clients of the compositor: some draw, one reads poses."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack

from ipcrt.objects.event import Event
from ipcrt.shm.sync import TimelineSync
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
from tests.soak.opening import PATIENCE_S, opened
from tests.soak.tally import Tally

_SIZE = (320, 240)
_AHEAD = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.5))


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
        chain = stack.enter_context(make(*_SIZE))
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
                version = client.state.wait(POSES[HEAD], version, PATIENCE_S)
            finally:  # what a dead writer has written last is whole, too
                pose = head.read()
                assert pose.timestamp_ns >= newest, f"{pose.timestamp_ns} came after {newest}"
                assert math.isclose(math.hypot(*pose.orientation), 1.0, abs_tol=1e-3), pose
            newest = pose.timestamp_ns
            tally.step()
