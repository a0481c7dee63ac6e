from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable, Iterator

import pytest

from ipcrt.errors import IpcError, NoResources, RemoteProtocolError
from ipcrt.objects import spill
from ipcrt.objects._scm import MAX_PACKET_BYTES
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.pieces import Pieced, put_together, stub
from ipcrt.objects.seals import Seals
from ipcrt.objects.spill_memory import SpillMemory
from ipcrt.objects.vmo import Vmo
from tests.support.proc import open_fds

MARK = b"\x89IPCSPL\n"


def record(length: int) -> bytes:
    return MARK + length.to_bytes(8, "little")


def test_a_record_is_the_mark_and_the_length() -> None:
    with spill.store(b"hello") as spilled:
        written, [fd] = spilled.record, spilled.fds
        assert written == b"\x89IPCSPL\n\x05\0\0\0\0\0\0\0"
        assert spill.is_record(written)
        assert len(written) == spill.RECORD_BYTES
        assert spill.load(written, fd) == b"hello"
        assert not os.get_inheritable(fd)


@pytest.mark.parametrize(
    "data,spilled",
    [
        (b"", False),
        (bytes(MAX_PACKET_BYTES), False),
        (bytes(MAX_PACKET_BYTES + 1), True),
        (record(0), True),
        (MARK, False),
        (record(0) + b"x", True),
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


def test_what_is_longer_than_a_record_is_one_only_with_descriptors() -> None:
    assert spill.is_record(record(0) + b"x", 1)
    assert not spill.is_record(record(0) + b"x", 0)
    assert spill.is_record(record(0), 0)
    assert not spill.is_record(MARK, 1)


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
            spill.store(bytes(1000)).__exit__()
    finally:
        resource.setrlimit(kind, (soft, hard))
    assert open_fds() == before


# ---- long records


def long_record(
    length: int, places: list[int], rest: bytes = b"", count: int | None = None
) -> bytes:
    number = len(places) if count is None else count
    return record(length) + struct.pack(f"<I{len(places)}I", number, *places) + rest


def never(seconds: float, what: Callable[[], None]) -> None:
    """Keep what is not used."""


@pytest.fixture
def memories() -> Iterator[tuple[SpillMemory, SpillMemory]]:
    """The sender's and the receiver's."""
    both = SpillMemory(never), SpillMemory(never)
    yield both
    for memory in both:
        memory.close()


Memories = tuple[SpillMemory, SpillMemory]
LONG = bytes(range(256)) * 512


def in_pieces(*parts: bytes) -> Pieced:
    rest = b"head"
    pieces: list[tuple[int, bytes]] = []
    for part in parts:
        pieces.append((len(rest), part))
        rest += stub(len(part)) + b"-"
    return Pieced(rest, pieces)


def test_data_in_pieces_arrives_in_pieces(memories: Memories) -> None:
    data = in_pieces(LONG, b"", LONG[1:])
    with spill.store(data, memories[0], 1) as spilled:
        assert spilled.record[:20] == record(len(data)) + b"\x03\0\0\0"
        assert spill.own_fds(spilled.record, 3) == len(spilled.fds) == 2
        for receiver in (memories[1], memories[1], None):
            found = spill.load(spilled.record, spilled.fds[0], memory=receiver)
            assert isinstance(found, Pieced)
            assert (memoryview(found), found.pieces) == (memoryview(data), data.pieces)
            assert bytes(put_together(found)) == bytes(put_together(data))


def test_whole_data_goes_through_the_pool_as_well(memories: Memories) -> None:
    with spill.store(LONG, memories[0], 1) as spilled:
        assert spilled.record == record(len(LONG)) + bytes(4)
        assert spill.load(spilled.record, spilled.fds[0], memory=memories[1]) == LONG


@pytest.mark.parametrize("parts", [65, 1], ids=["too many parts", "too much rest"])
def test_what_a_record_cannot_hold_is_put_together(memories: Memories, parts: int) -> None:
    data = in_pieces(*[LONG] * parts)
    if parts == 1:
        data = bytes(65_300) + data
    with spill.store(data, memories[0], 1) as spilled:
        assert len(spilled.record) == 20
        found = spill.load(spilled.record, spilled.fds[0], memory=memories[1])
        assert found == put_together(data)


def test_data_in_pieces_without_a_pool_or_room_for_two_is_put_together(memories: Memories) -> None:
    data = in_pieces(LONG)
    for memory, handles in ((None, 0), (memories[0], 64)):
        with spill.store(data, memory, 1, handles) as spilled:
            assert (len(spilled.record), len(spilled.fds)) == (16, 1)
            assert spill.load(spilled.record, spilled.fds[0]) == put_together(data)


STUB = stub(100_000)
WRONG = {
    "no room for a count": (record(5) + b"xx", "record of 18 bytes"),
    "fewer places than counted": (long_record(5, [0], count=2), "2 parts"),
    "too many parts": (long_record(5, [0] * 65, b"x"), "65 parts, at most 64"),
    "parts without data": (long_record(5, [0]), "1 parts and 0 bytes"),
    "data without parts": (long_record(5, [], b"x"), "0 parts and 1 bytes"),
    "a place behind the data": (long_record(100_005, [1], STUB), "reaches beyond"),
    "a place far behind": (long_record(100_005, [(1 << 32) - 1], STUB), "reaches beyond"),
    "no stub": (long_record(100_006, [1], STUB + b"x"), "expected a stub"),
    "stubs in disorder": (long_record(200_010, [5, 0], STUB * 2), "none may be before"),
    "one stub twice": (long_record(200_005, [0, 0], STUB), "none may be before"),
    "another length": (long_record(100_004, [0], STUB), "has 5 and 100000"),
    "more than there is": (long_record(5 + 300_000, [0], stub(300_000)), "in a VMO of 200000"),
    "so little": (long_record(5 + 1000, [0], stub(1000)), "though it fits a packet"),
    "all there is": (long_record((1 << 32) + 4, [0], stub((1 << 32) - 1)), "exceeds"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_long_record_that_contradicts_itself_is_refused(name: str, memories: Memories) -> None:
    packet, message = WRONG[name]
    assert spill.is_record(packet, 2)
    with Vmo.create(200_000) as vmo:
        for seals in (Seals.NONE, Seals.SHRINK):
            vmo.seal(seals)
            with pytest.raises(RemoteProtocolError, match=message):
                spill.load(packet, vmo.fileno(), memory=memories[1])


def test_a_record_that_was_cut_at_any_byte_is_refused_or_shorter(memories: Memories) -> None:
    with spill.store(in_pieces(LONG, LONG), memories[0], 1) as spilled:
        for size in range(17, len(spilled.record)):
            with pytest.raises(RemoteProtocolError):
                spill.load(spilled.record[:size], spilled.fds[0], memory=memories[1])


@pytest.mark.parametrize("name", descriptors())
def test_a_long_record_with_the_wrong_thing_behind_it_is_refused(
    name: str, memories: Memories
) -> None:
    with descriptors()[name]() as handle, pytest.raises(RemoteProtocolError, match="spill"):
        spill.load(long_record(5, []), handle.fileno(), memory=memories[1])


@pytest.mark.parametrize("name", ["short", "long"])
def test_a_record_with_too_few_descriptors_is_refused(name: str) -> None:
    packet, fds = (record(5), 0) if name == "short" else (long_record(5, []), 1)
    with pytest.raises(RemoteProtocolError, match="without a descriptor"):
        spill.own_fds(packet, fds)
