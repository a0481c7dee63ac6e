"""One client's swapchains, as its calls ask for them.

1. Memory is made and filled by a thread: on the loop it would cost others their frames. One
   swapchain of a client is made at a time, and none where there is no room for it.
2. What is made and not taken any more, since the client has gone, is closed on that thread.
3. What all clients of one user have is limited, too (`budget.py`): else who connects often enough
   would have all memory.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias

import anyio

from ipcrt.errors import (
    AccessDenied,
    BadState,
    InvalidArgs,
    NoResources,
    NotFound,
    NotSupported,
    OutOfRange,
    ShouldWait,
    TimedOut,
    WrongType,
)
from ipcrt.objects.handle import close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.shm.image_format import format_of
from ipcrt.shm.image_states import ImageState
from ipcrt.shm.image_vmo import create_images, map_images
from ipcrt.shm.swapchain_info import SwapchainInfo as ShmInfo
from ipcrt.shm.swapchain_info import properties_of
from ipcrt.shm.swapchain_set import SwapchainLimits, SwapchainSet
from ipcrt.shm.swapchain_wait import acquire_image, wait_image
from ipcrt_services.monado.bindings import (
    MAX_CLIENT_BYTES,
    MAX_EDGE,
    MAX_LAYERS,
    MAX_SWAPCHAINS,
    Refusal,
    Refused,
    SubImage,
    SwapchainInfo,
    SwapchainProperties,
)
from ipcrt_services.monado.budget import Budget
from ipcrt_services.monado.refusing import Reasons, refusing
from ipcrt_services.worker import Worker

MOST_WAIT_S: Final = 1.0
"""How long a client may wait for an image in one call."""

_LIMITS: Final = SwapchainLimits(
    swapchains=MAX_SWAPCHAINS, total_bytes=MAX_CLIENT_BYTES, layers=MAX_LAYERS
)
_NAME: Final = "ipcrt-image"
_NS: Final = 1e9

_MEMORY: Final[Reasons] = {
    NoResources: Refusal.TOO_MANY,
    BadState: Refusal.BAD_MEMORY,
    InvalidArgs: Refusal.BAD_MEMORY,
    OutOfRange: Refusal.BAD_MEMORY,
    AccessDenied: Refusal.BAD_MEMORY,
    WrongType: Refusal.BAD_MEMORY,
    NotSupported: Refusal.BAD_MEMORY,
}
_STEPS: Final[Reasons] = {
    NotFound: Refusal.NO_SUCH_SWAPCHAIN,
    OutOfRange: Refusal.NO_SUCH_IMAGE,
    BadState: Refusal.IMAGE_NOT_ACQUIRED,
    TimedOut: Refusal.TIMEOUT,
}
_ACQUIRING: Final[Reasons] = {
    **_STEPS,
    ShouldWait: Refusal.NO_IMAGE_FREE,
    TimedOut: Refusal.NO_IMAGE_FREE,
}
_AT_THE_CLIENT: Final = (ImageState.ACQUIRED, ImageState.WAITED)
_SIZES: Final[Reasons] = {OutOfRange: Refusal.BAD_SIZE, NotSupported: Refusal.BAD_SIZE}

Jobs: TypeAlias = Worker[Callable[[], Any], Any]
"""The thread of rule 1."""


class Chains:
    """One client's; used on the port's thread."""

    def __init__(
        self, port: AsyncPort, jobs: Jobs, budget: Budget, name: Callable[[], str]
    ) -> None:
        """`budget` is its user's; `name` answers what the log is to call the client."""
        self.images: Final = SwapchainSet(_LIMITS)
        self._port = port
        self._jobs = jobs
        self._budget = budget
        self._name = name
        self._numbers: set[int] = set()
        self._making = anyio.Lock()

    # ---- making and destroying

    def properties(self, info: SwapchainInfo) -> SwapchainProperties:
        """Answer what would be made. Raises: Refused."""
        checked = self._checked(info)
        return SwapchainProperties(properties_of(checked).image_count, checked.image_bytes)

    async def create(self, info: SwapchainInfo) -> tuple[int, list[Vmo]]:
        """Make a swapchain: its number, and images that the caller sends. Raises: Refused."""
        checked = self._checked(info)
        async with self._making:
            made = _Made(checked)
            with self._refusing(_MEMORY):
                self._check_room(checked)
                give_back = self._budget.claim(_size_of(checked))
                try:
                    await self._jobs.submit(made.make)
                    number = self.images.import_images(checked, made.duplicates())
                    self._numbers.add(number)
                    give_back()
                    return number, made.take()
                finally:
                    self._jobs.post(made.close)
                    self._jobs.post(give_back)

    def _check_room(self, info: ShmInfo) -> None:
        """Refuse before anything is made; `SwapchainSet` counts once more."""
        found = self.images.statistics()
        total = found["bytes"] + _size_of(info)
        if found["swapchains"] >= MAX_SWAPCHAINS or total > MAX_CLIENT_BYTES:
            raise NoResources(f"{found['swapchains']} swapchains, {total} bytes with another")

    def take(self, info: SwapchainInfo, images: list[Vmo]) -> int:
        """Make a swapchain of the client's own images, and answer its number. Raises: Refused."""
        checked = self._checked(info)
        with self._refusing(_MEMORY):
            try:
                self._budget.check(len(images) * checked.image_bytes)
            except BaseException:
                close_all(images)
                raise
            number = self.images.import_images(checked, images)
        self._numbers.add(number)
        return number

    def destroy(self, swapchain: int) -> None:
        """Take a swapchain away. Raises: Refused."""
        with self._refusing(_STEPS):
            self.images.destroy(swapchain)
        self._numbers.discard(swapchain)

    def destroy_all(self) -> None:
        """Take all away; what is shown of them stays until the next commit."""
        for number in self._numbers:
            self.images.destroy(number)
        self._numbers.clear()

    def _checked(self, info: SwapchainInfo) -> ShmInfo:
        with self._refusing(_SIZES):
            if max(info.width, info.height) > MAX_EDGE:
                raise OutOfRange(f"{info.width} x {info.height} pixels exceed {MAX_EDGE}")
            if info.format.is_unknown:
                raise NotSupported(f"image format {int(info.format)} is unknown")
            return ShmInfo(info.width, info.height, format_of(int(info.format)))

    # ---- drawing

    async def acquire(self, swapchain: int) -> int:
        """Answer the image that comes next, once one is free or will not be without the client.

        A frame that is shown, one to be shown next, and one that waits for its fence may hold all
        there are. Raises: Refused.
        """
        with self._refusing(_ACQUIRING):
            chain = self.images.get(swapchain)
            if all(state in _AT_THE_CLIENT for state in chain.states):
                return chain.acquire()
            return await acquire_image(self._port, chain, MOST_WAIT_S)

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

    def size_of(self, sub: SubImage) -> tuple[int, int]:
        """Answer the width and height of an image's swapchain. Raises: Refused."""
        with self._refusing(_STEPS):
            info = self.images.get(sub.swapchain_id).info
        return info.width, info.height

    def _refusing(self, reasons: Reasons) -> AbstractContextManager[None]:
        return refusing(reasons, self._name)


def _size_of(info: ShmInfo) -> int:
    """Answer the bytes of all images that would be made."""
    return properties_of(info).image_count * info.image_bytes


class _Made:
    """Images that a thread makes; they belong to it until they are taken."""

    def __init__(self, info: ShmInfo) -> None:
        self._info = info
        self._vmos: list[Vmo] = []

    def make(self) -> None:
        """Make them, with all their pages. Raises: NoResources."""
        self._vmos = create_images(self._info, properties_of(self._info).image_count, _NAME)
        map_images(self._vmos, writable=False, prefault=True)  # and unmap them

    def duplicates(self) -> list[Vmo]:
        """Answer them once more. Raises: NoResources."""
        found: list[Vmo] = []
        try:
            for vmo in self._vmos:
                found.append(vmo.duplicate())  # noqa: PERF401  (closed below)
        except BaseException:
            close_all(found)
            raise
        return found

    def take(self) -> list[Vmo]:
        """Answer them for good; the caller owns them."""
        taken, self._vmos = self._vmos, []
        return taken

    def close(self) -> None:
        """Close what nobody has taken. Idempotent."""
        close_all(self.take())
