"""ClientSwapchain: a client's images, mapped for drawing.

    mine = ClientSwapchain.attach(info, handles)      server-allocated: owns the handles
    mine = ClientSwapchain.allocate(info)             client-allocated:
    send = mine.take_images()                         the VMOs for the server, once
    mine.image(index)[:] = pixels                     a memoryview of all bytes
    mine.pixels(index)[...] = 255                     a NumPy array (height, width, channels)
    mine.close()

Which image may be drawn on says the server: acquire it, wait for it, draw, release it. Nothing here
makes calls, and nothing is copied. The server is not trusted: its images are checked as it checks
a client's, so that it cannot make drawing raise SIGBUS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from ipcrt.errors import BadState, OutOfRange
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.image_pixels import pixels_of
from ipcrt.shm.image_vmo import checked_images, create_images, map_images
from ipcrt.shm.swapchain_info import SwapchainInfo, properties_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_NAME: Final = "ipcrt-image"


class ClientSwapchain:
    """Images that this process draws on; made by `attach` or `allocate`."""

    __slots__ = ("_closed", "_images", "_unsent", "info")

    def __init__(self, info: SwapchainInfo, vmos: Sequence[Vmo]) -> None:
        """Map `vmos`, which stay the caller's. Raises: as `map_images`."""
        self.info: Final = info
        self._images = map_images(vmos, writable=True)
        self._unsent: list[Vmo] = []
        self._closed = False

    @classmethod
    def attach(cls, info: SwapchainInfo, handles: Sequence[Handle]) -> Self:
        """Map what the server sent. It owns `handles`, whatever happens.

        Raises: as `checked_images`; AccessDenied: not writable.
        """
        vmos = checked_images(info, handles)
        try:
            return cls(info, vmos)
        finally:
            close_all(vmos)

    @classmethod
    def allocate(cls, info: SwapchainInfo, image_count: int | None = None) -> Self:
        """Make the images here; `image_count` is what the server's properties say.

        Raises: OutOfRange: too many or too few images. NoResources.
        """
        count = properties_of(info).image_count if image_count is None else image_count
        vmos = create_images(info, count, _NAME)
        try:
            mine = cls(info, vmos)
        except BaseException:
            close_all(vmos)
            raise
        mine._unsent = vmos
        return mine

    def take_images(self) -> list[Vmo]:
        """Answer the VMOs to send to the server, which the caller owns from here on.

        Raises: BadState: taken before, closed, or attached.
        """
        if not self._unsent:
            raise BadState("there are no images to take: taken before, closed, or attached")
        taken, self._unsent = self._unsent, []
        return taken

    @property
    def image_count(self) -> int:
        """How many images there are."""
        return len(self._images)

    def image(self, index: int) -> memoryview:
        """Show all bytes of an image, writable. Raises: OutOfRange, BadState: closed."""
        if self._closed:
            raise BadState("the swapchain's images are unmapped")
        if not 0 <= index < len(self._images):
            raise OutOfRange(f"image {index} is not below {len(self._images)}")
        return self._images[index]

    def pixels(
        self, index: int, array_layer: int = 0, face: int = 0
    ) -> npt.NDArray[np.generic[Any]]:
        """Show one slice of an image as a writable array (height, width, channels).

        Raises: OutOfRange; BadState: closed. NotSupported: NumPy is not installed.
        """
        return pixels_of(self.image(index), self.info, array_layer, face)

    def close(self) -> None:
        """Unmap what no view or array still shows; a second close does nothing."""
        self._closed = True
        unsent, self._unsent = self._unsent, []
        close_all(unsent)
        self._images = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
