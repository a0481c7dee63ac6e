"""A client of the demonstration: `python -m ipcrt_services.monado.player PLAN`.

PLAN is a JSON object: which client of how many this is, the locator's socket, how many seconds and
how big, the descriptor of a pipe whose end says that all may begin, and the file to which what came
of it is written, in JSON, too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from ipcrt.locator.connect import connect_blocking
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.demo.measure import Descriptors
from ipcrt_services.monado.bindings import MonadoBlockingProxy, Pose
from ipcrt_services.monado.client import Chain, Client
from ipcrt_services.monado.devices import HEAD, LEFT, RIGHT
from ipcrt_services.monado.scenes import Map, Scene, scene_for

_DEVICES: Final = (HEAD, LEFT, RIGHT)
_NS: Final = 1e9
_READ_EVERY_S: Final = 0.001
_WARM_UP: Final = 5
"""Frames before descriptors are counted: the first ones make Python load things."""


class Plan(msgspec.Struct, frozen=True):
    """What a client is to do."""

    place: int
    clients: int
    locator: str
    seconds: float
    width: int
    height: int
    gate: int
    report: str


class Report(msgspec.Struct, frozen=True):
    """What came of it."""

    name: str
    pid: int
    seconds: float
    frames: int
    missed: int
    poses: int
    """Read from shared memory; no call is made for them."""
    cpu_seconds: float
    fds_before: int
    fds_after: int
    leaked: list[str]


class Player:
    """One client; draws, and reads poses while it would sleep if it is the one that does."""

    def __init__(self, plan: Plan, client: Client, chain: Chain, scene: Scene) -> None:
        self._plan = plan
        self._client = client
        self._chain = chain
        self._scene = scene
        self._poses: dict[int, Pose] = {}
        self._reads = 0
        self._idle = self._read_until if isinstance(scene, Map) else None

    def run(self) -> Report:
        """Play for as long as planned. Raises: Refused, IpcError."""
        self._client.begin()
        for _ in range(_WARM_UP):
            self._draw_frame()
        frames, missed = self._counts()
        before = Descriptors.of(os.getpid())
        began, cpu = time.monotonic(), time.process_time()
        self._reads = 0
        while time.monotonic() - began < self._plan.seconds:
            self._draw_frame()
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        after = Descriptors.of(os.getpid())
        frames_after, missed_after = self._counts()
        return Report(
            type(self._scene).__name__.lower(),
            os.getpid(),
            seconds,
            frames_after - frames,
            missed_after - missed,
            self._reads,
            cpu,
            len(before),
            len(after),
            after.since(before),
        )

    def _draw_frame(self) -> None:
        with self._client.frame(self._idle) as frame:
            self._read(frame.display_time_ns)
            with self._chain.drawing() as image:
                seconds = frame.display_time_ns / _NS
                self._scene.draw(image.index, image.pixels, seconds, self._poses)
            frame.show([self._scene.layer(self._chain, image.index, self._poses)])

    def _read(self, at_ns: int) -> None:
        """Read where the devices will be."""
        for device in _DEVICES:
            self._poses[device] = self._client.pose_at(device, at_ns)
        self._reads += len(_DEVICES)

    def _read_until(self, wake_up_ns: int) -> None:
        while (left := (wake_up_ns - time.monotonic_ns()) / _NS) > 0:
            self._read(wake_up_ns)
            time.sleep(min(left, _READ_EVERY_S))

    def _counts(self) -> tuple[int, int]:
        monado = self._client.monado
        info = monado.system_get_client_info(monado.system_get_clients().own).info
        return info.frames, info.missed


def main() -> int:
    """Play one part; answer the exit status."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    os.set_inheritable(plan.gate, False)
    scene = scene_for(plan.place, plan.clients, plan.width, plan.height)
    with (
        BlockingPort() as port,
        connect_blocking(plan.locator, port=port) as locator,
        locator.open(MonadoBlockingProxy) as monado,
        Client(monado, type(scene).__name__.lower(), scene.KIND, plan.place) as client,
        client.create_swapchain(plan.width, plan.height) as chain,
    ):
        os.read(plan.gate, 1)
        report = Player(plan, client, chain, scene).run()
    Path(plan.report).write_text(json.dumps(msgspec.to_builtins(report)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
