from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadState,
    InvalidArgs,
    IpcError,
    NoResources,
    NotSupported,
    OutOfRange,
    WrongType,
)
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.image_format import ImageFormat
from ipcrt.shm.image_vmo import SIZE_SEALS, checked_images, create_images, map_images
from ipcrt.shm.swapchain_info import SwapchainInfo
from tests.support.processes import Spawner

INFO = SwapchainInfo(64, 32, ImageFormat.RGBA8_UNORM)
BYTES = INFO.image_bytes
MFD_HUGETLB = 4
PUNCH_HOLE = 3
"""FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE."""


def good() -> Vmo:
    return Vmo.create(BYTES)


def resident_pages(name: str) -> int:
    """Pages of mappings of memfds called `name` that are in this process's page table."""
    found, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line.split(maxsplit=1)[0].count("-") == 1:
            inside = name in line
        elif inside and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024 // mmap.PAGESIZE
    return found


# ------------------------------------------------------------------------------------------ ours


def test_nobody_can_resize_what_we_made() -> None:
    vmos = create_images(INFO, 2, "name")
    for vmo in vmos:
        assert vmo.content_size == BYTES
        assert vmo.seals & (SIZE_SEALS | Seals.SEAL) == SIZE_SEALS | Seals.SEAL
        for size in (0, BYTES + 1):
            with pytest.raises(PermissionError):
                os.ftruncate(vmo.fileno(), size)
    close_all(vmos)


def test_a_wrong_count_makes_nothing() -> None:
    with pytest.raises(OutOfRange):
        create_images(INFO, 1, "name")


def test_a_failure_at_the_second_image_gives_the_first_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seal, made = Vmo.seal, list[Vmo]()

    def fail_later(vmo: Vmo, seals: Seals) -> None:
        made.append(vmo)
        if len(made) == 2:
            raise NoResources("no more")
        seal(vmo, seals)

    monkeypatch.setattr(Vmo, "seal", fail_later)
    with pytest.raises(NoResources):
        create_images(INFO, 3, "name")
    assert [vmo.closed for vmo in made] == [True, True]


def test_all_pages_are_there_before_they_are_read() -> None:
    vmos = create_images(INFO, 2, "prefaulted")
    views = map_images(vmos, writable=False, prefault=True)
    assert resident_pages("prefaulted") == 2 * BYTES // mmap.PAGESIZE
    del views
    close_all(vmos)


def test_a_mapping_goes_with_its_view() -> None:
    vmos = create_images(INFO, 2, "going")
    views = map_images(vmos, writable=True)
    close_all(vmos)
    part = views[0][5:7]
    views.clear()
    part[:] = b"ab"  # still mapped: a part of it is shown
    assert Path("/proc/self/maps").read_text().count("memfd:going") == 1
    del part
    assert "memfd:going" not in Path("/proc/self/maps").read_text()


# ---------------------------------------------------------------------------------------- a peer's


def test_what_a_peer_made_is_sealed_here_and_cannot_be_truncated(spawn_python: Spawner) -> None:
    """The peer keeps its descriptor and tries for as long as it likes: no SIGBUS."""
    given = [good(), good()]
    fds = [vmo.fileno() for vmo in given]
    peer = spawn_python(
        "import os, sys\n"
        "for line in sys.stdin:\n"
        "    for fd in map(int, sys.argv[1:]):\n"
        "        for size in (0, 1, 1 << 30):\n"
        "            try:\n"
        "                os.ftruncate(fd, size)\n"
        "                print('resized')\n"
        "            except PermissionError:\n"
        "                print('refused')\n",
        *fds,
        pass_fds=fds,
    )
    taken = checked_images(INFO, given)
    views = map_images(taken, writable=False)
    peer.send("go")
    assert [peer.line() for _ in range(6)] == ["refused"] * 6
    assert [bytes(view) for view in views] == [bytes(BYTES)] * 2
    del views
    close_all(taken)


def test_a_hole_under_a_mapping_reads_as_zeros(spawn_python: Spawner) -> None:
    given = [Vmo.from_bytes(b"x" * BYTES), good()]
    fd = given[0].fileno()
    peer = spawn_python(
        "import ctypes, sys\n"
        "fd, mode, size = map(int, sys.argv[1:])\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "sys.stdin.readline()\n"
        "print(libc.fallocate(fd, mode, ctypes.c_long(0), ctypes.c_long(size)))\n",
        fd,
        PUNCH_HOLE,
        BYTES,
        pass_fds=[fd],
    )
    taken = checked_images(INFO, given)
    views = map_images(taken, writable=False, prefault=True)
    peer.send("go")
    assert peer.line() == "0"
    assert bytes(views[0]) == bytes(BYTES)
    del views
    close_all(taken)


