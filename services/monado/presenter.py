"""The compositor's loop: at each period it takes what clients have delivered, and lays it together.

1. It runs on the port; the laying itself is done by a worker's thread, which sees arrays and
   numbers, never a client. What it reads is latched before and let go after.
2. A period that has gone by while a picture was composed is left out.
3. Where nobody shows anything the picture is made once, and then again when somebody does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import numpy as np

from ipcrt.errors import Canceled, IpcError
from ipcrt.port.aport import AsyncPort
from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.swapchain_layers import Frame, LatchedLayer
from ipcrt_services.monado.bindings import Pose, Vec3
from ipcrt_services.monado.compositor import compose
from ipcrt_services.monado.devices import Device
from ipcrt_services.monado.geometry import UPRIGHT, placed
from ipcrt_services.monado.layers import Eye, Surface
from ipcrt_services.monado.layout import COMPOSITOR, CompositorState
from ipcrt_services.monado.mirror import Mirror
from ipcrt_services.monado.pacing import Display
from ipcrt_services.monado.settings import EYE_DISTANCE_M, FOV, VIEWS, Settings
from ipcrt_services.worker import Worker, call_each

if TYPE_CHECKING:
    import numpy.typing as npt

    Pixels: TypeAlias = npt.NDArray[np.uint32]

_NS: Final = 1e9


class Presenter:
    """Owns the worker's thread and the mirror; the state is lent."""

    def __init__(
        self,
        port: AsyncPort,
        settings: Settings,
        head: Device,
        state: SharedState,
        latch: Callable[[], Sequence[Frame]],
    ) -> None:
        """`latch` answers what each visible client shows now, the lowest first, ours to close."""
        self.display: Final = Display(time.monotonic_ns(), settings.period_ns)
        self.mirror: Final = Mirror(settings.view_width * VIEWS, settings.view_height)
        self._port = port
        self._settings = settings
        self._head = head
        self._state = state.writer(COMPOSITOR)
        self._latch = latch
        self._worker: Worker[Callable[[], Any], Any] = Worker(port, call_each, "compositor", 1)
        self._frames = 0
        self._late = 0
        self._failed = 0
        self._layers: int | None = None

    async def run(self) -> None:
        """Compose until cancelled."""
        every = self._settings.compose_every * self.display.period_ns
        due = self.display.next_after(time.monotonic_ns())
        while True:
            left = self.display.deadline_of(due) - time.monotonic_ns()
            await self._port.sleep(max(0, left) / _NS)
            await self._present(due)
            behind = max(0, (time.monotonic_ns() - due) // every)
            self._late += behind
            due += (behind + 1) * every

    async def _present(self, display_ns: int) -> None:
        with ExitStack() as held:
            frames = self._latch()
            for frame in frames:
                held.callback(frame.close)
            layers = [(surface_of(each), pixels_of(each)) for f in frames for each in f.layers]
            clients = sum(1 for frame in frames if frame.layers)
            if not layers and self._layers == 0:
                return
            # Cancelled here, the thread reads on: the arrays keep what it reads mapped.
            try:
                await self._worker.submit(
                    partial(compose, self.mirror.canvas, self.eyes(display_ns), layers)
                )
            except Canceled:
                raise
            except IpcError:  # which the worker has logged: the next picture may be another
                self._failed += 1
                return
        self._layers = len(layers)
        self._frames += 1
        self.mirror.publish(display_ns)
        self._state.publish(
            CompositorState(self._frames, self._late, display_ns, len(layers), clients)
        )

    def eyes(self, at_ns: int) -> list[Eye]:
        """Answer where the eyes will be at a time."""
        head = self._head.relation(at_ns).pose
        width, height = self._settings.view_width, self._settings.view_height
        found: list[Eye] = []
        for index in range(VIEWS):
            aside = Vec3((index - 0.5) * EYE_DISTANCE_M, 0.0, 0.0)
            found.append(Eye(index, head, placed(head, Pose(UPRIGHT, aside)), FOV, width, height))
        return found

    def statistics(self) -> dict[str, int]:
        """Count pictures: composed, left out, failed; and the newest one's layers."""
        return {
            "frames": self._frames,
            "late": self._late,
            "failed": self._failed,
            "layers": self._layers or 0,
        }

    def close(self) -> None:
        """End the thread, and give the mirror back. Idempotent."""
        self._worker.close()
        self.mirror.close()


def surface_of(latched: LatchedLayer) -> Surface:
    """Answer what was checked when the layer was delivered."""
    return cast("Surface", latched.layer.extra)


def pixels_of(latched: LatchedLayer) -> Pixels:
    """Answer a layer's whole image, without a copy."""
    info = latched.info
    return np.ndarray(
        (info.height, info.width), np.uint32, latched.view, strides=(info.row_bytes, 4)
    )
