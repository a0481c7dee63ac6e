"""One client's pictures on their way to the compositor: swapchains, semaphores, what waits.

1. A frame that waits for its fence or semaphore holds its images, and is committed when that has
   come.
2. A later frame takes the place of one that still waits; so does the end of the session. A frame
   that has waited for `MOST_WAIT_S`, or whose signaller is gone, is dropped.
3. What goes wrong is a `Refused`; what exactly it was is logged, for the service's owner.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ipcrt.errors import (
    AccessDenied,
    BadState,
    InvalidArgs,
    IpcError,
    NoResources,
    NotFound,
    NotSupported,
    OutOfRange,
    RemoteProtocolError,
    ShouldWait,
    TimedOut,
    WrongType,
)
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.shm.image_format import format_of
from ipcrt.shm.image_states import ImageState
from ipcrt.shm.swapchain_info import SwapchainInfo as ShmInfo
from ipcrt.shm.swapchain_info import properties_of
from ipcrt.shm.swapchain_layers import Commit
from ipcrt.shm.swapchain_layers import Layer as ShmLayer
from ipcrt.shm.swapchain_set import SwapchainLimits, SwapchainSet
from ipcrt.shm.swapchain_wait import wait_image
from ipcrt.shm.sync import BinarySync
from ipcrt.shm.sync_waiter import TimelineWaiter
from ipcrt_services.monado.bindings import (
    MAX_CLIENT_BYTES,
    MAX_EDGE,
    MAX_LAYERS,
    MAX_SEMAPHORES,
    MAX_SWAPCHAINS,
    Refusal,
    Refused,
    SubImage,
    SwapchainInfo,
    SwapchainProperties,
)
from ipcrt_services.monado.layers import Surface

MOST_WAIT_S: Final = 1.0
_LIMITS: Final = SwapchainLimits(
    swapchains=MAX_SWAPCHAINS, total_bytes=MAX_CLIENT_BYTES, layers=MAX_LAYERS
)
_NS: Final = 1e9

_Ready = Callable[[], Coroutine[Any, Any, None]]
"""Makes what is awaited before a frame is committed."""

_log: Final = logging.getLogger("ipcrt.monado")

_MEMORY: Final[Mapping[type[IpcError], Refusal]] = {
    NoResources: Refusal.TOO_MANY,
    BadState: Refusal.BAD_MEMORY,
    InvalidArgs: Refusal.BAD_MEMORY,
    OutOfRange: Refusal.BAD_MEMORY,
    AccessDenied: Refusal.BAD_MEMORY,
    WrongType: Refusal.BAD_MEMORY,
    NotSupported: Refusal.BAD_MEMORY,
}
_STEPS: Final[Mapping[type[IpcError], Refusal]] = {
    NotFound: Refusal.NO_SUCH_SWAPCHAIN,
    OutOfRange: Refusal.NO_SUCH_IMAGE,
    BadState: Refusal.IMAGE_NOT_ACQUIRED,
    ShouldWait: Refusal.NO_IMAGE_FREE,
    TimedOut: Refusal.TIMEOUT,
}
_SHOWING: Final[Mapping[type[IpcError], Refusal]] = {
    NotFound: Refusal.NO_SUCH_SWAPCHAIN,
    OutOfRange: Refusal.NO_SUCH_IMAGE,
    BadState: Refusal.IMAGE_NOT_RELEASED,
}
_SIZES: Final[Mapping[type[IpcError], Refusal]] = {
    OutOfRange: Refusal.BAD_SIZE,
    NotSupported: Refusal.BAD_SIZE,
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

    def __init__(self, port: AsyncPort, name: Callable[[], str]) -> None:
        """`name` answers what the log is to call the client."""
        self._port = port
        self._name = name
        self.images: Final = SwapchainSet(_LIMITS)
        self._swapchains: set[int] = set()
        self._semaphores: dict[int, TimelineWaiter] = {}
        self._last_semaphore = 0
        self._waiting: _Waiting | None = None
        self.dropped = 0
        """Frames (rule 2)."""

    # ---- swapchains

    def properties(self, info: SwapchainInfo) -> SwapchainProperties:
        """Answer what would be made. Raises: Refused."""
        checked = self._checked(info)
        return SwapchainProperties(properties_of(checked).image_count, checked.image_bytes)

    def create(self, info: SwapchainInfo) -> tuple[int, list[Vmo]]:
        """Make a swapchain: its number, and images that the caller sends. Raises: Refused."""
        checked = self._checked(info)
        with self._refusing(_MEMORY):
            number, images = self.images.create(checked)
        self._swapchains.add(number)
        return number, images

    def take(self, info: SwapchainInfo, images: list[Vmo]) -> int:
        """Make a swapchain of the client's own images, and answer its number. Raises: Refused."""
        checked = self._checked(info)
        with self._refusing(_MEMORY):
            number = self.images.import_images(checked, images)
        self._swapchains.add(number)
        return number

    def acquire(self, swapchain: int) -> int:
        """Answer the image that comes next. Raises: Refused."""
        with self._refusing(_STEPS):
            return self.images.acquire(swapchain)

    def wait(self, swapchain: int, index: int, timeout_ns: int) -> Coroutine[Any, Any, None] | None:
        """Let the client draw, now or when the coroutine is done. Raises: Refused."""
        with self._refusing(_STEPS):
            try:
                self.images.wait(swapchain, index)
            except ShouldWait:
                return self._wait(swapchain, index, timeout_ns)
        return None

    async def _wait(self, swapchain: int, index: int, timeout_ns: int) -> None:
        with self._refusing(_STEPS):
            chain = self.images.get(swapchain)
            await wait_image(self._port, chain, index, min(timeout_ns / _NS, MOST_WAIT_S))

    def release(self, swapchain: int, index: int) -> None:
        """Take the drawn image back. Raises: Refused."""
        with self._refusing(_STEPS):
            chain = self.images.get(swapchain)
            try:
                chain.release(index)
            except BadState:
                if chain.states[index] is ImageState.ACQUIRED:
                    raise Refused(Refusal.IMAGE_NOT_WAITED) from None
                raise

    def destroy(self, swapchain: int) -> None:
        """Take a swapchain away. Raises: Refused."""
        with self._refusing(_STEPS):
            self.images.destroy(swapchain)
        self._swapchains.discard(swapchain)

    def size_of(self, sub: SubImage) -> tuple[int, int]:
        """Answer the width and height of an image's swapchain. Raises: Refused."""
        with self._refusing(_SHOWING):
            info = self.images.get(sub.swapchain_id).info
        return info.width, info.height

    def _checked(self, info: SwapchainInfo) -> ShmInfo:
        with self._refusing(_SIZES):
            if max(info.width, info.height) > MAX_EDGE:
                raise OutOfRange(f"{info.width} x {info.height} pixels exceed {MAX_EDGE}")
            if info.format.is_unknown:
                raise NotSupported(f"image format {int(info.format)} is unknown")
            return ShmInfo(info.width, info.height, format_of(int(info.format)))

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
        for number in self._swapchains:
            self.images.destroy(number)
        self._swapchains.clear()
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

    @contextlib.contextmanager
    def _refusing(self, reasons: Mapping[type[IpcError], Refusal]) -> Generator[None, None, None]:
        """Rule 3."""
        try:
            yield
        except tuple(reasons) as error:
            reason = next(reasons[kind] for kind in reasons if isinstance(error, kind))
            _log.info("%s: %s: %s", self._name(), reason.name, error)
            raise Refused(reason) from error


def _shm_layers(surfaces: list[Surface]) -> list[ShmLayer]:
    return [
        ShmLayer(surface.sub.swapchain_id, surface.sub.image_index, extra=surface)
        for surface in surfaces
    ]
