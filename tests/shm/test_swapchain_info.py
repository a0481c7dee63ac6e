from __future__ import annotations

import mmap
from typing import Any

import pytest

from ipcrt.errors import InvalidArgs, IpcError, NotSupported, OutOfRange
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.swapchain_info import (
    MAX_EDGE,
    MAX_IMAGES,
    CreateFlags,
    ImageUsage,
    SwapchainInfo,
    SwapchainProperties,
    check_image_count,
    properties_of,
)

RGBA8 = ImageFormat.RGBA8_SRGB
STATIC = SwapchainInfo(8, 8, RGBA8, flags=CreateFlags.STATIC_IMAGE)
USUAL = SwapchainInfo(8, 8, RGBA8)


@pytest.mark.parametrize("width, row", [(1, 64), (16, 64), (17, 128), (1280, 5120)])
def test_rows_are_whole_cache_lines(width: int, row: int) -> None:
    assert SwapchainInfo(width, 1, RGBA8).row_bytes == row


def test_an_image_is_its_slices_in_whole_pages() -> None:
    info = SwapchainInfo(100, 50, RGBA8, array_layers=2, face_count=6)
    assert (info.row_bytes, info.slice_bytes, info.slices) == (448, 22400, 12)
    assert info.image_bytes == -(-22400 * 12 // mmap.PAGESIZE) * mmap.PAGESIZE


def test_the_largest_edges_are_allowed() -> None:
    assert SwapchainInfo(MAX_EDGE, 1, RGBA8).width == MAX_EDGE
    assert SwapchainInfo(8192, 8192, RGBA8).image_bytes == 256 << 20


@pytest.mark.parametrize(
    "wrong, error, message",
    [
        ({"width": 0}, OutOfRange, "width 0 is not from 1 to 16384"),
        ({"width": 16385}, OutOfRange, "width 16385"),
        ({"height": -1}, OutOfRange, "height -1"),
        ({"array_layers": 0}, OutOfRange, "array_layers 0"),
        ({"array_layers": 17}, OutOfRange, "array_layers 17 is not from 1 to 16"),
        ({"face_count": 2}, NotSupported, "face_count 2"),
        ({"mip_count": 2}, NotSupported, "mip_count 2"),
        ({"mip_count": 0}, NotSupported, "mip_count 0"),
        ({"usage": 0x100}, InvalidArgs, "usage 0x100 has bits beyond 0xff"),
        ({"usage": -1}, InvalidArgs, "usage"),
        ({"flags": 4}, InvalidArgs, "create flags 0x4"),
        ({"flags": 1}, NotSupported, "protected content"),
        ({"width": 8193, "height": 8192}, OutOfRange, "exceeds 268435456"),
        ({"width": 8192, "height": 8192, "face_count": 6}, OutOfRange, "exceeds"),
    ],
)
def test_what_is_over_a_limit_is_refused(
    wrong: dict[str, Any], error: type[IpcError], message: str
) -> None:
    values: dict[str, Any] = {"width": 8, "height": 8, "format": RGBA8}
    with pytest.raises(error, match=message):
        SwapchainInfo(**values | wrong)


def test_a_static_swapchain_has_one_image() -> None:
    assert properties_of(STATIC) == SwapchainProperties(1)
    assert properties_of(USUAL) == SwapchainProperties(3, ImageUsage.NONE)
    check_image_count(STATIC, 1)
    check_image_count(USUAL, MAX_IMAGES)


@pytest.mark.parametrize("info, count", [(STATIC, 0), (STATIC, 2), (USUAL, 1), (USUAL, 9)])
def test_other_counts_are_refused(info: SwapchainInfo, count: int) -> None:
    with pytest.raises(OutOfRange, match=f"^{count} images are not the"):
        check_image_count(info, count)


@pytest.mark.parametrize("number", [0, 7, -1, 1 << 40])
def test_a_format_that_is_none_is_refused(number: Any) -> None:
    with pytest.raises(NotSupported, match=f"image format {number} is none of"):
        SwapchainInfo(16, 16, number)


def test_a_format_may_come_as_a_peers_number() -> None:
    number: Any = 37
    info = SwapchainInfo(16, 16, number)
    assert info == SwapchainInfo(16, 16, ImageFormat.RGBA8_UNORM)
    assert info.format is ImageFormat.RGBA8_UNORM


@pytest.mark.parametrize("name", ["width", "height", "array_layers"])
@pytest.mark.parametrize("value", [1.5, 2.0, "2", None])
def test_what_is_no_whole_number_is_refused(name: str, value: Any) -> None:
    numbers: dict[str, Any] = {"width": 16, "height": 16, "array_layers": 1, name: value}
    with pytest.raises(InvalidArgs, match=f"{name} .* is no whole number"):
        SwapchainInfo(format=ImageFormat.R8_UNORM, **numbers)
