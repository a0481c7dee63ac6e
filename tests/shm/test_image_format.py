from __future__ import annotations

import numpy as np
import pytest

from ipcrt.errors import NotSupported
from ipcrt.shm.image_format import ImageFormat, format_of, layout_of


@pytest.mark.parametrize("image_format", ImageFormat)
def test_a_pixel_is_its_channels_without_gaps(image_format: ImageFormat) -> None:
    pixel = layout_of(image_format)
    assert pixel.bytes_per_pixel == pixel.channels * np.dtype(pixel.dtype).itemsize


def test_numbers_are_vulkans() -> None:
    assert format_of(43) is ImageFormat.RGBA8_SRGB
    assert format_of(126) is ImageFormat.D32_SFLOAT


@pytest.mark.parametrize("number", [0, -1, 38, 1 << 40])
def test_an_unknown_number_is_refused(number: int) -> None:
    with pytest.raises(NotSupported, match=f"image format {number} is none of"):
        format_of(number)
