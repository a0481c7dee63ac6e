"""Formats of pixels, as Vulkan numbers them, and how each lies in memory.

Source: VkFormat in the Vulkan specification; numbers travel, so they are never changed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from ipcrt.errors import NotSupported


class ImageFormat(enum.IntEnum):
    """What a pixel is; the names say channels, bits and meaning."""

    R8_UNORM = 9
    RGBA8_UNORM = 37
    RGBA8_SRGB = 43
    BGRA8_UNORM = 44
    BGRA8_SRGB = 50
    RGBA16_UNORM = 91
    RGBA16_SFLOAT = 97
    D16_UNORM = 124
    D32_SFLOAT = 126


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How a pixel lies in memory: `channels` numbers of one type, without gaps."""

    channels: int
    dtype: str
    """The type of a channel, as NumPy writes it; little-endian."""
    bytes_per_pixel: int


_LAYOUTS: Final = {
    ImageFormat.R8_UNORM: PixelLayout(1, "|u1", 1),
    ImageFormat.RGBA8_UNORM: PixelLayout(4, "|u1", 4),
    ImageFormat.RGBA8_SRGB: PixelLayout(4, "|u1", 4),
    ImageFormat.BGRA8_UNORM: PixelLayout(4, "|u1", 4),
    ImageFormat.BGRA8_SRGB: PixelLayout(4, "|u1", 4),
    ImageFormat.RGBA16_UNORM: PixelLayout(4, "<u2", 8),
    ImageFormat.RGBA16_SFLOAT: PixelLayout(4, "<f2", 8),
    ImageFormat.D16_UNORM: PixelLayout(1, "<u2", 2),
    ImageFormat.D32_SFLOAT: PixelLayout(1, "<f4", 4),
}


def format_of(number: int) -> ImageFormat:
    """Answer the format that a peer's number stands for. Raises: NotSupported."""
    try:
        return ImageFormat(number)
    except ValueError:
        known = ", ".join(f"{each.value} {each.name}" for each in ImageFormat)
        raise NotSupported(f"image format {number} is none of {known}") from None


def layout_of(image_format: ImageFormat) -> PixelLayout:
    """Answer how a pixel of this format lies in memory."""
    return _LAYOUTS[image_format]
