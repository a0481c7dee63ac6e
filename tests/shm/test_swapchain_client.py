from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.errors import AccessDenied, BadState, InvalidArgs, OutOfRange
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.rights import BASIC, PROPERTY, Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_vmo import SIZE_SEALS, create_images
from ipcrt.shm.swapchain_client import ClientSwapchain
from ipcrt.shm.swapchain_info import CreateFlags, SwapchainInfo
from tests.support.proc import open_fds

INFO = SwapchainInfo(16, 8, ImageFormat.RGBA8_UNORM)


def mapped_images() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:ipcrt-image")


def test_what_is_drawn_is_what_others_see() -> None:
    vmos = create_images(INFO, 2, "ipcrt-image")
    others = [vmo.duplicate() for vmo in vmos]
    with ClientSwapchain.attach(INFO, vmos) as mine:
        assert all(vmo.closed for vmo in vmos)
        mine.image(1)[:4] = b"abcd"
        mine.pixels(1)[0, 1] = 5
        assert others[1].read(0, 8) == b"abcd\5\5\5\5"
        assert others[0].read(0, 8) == bytes(8)
    close_all(others)


def test_nothing_is_left_after_the_end() -> None:
    fds, maps = len(open_fds()), mapped_images()
    for take in (False, True):
        mine = ClientSwapchain.allocate(INFO)
        assert (mine.image_count, mapped_images()) == (3, maps + 3)
        if take:
            close_all(mine.take_images())
        mine.close()
        mine.close()
        assert (len(open_fds()), mapped_images()) == (fds, maps)
        with pytest.raises(BadState, match="unmapped"):
            mine.image(0)
        with pytest.raises(BadState, match="no images to take"):
            mine.take_images()


def test_images_are_as_many_as_was_asked() -> None:
    static = SwapchainInfo(16, 8, INFO.format, flags=CreateFlags.STATIC_IMAGE)
    for info, count, made in ((INFO, 5, 5), (static, None, 1)):
        with ClientSwapchain.allocate(info, count) as mine:
            assert mine.image_count == made
    with pytest.raises(OutOfRange):
        ClientSwapchain.allocate(INFO, 9)


@pytest.mark.parametrize("index", [-1, 3])
def test_an_image_that_is_none_is_refused(index: int) -> None:
    with ClientSwapchain.allocate(INFO) as mine:
        with pytest.raises(OutOfRange, match=f"image {index} is not below 3"):
            mine.image(index)
        with pytest.raises(OutOfRange):
            mine.pixels(index)


def test_a_hostile_server_is_refused() -> None:
    """Drawing must not raise SIGBUS, whatever the server does with its descriptors."""
    given: list[Handle] = [Vmo.create(INFO.image_bytes), Vmo.create(1)]
    with pytest.raises(InvalidArgs):
        ClientSwapchain.attach(INFO, given)
    assert all(handle.closed for handle in given)


def test_read_only_images_are_refused_and_closed() -> None:
    fds = len(open_fds())
    whole = create_images(INFO, 2, "ipcrt-image")
    assert all(vmo.seals & SIZE_SEALS == SIZE_SEALS for vmo in whole)
    rights = BASIC | Rights.READ | Rights.MAP | PROPERTY & ~Rights.SET_PROPERTY
    given = [vmo.replace(rights) for vmo in whole]
    with pytest.raises(AccessDenied):
        ClientSwapchain.attach(INFO, given)
    assert len(open_fds()) == fds


def test_no_memory_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(vmo: Vmo, *, writable: bool) -> None:
        raise BadState(f"{vmo} {writable}")

    fds = len(open_fds())
    monkeypatch.setattr(Vmo, "map", fail)
    with pytest.raises(BadState):
        ClientSwapchain.allocate(INFO)
    assert len(open_fds()) == fds
