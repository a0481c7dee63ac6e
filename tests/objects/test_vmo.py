from __future__ import annotations

import array
import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    BadState,
    InvalidArgs,
    NotSupported,
    OutOfRange,
    ShouldWait,
    WrongType,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import BASIC, IO, Rights
from ipcrt.objects.seals import IMMUTABLE, Seals
from ipcrt.objects.vmo import Vmo
from tests.support.proc import open_fds
from tests.support.processes import Spawner

PAGE = mmap.PAGESIZE
READ_ONLY = BASIC | Rights.READ | Rights.MAP | Rights.GET_PROPERTY
MFD_HUGETLB = 4


def reopen(vmo: Vmo, mode: int) -> Handle:
    """Open the memory behind `vmo` again, as whoever receives it can."""
    return Handle(os.open(f"/proc/self/fd/{vmo.fileno()}", mode))


@pytest.mark.parametrize("size", [0, 1, PAGE - 1, PAGE, PAGE + 1])
def test_sizes_in_bytes_and_in_pages(size: int) -> None:
    with Vmo.create(size, "name") as vmo:
        assert vmo.content_size == size
        assert vmo.size == (size + PAGE - 1) // PAGE * PAGE
        assert vmo.read(0, size) == bytes(size)
        assert "memfd:name" in os.readlink(f"/proc/self/fd/{vmo.fileno()}")


def test_bytes_go_in_and_come_out() -> None:
    with Vmo.from_bytes(b"hello, world") as vmo:
        vmo.write(7, memoryview(b"there"))
        vmo.write(0, b"")
        assert vmo.read(0, 12) == b"hello, there"
        assert vmo.read(5, 2) == b", "
        assert vmo.read(12, 0) == b""
    numbers = array.array("i", range(1000))
    with Vmo.from_bytes(memoryview(numbers)) as vmo:
        assert vmo.read(0, vmo.content_size) == numbers.tobytes()


@pytest.mark.parametrize("offset,length", [(0, 11), (10, 1), (11, 0), (1 << 62, 1), (5, 1 << 62)])
def test_what_is_beyond_the_content_is_refused(offset: int, length: int) -> None:
    with Vmo.create(10) as vmo:
        with pytest.raises(OutOfRange, match=f"{length} bytes at {offset} exceed .* 10 bytes"):
            vmo.read(offset, length)
        if length < 100:
            with pytest.raises(OutOfRange, match=f"{length} bytes at {offset} exceed .* 10 bytes"):
                vmo.write(offset, bytes(length))


def test_negative_offsets_and_lengths_are_refused() -> None:
    with Vmo.create(10) as vmo:
        for refused in (
            lambda: vmo.read(-1, 1),
            lambda: vmo.read(1, -1),
            lambda: vmo.write(-1, b"x"),
            lambda: vmo.set_content_size(-1),
            lambda: vmo.set_content_size(1 << 63),
        ):
            with pytest.raises(OutOfRange):
                refused()


@pytest.mark.parametrize(
    "size,name,error",
    [
        (-1, "x", OutOfRange),
        (1 << 63, "x", OutOfRange),
        (1, "x" * 250, OutOfRange),
        (1, "x\0y", InvalidArgs),
    ],
)
def test_what_cannot_be_made(size: int, name: str, error: type[Exception]) -> None:
    before = open_fds()
    with pytest.raises(error):
        Vmo.create(size, name)
    assert open_fds() == before


def test_the_content_grows_and_shrinks_until_it_is_sealed() -> None:
    with Vmo.from_bytes(b"hello") as vmo:
        vmo.set_content_size(7)
        vmo.set_content_size(3)
        assert vmo.read(0, 3) == b"hel"
        vmo.seal(Seals.SHRINK)
        vmo.set_content_size(4)
        with pytest.raises(BadState, match="SHRINK"):
            vmo.set_content_size(3)
        vmo.seal(Seals.GROW)
        with pytest.raises(BadState, match="GROW"):
            vmo.set_content_size(5)
        assert vmo.seals & (Seals.SHRINK | Seals.GROW) == Seals.SHRINK | Seals.GROW


def test_immutable_memory_cannot_be_changed_in_any_way() -> None:
    with Vmo.from_bytes(b"hello") as vmo:
        vmo.seal()
        assert vmo.seals & IMMUTABLE == IMMUTABLE
        with pytest.raises(AccessDenied):
            vmo.write(0, b"x")
        with pytest.raises(AccessDenied):
            vmo.map(writable=True)
        with pytest.raises(BadState):
            vmo.seal(Seals.FUTURE_WRITE)
        with vmo.map() as mapping:
            assert mapping[:] == b"hello"


