from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from ipcrt.errors import IoError, NotSupported
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm import dmabuf
from ipcrt.shm.dmabuf import begin_access, end_access, export_dmabuf
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_vmo import create_images
from ipcrt.shm.swapchain_info import SwapchainInfo
from tests.support.proc import open_fds

INFO = SwapchainInfo(64, 64, ImageFormat.RGBA8_UNORM)

needs_udmabuf = pytest.mark.skipif(
    not os.access(dmabuf.DEVICE, os.R_OK | os.W_OK), reason=f"no {dmabuf.DEVICE} that we may open"
)


@needs_udmabuf
def test_a_dmabuf_shows_the_images_memory() -> None:
    vmos = create_images(INFO, 2, "ipcrt-image")
    vmos[0].write(0, b"hello")
    with export_dmabuf(vmos[0]) as exported:
        assert os.get_inheritable(exported.fileno()) is False
        assert "dmabuf" in os.readlink(f"/proc/self/fd/{exported.fileno()}")
        begin_access(exported, write=True)
        end_access(exported, write=True)
    close_all(vmos)


@needs_udmabuf
def test_memory_that_can_shrink_is_refused() -> None:
    with Vmo.create(INFO.image_bytes) as vmo, pytest.raises(Exception, match="make a dma-buf"):
        export_dmabuf(vmo)


def test_without_the_device_there_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dmabuf, "DEVICE", str(tmp_path / "udmabuf"))
    with Vmo.create(1) as vmo, pytest.raises(NotSupported, match=r"this machine has no .*/udmabuf"):
        export_dmabuf(vmo)


def test_what_the_kernel_refuses_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dmabuf, "DEVICE", "/dev/null")  # which knows no such request
    with Vmo.create(INFO.image_bytes) as vmo:
        vmo.seal(Seals.SHRINK)
        fds = len(open_fds())
        with pytest.raises(IoError, match="make a dma-buf"):
            export_dmabuf(vmo)
        assert len(open_fds()) == fds


def test_the_descriptor_that_the_kernel_answers_is_owned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel answers with a number, not through the request."""
    requests: list[bytes] = []

    def ioctl(fd: int, request: int, argument: bytearray) -> int:
        assert isinstance(argument, bytearray)
        requests.append(bytes(argument))
        assert request == 0x40187542
        return os.dup(fd)

    monkeypatch.setattr(dmabuf, "DEVICE", "/dev/null")
    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    with Vmo.create(8192) as vmo, export_dmabuf(vmo) as exported:
        assert os.readlink(f"/proc/self/fd/{exported.fileno()}") == "/dev/null"
        number = vmo.fileno().to_bytes(4, "little")
        assert requests == [number + b"\1\0\0\0" + bytes(8) + (8192).to_bytes(8, "little")]


def test_what_is_no_dmabuf_is_told() -> None:
    with Handle(os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)) as handle:
        for act in (begin_access, end_access):
            with pytest.raises(IoError, match="synchronize a dma-buf"):
                act(handle, write=False)
