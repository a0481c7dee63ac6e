"""One client's frames on their way to the compositor: what is shown, and what waits.

1. A frame that waits for its fence or semaphore holds its images, and is committed when that has
   come.
2. A later frame takes the place of one that still waits; so does the end of the session. A frame
   that has waited for `MOST_WAIT_S`, or whose signaller is gone, is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from ipcrt.errors import BadState, IpcError, NotFound, OutOfRange, RemoteProtocolError
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.shm.swapchain_layers import Commit
from ipcrt.shm.swapchain_layers import Layer as ShmLayer
from ipcrt.shm.sync import BinarySync
from ipcrt.shm.sync_waiter import TimelineWaiter
from ipcrt_services.monado.bindings import MAX_SEMAPHORES, Refusal, Refused
from ipcrt_services.monado.budget import Budget
from ipcrt_services.monado.chains import Chains, Jobs
from ipcrt_services.monado.layers import Surface
from ipcrt_services.monado.refusing import Reasons, refusing

MOST_WAIT_S: Final = 1.0

_Ready = Callable[[], Coroutine[Any, Any, None]]
"""Makes what is awaited before a frame is committed."""

_log: Final = logging.getLogger("ipcrt.monado")

_SHOWING: Final[Reasons] = {
    NotFound: Refusal.NO_SUCH_SWAPCHAIN,
    OutOfRange: Refusal.NO_SUCH_IMAGE,
    BadState: Refusal.IMAGE_NOT_RELEASED,
}


@dataclass(slots=True, eq=False)
class _Waiting:
    """A frame of rule 1; owns its fence."""

    layers: list[ShmLayer]
    commit: Commit
    fence: BinarySync | None
    stop: Callable[[], object] | None = None

    def close(self) -> None:
        """Let its images go. Idempotent."""
        self.commit.drop()
        if self.fence is not None:
            self.fence.close()


class Delivery:
    """One client's; used on the port's thread."""

    def __init__(
        self, port: AsyncPort, jobs: Jobs, budget: Budget, name: Callable[[], str]
    ) -> None:
        """As `Chains`."""
        self.chains: Final = Chains(port, jobs, budget, name)
        self.images: Final = self.chains.images
        self._port = port
        self._name = name
        self._semaphores: dict[int, TimelineWaiter] = {}
        self._last_semaphore = 0
        self._waiting: _Waiting | None = None
        self.dropped = 0
        """Frames (rule 2)."""

    # ---- semaphores

    def add_semaphore(self, page: Vmo, doorbell: EventPair) -> int:
        """Make a client's timeline known; owns both handles. Raises: Refused."""
        with page, doorbell:
            if len(self._semaphores) >= MAX_SEMAPHORES:
                raise Refused(Refusal.TOO_MANY)
            with self._refusing({RemoteProtocolError: Refusal.BAD_SEMAPHORE}):
                waiter = TimelineWaiter.attach(page, doorbell)
        self._last_semaphore += 1
        self._semaphores[self._last_semaphore] = waiter
        return self._last_semaphore

    def remove_semaphore(self, number: int) -> None:
        """Give a semaphore up; what waits on it is dropped. Raises: Refused."""
        self._semaphore(number).close()
        del self._semaphores[number]

    def _semaphore(self, number: int) -> TimelineWaiter:
        waiter = self._semaphores.get(number)
        if waiter is None:
            raise Refused(Refusal.NO_SUCH_SEMAPHORE)
        return waiter

    # ---- frames

    def commit(self, surfaces: list[Surface], frame_id: int) -> None:
        """Have a frame shown. Raises: Refused, and nothing has changed."""
        with self._refusing(_SHOWING):
            self.images.commit(_shm_layers(surfaces), frame_id)
        self.drop_waiting()

    def commit_after_fence(self, surfaces: list[Surface], frame_id: int, fence: Event) -> None:
        """Have a frame shown when `fence`, which it owns, is signaled. Raises: Refused."""
        sync = BinarySync(fence)
        try:
            waiting = self._hold(surfaces, frame_id, sync)
        except BaseException:
            sync.close()
            raise
        self._start(waiting, lambda: sync.wait_on(self._port, MOST_WAIT_S))

    def commit_after(
        self, surfaces: list[Surface], frame_id: int, semaphore: int, value: int
    ) -> None:
        """Have a frame shown when a semaphore has reached a value. Raises: Refused."""
        waiter = self._semaphore(semaphore)
        waiting = self._hold(surfaces, frame_id, None)
        self._start(waiting, lambda: waiter.wait_on(self._port, value, MOST_WAIT_S))

    def _hold(self, surfaces: list[Surface], frame_id: int, fence: BinarySync | None) -> _Waiting:
        """Rules 1 and 2."""
        layers = _shm_layers(surfaces)
        with self._refusing(_SHOWING):
            held = [(layer, self.images.get(layer.swapchain)) for layer in layers]
            for layer, chain in held:
                chain.check_shown(layer.image)
        self.drop_waiting()
        self._waiting = _Waiting(layers, Commit(held, frame_id), fence)
        return self._waiting

    def _start(self, waiting: _Waiting, ready: _Ready) -> None:
        waiting.stop = self._port.spawn(self._commit_when(waiting, ready), "monado frame")

    async def _commit_when(self, waiting: _Waiting, ready: _Ready) -> None:
        frame_id = waiting.commit.frame_id
        try:
            await ready()
            if self._waiting is waiting:
                self.images.commit(waiting.layers, frame_id)
                self._waiting = None
        except IpcError as error:
            if self._waiting is waiting:
                self._waiting = None
                self.dropped += 1
                _log.info("%s: frame %d is dropped: %s", self._name(), frame_id, error)
        finally:
            waiting.close()

    def drop_waiting(self) -> None:
        """Give up the frame that waits, if one does."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.dropped += 1
            waiting.close()
            if waiting.stop is not None:
                waiting.stop()

    def clear(self) -> None:
        """Show nothing from now on."""
        self.drop_waiting()
        self.images.commit([])

    def reset(self) -> None:
        """Show nothing, and give up what the client has made."""
        self.clear()
        self.chains.destroy_all()
        self._close_semaphores()

    def close(self) -> None:
        """Give everything back; what a frame shows, when that frame is over. Idempotent."""
        self.drop_waiting()
        self._close_semaphores()
        self.images.close()

    def _close_semaphores(self) -> None:
        for waiter in self._semaphores.values():
            waiter.close()
        self._semaphores.clear()

    def _refusing(self, reasons: Reasons) -> AbstractContextManager[None]:
        return refusing(reasons, self._name)


def _shm_layers(surfaces: list[Surface]) -> list[ShmLayer]:
    return [
        ShmLayer(surface.sub.swapchain_id, surface.sub.image_index, extra=surface)
        for surface in surfaces
    ]