def test_a_mapping_shows_the_content_without_a_copy() -> None:
    with Vmo.from_bytes(b"hello") as vmo, vmo.map() as seen, vmo.map(writable=True) as written:
        assert len(seen) == 5
        assert vmo.seals & Seals.SHRINK
        with memoryview(seen) as view:
            written[:2] = b"HE"
            assert bytes(view) == b"HEllo"
            vmo.write(4, b"O")
            assert bytes(view) == b"HEllO"
            assert view.readonly
        assert vmo.read(0, 5) == b"HEllO"
        with pytest.raises(TypeError):
            seen[0] = 1


def test_a_mapping_outlives_its_handle() -> None:
    vmo = Vmo.from_bytes(b"hello")
    mapping = vmo.map()
    vmo.close()
    assert mapping[:] == b"hello"
    mapping.close()


def test_nothing_is_not_mapped() -> None:
    with Vmo.create(0) as vmo, pytest.raises(BadState, match="empty"):
        vmo.map()


def test_future_writes_are_forbidden_while_the_writers_mapping_goes_on() -> None:
    with Vmo.from_bytes(b"hello") as vmo, vmo.map(writable=True) as mapping:
        vmo.seal(Seals.FUTURE_WRITE)
        mapping[0] = ord("H")
        assert vmo.read(0, 5) == b"Hello"
        with pytest.raises(AccessDenied):
            vmo.map(writable=True)
        with pytest.raises(AccessDenied):
            vmo.write(0, b"x")


# ---- rights


def test_a_read_only_duplicate_is_read_only_for_the_kernel() -> None:
    with Vmo.from_bytes(b"hello") as vmo, vmo.duplicate(READ_ONLY) as reader:
        assert reader.koid == vmo.koid
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.pwrite(reader.fileno(), b"x", 0)
        for refused in (
            lambda: reader.write(0, b"x"),
            lambda: reader.set_content_size(1),
            reader.seal,
            lambda: reader.map(writable=True),
        ):
            with pytest.raises(AccessDenied):
                refused()
        assert reader.read(0, 5) == b"hello"
        with vmo.map(), reader.map() as mapping:
            assert mapping[:] == b"hello"


def test_a_reader_cannot_map_what_is_not_sealed() -> None:
    with Vmo.from_bytes(b"hello") as vmo, vmo.duplicate(READ_ONLY) as reader:
        with pytest.raises(BadState, match="not sealed against shrinking"):
            reader.map()
        vmo.seal(Seals.SHRINK)
        reader.map().close()


def test_a_write_only_replacement_is_write_only_for_the_kernel() -> None:
    with Vmo.from_bytes(b"hello").replace(BASIC | Rights.WRITE) as writer:
        writer.write(0, b"H")
        with pytest.raises(AccessDenied):
            writer.read(0, 1)
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            os.pread(writer.fileno(), 1, 0)


def test_what_was_received_has_the_rights_of_its_descriptor() -> None:
    near, far = Channel.create()
    with Vmo.from_bytes(b"hello") as vmo, near, far:
        near.write(b"memory", [vmo.duplicate(READ_ONLY), vmo.duplicate()])
        reader, writer = (Vmo.from_handle(handle) for handle in far.read().handles)
        odd = Vmo.from_handle(reopen(vmo, os.O_ACCMODE))
    with reader, writer, odd:
        assert reader.rights == Vmo.DEFAULT_RIGHTS & ~Rights.WRITE
        assert writer.rights == Vmo.DEFAULT_RIGHTS
        assert odd.rights == Vmo.DEFAULT_RIGHTS & ~IO
        with pytest.raises(AccessDenied):
            reader.write(0, b"x")


@pytest.mark.parametrize("seal", [Seals.NONE, Seals.SHRINK, Seals.WRITE, Seals.FUTURE_WRITE])
def test_a_read_only_descriptor_can_be_opened_again_for_writing_unless_sealed(seal: Seals) -> None:
    with Vmo.from_bytes(b"hello") as vmo, vmo.duplicate(READ_ONLY) as reader:
        vmo.seal(seal)
        with reopen(reader, os.O_RDWR) as stolen:
            if seal in (Seals.WRITE, Seals.FUTURE_WRITE):
                with pytest.raises(PermissionError):
                    os.pwrite(stolen.fileno(), b"H", 0)
                assert vmo.read(0, 5) == b"hello"
            else:
                os.pwrite(stolen.fileno(), b"H", 0)
                assert vmo.read(0, 5) == b"Hello"


def test_rights_are_asked_for() -> None:
    with Vmo.from_bytes(b"hello") as vmo, vmo.duplicate(Rights.NONE) as mute:
        for refused in (lambda: mute.read(0, 1), mute.map, mute.seal):
            with pytest.raises(AccessDenied):
                refused()


# ---- what others do to it