def test_a_read_only_descriptor_will_do_where_its_seals_are_right() -> None:
    whole = [good(), good()]
    for vmo in whole:
        vmo.seal(SIZE_SEALS)
    given = [Handle(os.open(f"/proc/self/fd/{v.fileno()}", os.O_RDONLY)) for v in whole]
    taken = checked_images(INFO, given)
    assert all(handle.closed for handle in given)
    views = map_images(taken, writable=False)
    assert bytes(views[1]) == bytes(BYTES)
    with pytest.raises(AccessDenied):
        map_images(taken, writable=True)
    close_all([*taken, *whole])


def directory() -> Handle:
    return Handle(os.open("/tmp", os.O_RDONLY | os.O_CLOEXEC))


def plain_file() -> Handle:
    return Handle(os.open(__file__, os.O_RDONLY | os.O_CLOEXEC))


def unsealable() -> Handle:
    """Not a memfd that allows seals: born with Seals.SEAL."""
    fd = os.memfd_create("unsealable", os.MFD_CLOEXEC)
    os.ftruncate(fd, BYTES)
    return Handle(fd)


def sealed_against_seals() -> Handle:
    vmo = good()
    vmo.seal(Seals.SHRINK | Seals.SEAL)
    return vmo


def read_only_unsealed() -> Handle:
    with good() as vmo:
        return Handle(os.open(f"/proc/self/fd/{vmo.fileno()}", os.O_RDONLY | os.O_CLOEXEC))


def closed() -> Handle:
    vmo = good()
    vmo.close()
    return vmo


@pytest.mark.parametrize(
    "bad, error, message",
    [
        (lambda: Vmo.create(BYTES - 1), InvalidArgs, f"image 1 has {BYTES - 1} bytes"),
        (lambda: Vmo.create(BYTES + 1), InvalidArgs, f"expected {BYTES}"),
        (lambda: Vmo.create(0), InvalidArgs, "image 1 has 0 bytes"),
        (lambda: Vmo.create(1 << 50), InvalidArgs, "image 1 has"),
        (directory, WrongType, "expected VMO"),
        (plain_file, WrongType, "expected VMO"),
        (unsealable, BadState, "image 1 is not sealed against resizing"),
        (sealed_against_seals, BadState, "image 1 is not sealed against resizing"),
        (read_only_unsealed, BadState, "image 1 is not sealed against resizing"),
        (closed, IpcError, "closed or was moved"),
    ],
)
def test_a_bad_image_closes_all_of_them(
    bad: Callable[[], Handle], error: type[IpcError], message: str
) -> None:
    given = [good(), bad(), good()]
    with pytest.raises(error, match=message):
        checked_images(INFO, given)
    assert all(handle.closed for handle in given)


def test_one_memory_cannot_be_two_images() -> None:
    first = good()
    given = [first, first.duplicate()]
    with pytest.raises(InvalidArgs, match="the same memory"):
        checked_images(INFO, given)
    assert all(handle.closed for handle in given)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_wrong_count_closes_all_of_them(count: int) -> None:
    given = [good() for _ in range(count)]
    with pytest.raises(OutOfRange, match=f"{count} images"):
        checked_images(INFO, given)
    assert all(handle.closed for handle in given)


def test_a_write_only_descriptor_is_not_mapped() -> None:
    whole = [good(), good()]
    given = [Handle(os.open(f"/proc/self/fd/{v.fileno()}", os.O_WRONLY)) for v in whole]
    taken = checked_images(INFO, given)
    with pytest.raises(AccessDenied):
        map_images(taken, writable=False)
    close_all([*taken, *whole])


def test_huge_pages_are_refused() -> None:
    info = SwapchainInfo(1024, 512, ImageFormat.RGBA8_UNORM)
    fds = [os.memfd_create("huge", os.MFD_ALLOW_SEALING | MFD_HUGETLB) for _ in range(2)]
    for fd in fds:
        os.ftruncate(fd, info.image_bytes)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, int(SIZE_SEALS))
    taken = checked_images(info, [Handle(fd) for fd in fds])
    with pytest.raises(NotSupported, match="huge pages"):
        map_images(taken, writable=False)
    close_all(taken)
