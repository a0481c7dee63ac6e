"""The memory of one image: made, checked, mapped, and given up.

1. An image is mapped only after it is sealed against shrinking *and* growing, and only then is its
   size looked at: from there on it is final, whoever else holds it. No access can raise SIGBUS.
2. Whoever has it mapped for writing may write at any moment, also while a frame reads it: that
   spoils the client's own picture, and nothing else. It may punch holes: they read as zeros.
3. A mapping outlives its VMO, costs no descriptor, and goes with the last view or array of it: see
   `mapping.py`.
Source: memfd_create(2), F_ADD_SEALS in fcntl(2), fallocate(2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ipcrt.errors import AccessDenied, BadState, InvalidArgs
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.mapping import map_shared
from ipcrt.shm.swapchain_info import SwapchainInfo, check_image_count

SIZE_SEALS: Final = Seals.SHRINK | Seals.GROW
UNMAPPED: Final = memoryview(b"")
"""Stands where the view of an image was."""

_OURS: Final = SIZE_SEALS | Seals.SEAL


def create_images(info: SwapchainInfo, count: int, name: str) -> list[Vmo]:
    """Make the memory of `count` images, sealed so that nobody can resize it; the caller owns it.

    Raises: OutOfRange: too many or too few. NoResources.
    """
    check_image_count(info, count)
    vmos: list[Vmo] = []
    try:
        for _ in range(count):
            vmos.append(Vmo.create(info.image_bytes, name))
            vmos[-1].seal(_OURS)
    except BaseException:
        close_all(vmos)
        raise
    return vmos


def checked_images(info: SwapchainInfo, handles: Sequence[Handle]) -> list[Vmo]:
    """Take what a peer says are the images, if they are safe to map; the caller owns the result.

    On error all of them are closed. Raises: OutOfRange: too many or too few. WrongType: no memfd.
    AccessDenied: not readable. BadState: not sealed against resizing, and cannot be. InvalidArgs:
    not `info.image_bytes` long, or one memory given twice.
    """
    taken: list[Vmo] = []
    try:
        check_image_count(info, len(handles))
        for index, handle in enumerate(handles):
            taken.append(handle if isinstance(handle, Vmo) else Vmo.from_handle(handle))
            _check(info, index, taken[-1])
        _check_distinct(taken)
    except BaseException:
        close_all(handles)
        close_all(taken)
        raise
    return taken


def _check(info: SwapchainInfo, index: int, vmo: Vmo) -> None:
    lacking = SIZE_SEALS & ~vmo.seals
    if lacking:
        try:
            vmo.seal(lacking)
        except (AccessDenied, BadState) as error:
            raise BadState(f"image {index} is not sealed against resizing: {error}") from error
    size = vmo.content_size  # final (rule 1)
    if size != info.image_bytes:
        raise InvalidArgs(f"image {index} has {size} bytes, expected {info.image_bytes}")


def _check_distinct(vmos: Sequence[Vmo]) -> None:
    if len({vmo.koid for vmo in vmos}) < len(vmos):
        raise InvalidArgs("the same memory is given as two images")


def map_images(vmos: Sequence[Vmo], *, writable: bool, prefault: bool = False) -> list[memoryview]:
    """Map what `checked_images` or `create_images` gave; the VMOs stay the caller's.

    Drop the views to unmap (rule 3). `prefault`: have all pages there now, instead of one by one in
    the middle of a frame. Raises: NotSupported: huge pages. AccessDenied, NoResources.
    """
    return [map_shared(vmo, writable=writable, prefault=prefault) for vmo in vmos]
