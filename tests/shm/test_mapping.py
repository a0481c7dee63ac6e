from __future__ import annotations

import ctypes
import errno
import gc
import mmap
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipcrt.errors import AccessDenied, BadState, IoError, NoResources
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import IMMUTABLE, Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm import mapping
from ipcrt.shm.mapping import map_shared

PAGES = 3
BYTES = PAGES * mmap.PAGESIZE
SIZE_SEALS = Seals.SHRINK | Seals.GROW


def sealed(name: str = "mapped", seals: Seals = SIZE_SEALS) -> Vmo:
    vmo = Vmo.create(BYTES, name)
    vmo.seal(seals)
    return vmo


def mappings(name: str) -> int:
    return Path("/proc/self/maps").read_text().count(f"memfd:{name} ")


def resident_bytes(name: str) -> int:
    """Of mappings of memfds called `name`, what is in this process's page table."""
    found, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line.split(maxsplit=1)[0].count("-") == 1:
            inside = f"memfd:{name} " in line
        elif inside and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Libc:
    """The C library, but one function of it fails."""

    def __init__(self, real: Any, name: str, number: int) -> None:
        self._real, self._name, self._number = real, name, number

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._name else getattr(self._real, name)

    def _fail(self, *_: object) -> int | None:
        ctypes.set_errno(self._number)
        return mapping._FAILED if self._name == "mmap" else -1


@pytest.mark.parametrize("writable", [False, True])
def test_a_mapping_costs_no_descriptor(*, writable: bool) -> None:
    with sealed() as vmo:
        before = descriptors()
        views = [map_shared(vmo, writable=writable) for _ in range(100)]
        assert descriptors() == before
        assert mappings("mapped") == 100
    del views
    assert mappings("mapped") == 0


def test_all_see_what_one_of_them_writes() -> None:
    with sealed() as vmo:
        mine, theirs = map_shared(vmo, writable=True), map_shared(vmo, writable=False)
    assert (mine.nbytes, mine.format, mine.readonly) == (BYTES, "B", False)
    mine[BYTES - 5 :] = b"hello"
    assert bytes(theirs[-5:]) == b"hello"


def test_what_is_mapped_to_be_read_cannot_be_written() -> None:
    with sealed() as vmo:
        view = map_shared(vmo, writable=False)
    with pytest.raises(TypeError, match="read-only"):
        view[0] = 1
    array = np.ndarray((BYTES,), np.uint8, view)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_it_goes_with_the_last_that_shows_it() -> None:
    with sealed("going") as vmo:
        view = map_shared(vmo, writable=True)
    part, array = view[5:7], np.ndarray((4,), np.uint8, view, 8)
    view.release()
    del view
    gc.collect()
    assert mappings("going") == 1
    part[:] = b"ab"
    array[:] = 7
    del part
    assert mappings("going") == 1
    del array
    assert mappings("going") == 0


def test_many_threads_map_and_let_go() -> None:
    def work() -> None:
        for _ in range(50):
            view = map_shared(vmo, writable=True)
            view[threading.get_ident() % BYTES] = 1

    with sealed("crowd") as vmo:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert mappings("crowd") == 0


def test_a_forked_child_lets_go_of_its_own() -> None:
    with sealed("forked") as vmo:
        view = map_shared(vmo, writable=True)
    child = os.fork()
    if not child:
        view[0] = 7
        del view
        os._exit(mappings("forked"))
    assert os.waitpid(child, 0)[1] == 0
    assert view[0] == 7


@pytest.mark.parametrize("how", ["at once", "one by one"])
def test_all_pages_are_there_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "one by one":  # as on an older kernel
        monkeypatch.setattr(mapping, "_MADV_POPULATE_READ", 9999)
    with sealed("filled") as vmo:
        view = map_shared(vmo, writable=False, prefault=True)
    assert resident_bytes("filled") == BYTES
    del view


@pytest.mark.parametrize("seals", [Seals.NONE, Seals.SHRINK, Seals.GROW])
def test_what_may_still_change_its_size_is_refused(seals: Seals) -> None:
    with sealed(seals=seals) as vmo, pytest.raises(BadState, match="not sealed with"):
        map_shared(vmo, writable=False)


def test_an_empty_one_is_refused() -> None:
    with Vmo.create(0) as vmo:
        vmo.seal(SIZE_SEALS)
        with pytest.raises(BadState, match="empty"):
            map_shared(vmo, writable=False)


def test_what_may_not_be_written_is_not_mapped_for_that() -> None:
    with sealed() as vmo, vmo.duplicate(Rights.READ | Rights.MAP | Rights.INSPECT) as lent:
        map_shared(lent, writable=False).release()
        with pytest.raises(AccessDenied):
            map_shared(lent, writable=True)


def test_what_never_changes_is_mapped_to_be_read() -> None:
    with sealed(seals=IMMUTABLE) as vmo:
        assert map_shared(vmo, writable=False).readonly


def test_an_older_kernel_finds_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shares nothing that is sealed against writing; `Vmo.map` has a private mapping instead."""
    real = mapping._libc()
    monkeypatch.setattr(mapping, "_libc", lambda: Libc(real, "mmap", errno.EPERM))
    with sealed("older") as vmo:
        vmo.write(0, b"hello")
        view = map_shared(vmo, writable=False, prefault=True)
    assert bytes(view[:5]) == b"hello"
    assert view.readonly
    del view
    assert mappings("older") == 0


@pytest.mark.parametrize(
    "name, number, error",
    [
        ("mmap", errno.ENOMEM, NoResources),
        ("madvise", errno.ENOMEM, NoResources),
        ("madvise", errno.EIO, IoError),
    ],
)
def test_what_fails_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, error: type[Exception]
) -> None:
    real = mapping._libc()
    monkeypatch.setattr(mapping, "_libc", lambda: Libc(real, name, number))
    with sealed("failed") as vmo, pytest.raises(error, match=f"{BYTES} bytes") as caught:
        map_shared(vmo, writable=False, prefault=True)
    caught.value.__traceback__ = None
    del caught
    assert mappings("failed") == 0