def test_memory_that_shrinks_gives_an_error(spawn_python: Spawner) -> None:
    near, far = Channel.create()
    child = spawn_python.module(
        "tests.objects.children", "shrink", far.fileno(), pass_fds=[far.fileno()]
    )
    far.close()
    with near, Vmo.create(4 * PAGE) as vmo:
        near.write(b"yours too", [vmo.duplicate()])
        assert next_message(near) == b"shrunk"
        with pytest.raises(OutOfRange, match=f"content of {2 * PAGE} bytes"):
            vmo.read(0, 4 * PAGE)
        with pytest.raises(OutOfRange):
            vmo.write(2 * PAGE, b"x")
        with vmo.map() as mapping:
            assert mapping[:] == bytes(2 * PAGE)
    child.finish()


def test_memory_that_shrinks_in_a_read_gives_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with Vmo.create(4) as vmo:
        monkeypatch.setattr(Vmo, "content_size", 5)  # what it was when the read looked
        with pytest.raises(BadState, match="shrank to under 5 bytes"):
            vmo.read(0, 5)


def test_a_mapping_is_safe_from_a_process_that_cuts_it_all_the_time(spawn_python: Spawner) -> None:
    """Without the seal, touching a page that was cut off is SIGBUS, which ends this process."""
    near, far = Channel.create()
    child = spawn_python.module(
        "tests.objects.children", "race_truncation", far.fileno(), pass_fds=[far.fileno()]
    )
    far.close()
    size = 64 * PAGE
    mapped = 0
    with near:
        for _ in range(100):
            with Vmo.create(size) as vmo:
                near.write(b"cut it", [vmo.duplicate()])
                assert next_message(near) == b"cutting"
                mapped += touch(vmo, size)
                assert next_message(near) == b"forbidden"
    child.finish()
    assert mapped > 0


def touch(vmo: Vmo, size: int) -> int:
    """Map it and read every page; zero where it was empty at that moment."""
    try:
        mapping = vmo.map()
    except BadState:
        return 0
    with mapping:
        assert len(mapping) == size
        assert sum(mapping[::PAGE]) == 0
    return 1


def next_message(channel: Channel) -> bytes:
    while True:
        try:
            return channel.read().data
        except ShouldWait:
            continue


def foreign_memory() -> dict[str, Callable[[Path], int]]:
    def huge(_: Path) -> int:
        fd = os.memfd_create("huge", MFD_HUGETLB | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, 1 << 30)
        return fd

    def unsealable(_: Path) -> int:
        fd = os.memfd_create("unsealable", 0)
        os.ftruncate(fd, PAGE)
        return fd

    def in_dev_shm(_: Path) -> int:
        fd = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR)
        os.ftruncate(fd, PAGE)
        return fd

    return {"huge": huge, "unsealable": unsealable, "tmpfs": in_dev_shm}


@pytest.mark.parametrize("name", foreign_memory())
def test_memory_that_could_raise_sigbus_is_not_mapped(name: str, tmp_path: Path) -> None:
    with Vmo.from_handle(Handle(foreign_memory()[name](tmp_path))) as vmo:
        with pytest.raises((BadState, NotSupported)):
            vmo.map()
        if name != "huge":
            vmo.write(0, b"copying is safe")
            assert vmo.read(0, 4) == b"copy"


def test_a_file_is_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with Handle(os.open(path, os.O_RDWR)) as plain, pytest.raises(WrongType):
        Vmo.from_handle(plain)


def test_a_closed_vmo_says_so() -> None:
    vmo = Vmo.create(1)
    vmo.close()
    for refused in (
        lambda: vmo.read(0, 1),
        lambda: vmo.write(0, b"x"),
        lambda: vmo.set_content_size(1),
        lambda: vmo.content_size,
        lambda: vmo.seals,
        vmo.seal,
        vmo.map,
    ):
        with pytest.raises(BadHandle):
            refused()


def test_restrict_believes_the_descriptor_rather_than_the_rights() -> None:
    with Vmo.create(1) as vmo:
        claimed = Vmo(os.dup(vmo.fileno()), Rights.READ)
        received = Vmo.from_handle(Handle(os.dup(vmo.fileno()), Rights.READ))
        for each in (claimed, received):
            with each:
                assert each.rights == Rights.READ
                each.restrict(Rights.READ)
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.pwrite(each.fileno(), b"y", 0)


def test_restrict_takes_rights_from_the_descriptor_too() -> None:
    with Vmo.from_bytes(b"abc") as vmo:
        koid = vmo.koid
        vmo.restrict(vmo.rights & ~Rights.DUPLICATE)  # nothing that the kernel knows of
        vmo.write(0, b"x")
        vmo.restrict(Rights.READ | Rights.EXECUTE)
        assert vmo.rights == Rights.READ
        assert vmo.koid == koid
        assert vmo.read(0, 3) == b"xbc"
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(vmo.fileno(), b"y", 0)
        vmo.restrict(Rights.WRITE)
        assert not vmo.rights
        vmo.restrict(Rights.NONE)
        assert os.pread(vmo.fileno(), 1, 0), "Linux has no descriptor that may do nothing"
    with pytest.raises(BadHandle):
        vmo.restrict(Rights.READ)
