from __future__ import annotations

import gc
import sys

import numpy as np
import pytest

from ipcrt.errors import NotSupported, OutOfRange
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_pixels import pixels_of
from ipcrt.shm.swapchain_client import ClientSwapchain
from ipcrt.shm.swapchain_info import SwapchainInfo

INFO = SwapchainInfo(5, 3, ImageFormat.RGBA8_UNORM, array_layers=2, face_count=6)


@pytest.mark.parametrize("image_format", ImageFormat)
def test_shape_and_type_are_the_formats(image_format: ImageFormat) -> None:
    info = SwapchainInfo(5, 3, image_format)
    pixels = pixels_of(memoryview(bytearray(info.image_bytes)), info)
    assert pixels.shape == (3, 5, info.pixel.channels)
    assert pixels.dtype == np.dtype(info.pixel.dtype)
    assert pixels.flags.writeable


def test_a_pixel_lies_where_strides_say() -> None:
    memory = bytearray(INFO.image_bytes)
    pixels_of(memoryview(memory), INFO, array_layer=1, face=4)[2, 3] = (1, 2, 3, 4)
    at = 10 * INFO.slice_bytes + 2 * INFO.row_bytes + 3 * 4
    assert memory[at : at + 4] == b"\1\2\3\4"
    assert sum(memory) == 10


def test_slices_do_not_overlap() -> None:
    memory = bytearray(INFO.image_bytes)
    for layer in range(2):
        for face in range(6):
            assert not pixels_of(memoryview(memory), INFO, layer, face).any()
            pixels_of(memoryview(memory), INFO, layer, face)[...] = 255


def test_a_read_only_view_gives_a_read_only_array() -> None:
    assert not pixels_of(memoryview(bytes(INFO.image_bytes)), INFO).flags.writeable


@pytest.mark.parametrize("layer, face", [(2, 0), (-1, 0), (0, 6), (0, -1)])
def test_a_slice_that_is_none_is_refused(layer: int, face: int) -> None:
    with pytest.raises(OutOfRange, match="is not below"):
        pixels_of(memoryview(bytes(INFO.image_bytes)), INFO, layer, face)


def test_an_array_keeps_its_image_mapped() -> None:
    """NumPy shows a mapping without telling: closing it under an array would be a crash."""
    mine = ClientSwapchain.allocate(INFO)
    pixels = mine.pixels(0)
    part = mine.pixels(0)[1:, ::2]
    pixels[...] = 7
    mine.close()
    gc.collect()
    assert (pixels == 7).all()
    assert (part == 7).all()


def test_without_numpy_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(NotSupported, match=r"install ipcrt\[numpy\]"):
        pixels_of(memoryview(bytes(INFO.image_bytes)), INFO)
