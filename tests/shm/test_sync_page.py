from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.errors import RemoteProtocolError
from ipcrt.objects.rights import BASIC, Rights
from ipcrt.objects.seals import IMMUTABLE, Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm import sync_page
from ipcrt.shm.sync_page import MAX_VALUE, PAGE_BYTES, attach_page, create_page

SEALS = Seals.SHRINK | Seals.GROW | Seals.FUTURE_WRITE


def test_a_value_is_seen_by_all_who_attach() -> None:
    vmo, page = create_page(5)
    with vmo:
        readers = [attach_page(vmo) for _ in range(3)]
        assert [reader.value for reader in readers] == [5, 5, 5]
        page.value = MAX_VALUE
        assert [reader.value for reader in readers] == [MAX_VALUE] * 3


def test_what_was_written_before_is_seen_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which no machine with x86-64's memory order can show: so where the fences stand."""
    seen: list[int] = []
    vmo, page = create_page(5)
    with vmo:
        monkeypatch.setattr(sync_page, "fence", lambda: seen.append(page._words[8]))
        page.value = 6
        assert seen == [5]
        assert page.value == 6
        assert seen == [5, 6]


def test_the_mapping_goes_with_the_page() -> None:
    vmo, page = create_page(0)
    reader = attach_page(vmo)
    vmo.close()
    assert Path("/proc/self/maps").read_text().count("ipcrt-timeline") == 2
    for each in (page, reader, page):
        each.close()
    assert "ipcrt-timeline" not in Path("/proc/self/maps").read_text()


def test_nobody_else_can_write_it() -> None:
    vmo, page = create_page(5)
    with vmo:
        fd = os.open(f"/proc/self/fd/{vmo.fileno()}", os.O_RDWR | os.O_CLOEXEC)
        with pytest.raises(PermissionError):
            os.pwrite(fd, b"x", 64)
        with pytest.raises(PermissionError):
            mmap.mmap(fd, PAGE_BYTES)
        for size in (0, 2 * PAGE_BYTES):
            with pytest.raises(PermissionError):
                os.ftruncate(fd, size)
        os.close(fd)
        with pytest.raises(TypeError):
            attach_page(vmo).value = 6
        assert page.value == 5


def forged(offset: int, octet: bytes) -> Vmo:
    """A page with one octet that is wrong, and the right seals."""
    good, page = create_page(0)
    with good:
        vmo = Vmo.from_bytes(good.read(0, PAGE_BYTES))
        del page
    vmo.write(offset, octet)
    vmo.seal(SEALS)
    return vmo


def of_size(size: int) -> Vmo:
    vmo = Vmo.create(size)
    vmo.seal(SEALS)
    return vmo


def sealed(seals: Seals) -> Vmo:
    vmo = forged_unsealed()
    vmo.seal(seals)
    return vmo


def forged_unsealed() -> Vmo:
    good, page = create_page(0)
    with good:
        del page
        return Vmo.from_bytes(good.read(0, PAGE_BYTES))


@pytest.mark.parametrize(
    "make, message",
    [
        (forged_unsealed, "has only"),
        (lambda: sealed(Seals.SHRINK | Seals.GROW), "has only"),
        (lambda: sealed(Seals.SHRINK | Seals.FUTURE_WRITE), "has only"),
        (lambda: sealed(Seals.GROW | Seals.FUTURE_WRITE), "has only"),
        (lambda: of_size(PAGE_BYTES - 1), "bytes"),
        (lambda: of_size(2 * PAGE_BYTES), "bytes"),
        (lambda: of_size(0), "bytes"),
        (lambda: of_size(PAGE_BYTES), "no timeline"),
        (lambda: forged(0, b"X"), "no timeline"),
        (lambda: forged(8, b"\2"), "no timeline"),
    ],
)
def test_what_is_no_page_is_refused(make: Callable[[], Vmo], message: str) -> None:
    with make() as vmo, pytest.raises(RemoteProtocolError, match=message):
        attach_page(vmo)
    assert "memfd" not in Path("/proc/self/maps").read_text()


def test_a_page_that_never_changes_will_do() -> None:
    with sealed(IMMUTABLE) as vmo:
        assert attach_page(vmo).value == 0


def test_a_read_only_descriptor_will_do() -> None:
    vmo, _ = create_page(9)
    with vmo, vmo.duplicate(BASIC | Rights.READ | Rights.MAP) as read_only:
        assert attach_page(read_only).value == 9
