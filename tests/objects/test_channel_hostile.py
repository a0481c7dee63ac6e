"""What a channel does about a peer that speaks raw packets, and about limits its maker chose."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator

import pytest

from ipcrt.errors import RemoteProtocolError, ShouldWait
from ipcrt.objects import _scm
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, Moved
from ipcrt.objects.pieces import Pieced, stub
from ipcrt.objects.spill_memory import SpillMemory
from tests.support.proc import open_fds
from tests.support.processes import Spawner

Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = Channel.create()
    with near, far:
        yield near, far


def content(text: str) -> Handle:
    """A handle to memory that holds `text`."""
    handle = Handle(os.memfd_create("content"))
    os.write(handle.fileno(), text.encode())
    return handle


def raw_write(channel: Channel, data: bytes, handles: Iterable[Handle] = ()) -> None:
    """Send what no Channel would."""
    with socket.socket(fileno=os.dup(channel.fileno())) as sock, Moved(handles) as moved:
        _scm.send(sock, data, moved.fds)


def record(length: int) -> bytes:
    return b"\x89IPCSPL\n" + length.to_bytes(8, "little")


def test_a_spill_record_without_memory_is_refused(pair: Pair) -> None:
    near, far = pair
    raw_write(near, record(5))
    with pytest.raises(RemoteProtocolError, match="without a descriptor"):
        far.read()


def test_a_bad_spill_record_loses_its_handles(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    raw_write(near, record(5), [content("kept?"), content("abc")])
    with pytest.raises(RemoteProtocolError, match="5 bytes in a VMO of 3"):
        far.read()
    assert open_fds() == before


def test_65_handles_without_a_spill_record_are_refused(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    raw_write(near, b"x", [content("x") for _ in range(65)])
    with pytest.raises(RemoteProtocolError, match="65 handles exceed 64"):
        far.read()
    assert open_fds() == before


def test_the_reader_may_bound_spilled_messages(pair: Pair) -> None:
    near, far = pair
    near.write(bytes(100_001), [content("x")])
    before = open_fds()
    with pytest.raises(RemoteProtocolError, match="100001 bytes exceeds 100000"):
        far.read(max_bytes=100_000)
    assert open_fds() == before


def test_memory_that_changes_under_the_record_is_whole_or_refused(
    pair: Pair, spawn_python: Spawner
) -> None:
    """A hostile sender cuts, grows and rewrites the memory while we read it, on another core."""
    near, far = pair
    rounds, size = 160, 1 << 20
    child = spawn_python.module(
        "tests.objects.children",
        "race_spills",
        near.fileno(),
        rounds,
        size,
        pass_fds=[near.fileno()],
    )
    near.close()
    before = open_fds()
    outcomes = {"whole": 0, "refused": 0}
    while sum(outcomes.values()) < rounds:
        try:
            message = far.read()
        except ShouldWait:
            continue
        except RemoteProtocolError:
            outcomes["refused"] += 1
        else:
            assert (len(message.data), message.handles) == (size, [])
            outcomes["whole"] += 1
        far.write(b"next")
    assert open_fds() == before
    child.finish()
    assert min(outcomes.values()) >= rounds // 4, "the rounds without a race"
    print(outcomes)


def test_who_reads_from_the_channel_itself_is_given_whole_data(pair: Pair) -> None:
    near, far = pair
    memory = SpillMemory(lambda _seconds, _what: None)
    near.spill_memory = memory
    part = bytes(range(256)) * 300
    near.write(Pieced(b"ab" + stub(len(part)) + b"c", [(2, part)]), [content("kept")])
    message = far.read()
    assert type(message.data) is bytes
    assert message.data == b"ab\xc6" + len(part).to_bytes(4, "big") + part + b"c"
    assert [os.pread(handle.fileno(), 9, 0) for handle in message.handles] == [b"kept"]
    message.close()
    near.close()
    memory.close()


@pytest.mark.parametrize("count", [1, 66])
def test_a_long_record_with_wrong_descriptors_loses_them_all(pair: Pair, count: int) -> None:
    near, far = pair
    before = open_fds()
    long = record(100_000) + bytes(4)
    raw_write(near, long, [content("abc") for _ in range(count)])
    with pytest.raises(RemoteProtocolError):
        far.read()
    assert open_fds() == before
