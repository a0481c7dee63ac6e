from __future__ import annotations

import os
import resource
from collections.abc import Callable

import pytest

from ipcrt.errors import IpcError, NoResources, RemoteProtocolError
from ipcrt.objects import spill
from ipcrt.objects._scm import MAX_PACKET_BYTES
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from tests.support.proc import open_fds

MARK = b"\x89IPCSPL\n"


def record(length: int) -> bytes:
    return MARK + length.to_bytes(8, "little")


def test_a_record_is_the_mark_and_the_length() -> None:
    written, fd = spill.store(b"hello")
    with Handle(fd) as handle:
        assert written == b"\x89IPCSPL\n\x05\0\0\0\0\0\0\0"
        assert spill.is_record(written)
        assert len(written) == spill.RECORD_BYTES
        assert spill.load(written, handle.fileno()) == b"hello"
        assert not os.get_inheritable(handle.fileno())


@pytest.mark.parametrize(
    "data,spilled",
    [
        (b"", False),
        (bytes(MAX_PACKET_BYTES), False),
        (bytes(MAX_PACKET_BYTES + 1), True),
        (record(0), True),
        (MARK, False),
        (record(0) + b"x", False),
        (b"x" + record(0)[1:], False),
        (memoryview(record(7)), True),
    ],
)
def test_what_must_spill(data: bytes | memoryview, spilled: bool) -> None:
    assert spill.must_spill(data) is spilled


def descriptors() -> dict[str, Callable[[], Handle]]:
    def pipe_end() -> Handle:
        reader, writer = os.pipe()
        os.write(writer, b"hello")
        os.close(writer)
        return Handle(reader)

    def opened(mode: int) -> Handle:
        with Vmo.from_bytes(b"hello") as vmo:
            return Handle(os.open(f"/proc/self/fd/{vmo.fileno()}", mode))

    return {
        "pipe": pipe_end,
        "regular file": lambda: Handle(os.open(__file__, os.O_RDONLY)),
        "directory": lambda: Handle(os.open("/", os.O_RDONLY)),
        "event": Event.create,
        "too short": lambda: Vmo.from_bytes(b"hell"),
        "write-only": lambda: opened(os.O_WRONLY),
        "path": lambda: opened(os.O_PATH),
    }


@pytest.mark.parametrize("name", descriptors())
def test_a_record_with_the_wrong_thing_behind_it_is_refused(name: str) -> None:
    with descriptors()[name]() as handle, pytest.raises(RemoteProtocolError, match="spill"):
        spill.load(record(5), handle.fileno())


def test_more_than_the_reader_admits_is_refused() -> None:
    with Vmo.create(11) as vmo:
        assert spill.load(record(10), vmo.fileno(), 10) == bytes(10)
        with pytest.raises(RemoteProtocolError, match="11 bytes exceeds 10"):
            spill.load(record(11), vmo.fileno(), 10)
        with pytest.raises(RemoteProtocolError, match="exceeds"):
            spill.load(record((1 << 64) - 1), vmo.fileno())


def test_memory_that_is_longer_than_claimed_is_read_as_claimed() -> None:
    with Vmo.from_bytes(b"hello, world") as vmo:
        assert spill.load(record(5), vmo.fileno()) == b"hello"


def test_a_reader_that_finds_less_than_the_size_said() -> None:
    with Vmo.create(4) as vmo:
        assert spill._read(vmo.fileno(), 5) == bytes(4)


@pytest.mark.parametrize("limit", ["descriptors", "file size"])
def test_a_failed_store_leaves_nothing_behind(limit: str) -> None:
    before = open_fds()
    lowest_free = os.dup(0)
    os.close(lowest_free)
    kind, value = {
        "descriptors": (resource.RLIMIT_NOFILE, lowest_free),
        "file size": (resource.RLIMIT_FSIZE, 100),
    }[limit]
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, hard))
    try:
        with pytest.raises(NoResources if limit == "descriptors" else IpcError):
            spill.store(bytes(1000))
    finally:
        resource.setrlimit(kind, (soft, hard))
    assert open_fds() == before
