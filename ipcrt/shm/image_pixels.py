"""Pixels of a mapped image as a NumPy array, without a copy.

NumPy comes with `ipcrt[numpy]`, and is loaded at the first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipcrt.errors import NotSupported, OutOfRange
from ipcrt.shm.swapchain_info import SwapchainInfo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def pixels_of(
    view: memoryview, info: SwapchainInfo, array_layer: int = 0, face: int = 0
) -> npt.NDArray[np.generic[Any]]:
    """Show one slice as an array (height, width, channels), writable where `view` is.

    It keeps the mapping alive for as long as it lives itself.
    Raises: OutOfRange: no such slice. NotSupported: NumPy is not installed.
    """
    if not 0 <= array_layer < info.array_layers:
        raise OutOfRange(f"array layer {array_layer} is not below {info.array_layers}")
    if not 0 <= face < info.face_count:
        raise OutOfRange(f"face {face} is not below {info.face_count}")
    try:
        import numpy as np
    except ModuleNotFoundError:
        raise NotSupported("pixels as arrays need NumPy: install ipcrt[numpy]") from None
    pixel = info.pixel
    dtype: np.dtype[Any] = np.dtype(pixel.dtype)
    return np.ndarray(
        (info.height, info.width, pixel.channels),
        dtype,
        buffer=view,
        offset=(array_layer * info.face_count + face) * info.slice_bytes,
        strides=(info.row_bytes, pixel.bytes_per_pixel, dtype.itemsize),
    )
