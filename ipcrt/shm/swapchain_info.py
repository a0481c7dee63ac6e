"""SwapchainInfo: what a swapchain's images are like, and how many bytes that takes.

An info that exists is within the limits: its constructor refuses everything else, so sizes computed
from it never overflow and never surprise. Build it from a peer's numbers, then trust it.

    info = SwapchainInfo(1280, 720, ImageFormat.RGBA8_SRGB)
    info.row_bytes, info.slice_bytes, info.image_bytes, properties_of(info).image_count

Source: xrt_swapchain_create_info of Monado; XrSwapchainCreateInfo of OpenXR.
"""

from __future__ import annotations

import enum
import mmap
from dataclasses import dataclass
from typing import Final

from ipcrt.errors import InvalidArgs, NotSupported, OutOfRange
from ipcrt.shm.image_format import ImageFormat, PixelLayout, format_of, layout_of

MAX_EDGE: Final = 16384
"""Pixels along one edge."""
MAX_ARRAY_LAYERS: Final = 16
MAX_IMAGE_BYTES: Final = 256 << 20
MAX_IMAGES: Final = 8
"""Images of one swapchain."""
USUAL_IMAGES: Final = 3
"""One that is shown, one that waits to be shown, one that is drawn."""

_ROW_ALIGNMENT: Final = 64
"""Bytes; a cache line, and what importers of linear images ask for."""
_CUBE_FACES: Final = 6


class ImageUsage(enum.IntFlag):
    """What the images are for; a hint that travels, with Monado's numbers."""

    NONE = 0
    COLOR = 0x01
    DEPTH_STENCIL = 0x02
    UNORDERED_ACCESS = 0x04
    TRANSFER_SRC = 0x08
    TRANSFER_DST = 0x10
    SAMPLED = 0x20
    MUTABLE_FORMAT = 0x40
    INPUT_ATTACHMENT = 0x80


class CreateFlags(enum.IntFlag):
    """How the swapchain behaves, with Monado's numbers."""

    NONE = 0
    PROTECTED_CONTENT = 0x01
    """Not supported: memory that a client maps cannot be hidden from it."""
    STATIC_IMAGE = 0x02
    """One image, drawn once."""


_ALL_USAGES: Final = 0xFF
_ALL_FLAGS: Final = 0x03


@dataclass(frozen=True, slots=True)
class SwapchainInfo:
    """What to make.

    A format may be a peer's number. Raises, on construction: OutOfRange: an edge, a count or the
    bytes exceed a limit. InvalidArgs: unknown bits, or what is no whole number. NotSupported: mip
    maps, face counts but 1 and 6, protected content, a format that is none.
    """

    width: int
    height: int
    format: ImageFormat
    array_layers: int = 1
    face_count: int = 1
    mip_count: int = 1
    usage: ImageUsage = ImageUsage.COLOR | ImageUsage.SAMPLED
    flags: CreateFlags = CreateFlags.NONE

    def __post_init__(self) -> None:
        object.__setattr__(self, "format", format_of(self.format))
        for name in ("width", "height", "array_layers", "face_count", "mip_count"):
            _check_whole(name, getattr(self, name))
        _check_range("width", self.width, MAX_EDGE)
        _check_range("height", self.height, MAX_EDGE)
        _check_range("array_layers", self.array_layers, MAX_ARRAY_LAYERS)
        if self.face_count not in (1, _CUBE_FACES):
            raise NotSupported(f"face_count {self.face_count} is neither 1 nor {_CUBE_FACES}")
        if self.mip_count != 1:
            raise NotSupported(f"mip_count {self.mip_count} is not 1")
        _check_bits("usage", self.usage, _ALL_USAGES)
        _check_bits("create flags", self.flags, _ALL_FLAGS)
        if self.flags & CreateFlags.PROTECTED_CONTENT:
            raise NotSupported("protected content: a client maps its images, so they cannot be")
        if self.image_bytes > MAX_IMAGE_BYTES:
            raise OutOfRange(f"an image of {self.image_bytes} bytes exceeds {MAX_IMAGE_BYTES}")

    @property
    def pixel(self) -> PixelLayout:
        """How a pixel lies in memory."""
        return layout_of(self.format)

    @property
    def row_bytes(self) -> int:
        """From one row to the next: whole cache lines, so wider than the pixels at times."""
        return _round_up(self.width * self.pixel.bytes_per_pixel, _ROW_ALIGNMENT)

    @property
    def slice_bytes(self) -> int:
        """One face of one array layer."""
        return self.row_bytes * self.height

    @property
    def slices(self) -> int:
        """Faces of all array layers; face f of array layer a is slice `a * face_count + f`."""
        return self.array_layers * self.face_count

    @property
    def image_bytes(self) -> int:
        """What the VMO of one image holds, exactly: all slices, rounded up to whole pages."""
        return _round_up(self.slice_bytes * self.slices, mmap.PAGESIZE)

    @property
    def is_static(self) -> bool:
        """True where there is one image, which is drawn once."""
        return bool(self.flags & CreateFlags.STATIC_IMAGE)


@dataclass(frozen=True, slots=True)
class SwapchainProperties:
    """What the server answers before a client allocates images of its own."""

    image_count: int
    extra_usage: ImageUsage = ImageUsage.NONE
    """Further bits that a client should allocate with."""


def properties_of(info: SwapchainInfo) -> SwapchainProperties:
    """Answer how many images a swapchain of this kind has where the server makes them."""
    return SwapchainProperties(1 if info.is_static else USUAL_IMAGES)


def check_image_count(info: SwapchainInfo, count: int) -> None:
    """Refuse a number of images that such a swapchain cannot work with. Raises: OutOfRange."""
    least, most = (1, 1) if info.is_static else (2, MAX_IMAGES)
    if not least <= count <= most:
        kind = "a static" if info.is_static else "a"
        raise OutOfRange(f"{count} images are not the {least} to {most} of {kind} swapchain")


def _check_whole(name: str, value: object) -> None:
    if not isinstance(value, int):
        raise InvalidArgs(f"{name} {value!r} is no whole number")


def _check_range(name: str, value: int, limit: int) -> None:
    if not 1 <= value <= limit:
        raise OutOfRange(f"{name} {value} is not from 1 to {limit}")


def _check_bits(name: str, value: int, known: int) -> None:
    if int(value) & ~known:
        raise InvalidArgs(f"{name} {int(value):#x} has bits beyond {known:#x}")


def _round_up(size: int, step: int) -> int:
    return -(-size // step) * step
