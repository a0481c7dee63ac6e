from __future__ import annotations

import array
import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    InvalidArgs,
    NotSupported,
    OutOfRange,
    PeerClosed,
    ShouldWait,
)
from ipcrt.objects import _scm, spill
from ipcrt.objects.channel import Channel
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle, Moved, close_all
from ipcrt.objects.rights import BASIC, IO, Rights
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


def text_of(handle: Handle) -> str:
    return os.pread(handle.fileno(), 100, 0).decode()


def fill(channel: Channel, data: bytes = b"x") -> int:
    """Write until the peer's queue is full; answer how many went."""
    sent = 0
    with contextlib.suppress(ShouldWait):
        while True:
            channel.write(data)
            sent += 1
    return sent


def test_messages_keep_their_order_and_borders(pair: Pair) -> None:
    near, far = pair
    for data in (b"one", b"two", bytes(_scm.MAX_PACKET_BYTES)):
        near.write(data)
    far.write(b"back")
    assert [far.read().data for _ in range(3)] == [b"one", b"two", bytes(_scm.MAX_PACKET_BYTES)]
    assert near.read(_scm.ReceiveBuffer()).data == b"back"
    with pytest.raises(ShouldWait):
        far.read()


def test_handles_arrive_in_order_and_are_gone_here(pair: Pair) -> None:
    near, far = pair
    handles = [content("a"), content("b"), content("c")]
    near.write(b"take these", iter(handles))
    assert all(handle.closed for handle in handles)
    message = far.read()
    assert [text_of(handle) for handle in message.handles] == ["a", "b", "c"]
    assert not any(os.get_inheritable(handle.fileno()) for handle in message.handles)
    message.close()
    assert all(handle.closed for handle in message.handles)


def test_an_end_of_a_channel_travels_through_a_channel(pair: Pair) -> None:
    near, far = pair
    first, second = Channel.create()
    near.write(b"end", [second])
    (plain,) = far.read().handles
    with first, Channel.from_handle(plain) as received:
        assert received.rights == Channel.DEFAULT_RIGHTS
        received.write(b"hello")
        assert first.read().data == b"hello"


@pytest.mark.parametrize("count", [0, 1, _scm.MAX_HANDLES])
@pytest.mark.parametrize("size", [_scm.MAX_PACKET_BYTES, _scm.MAX_PACKET_BYTES + 1, 3 << 20])
def test_messages_of_any_size_arrive_whole(pair: Pair, size: int, count: int) -> None:
    near, far = pair
    data = os.urandom(1024) * (size // 1024) + b"r" * (size % 1024)
    near.write(data, [content(str(number)) for number in range(count)])
    near.write(b"next")
    message = far.read()
    assert message.data == data
    assert [text_of(handle) for handle in message.handles] == [str(n) for n in range(count)]
    message.close()
    assert far.read().data == b"next"


def test_a_message_that_looks_like_a_spill_record_arrives_as_it_is(pair: Pair) -> None:
    near, far = pair
    lookalike = b"\x89IPCSPL\n" + (5).to_bytes(8, "little")
    assert spill.is_record(lookalike)
    near.write(lookalike)
    near.write(memoryview(lookalike), [content("with a handle")])
    assert far.read().data == lookalike
    message = far.read()
    assert message.data == lookalike
    assert [text_of(handle) for handle in message.handles] == ["with a handle"]
    message.close()


@pytest.mark.parametrize("size", [3, 1 << 15])
def test_a_view_is_measured_in_bytes(pair: Pair, size: int) -> None:
    near, far = pair
    numbers = array.array("i", range(size))
    near.write(memoryview(numbers))
    assert far.read().data == numbers.tobytes()
    near.write(memoryview(bytearray(b"writable")))
    assert far.read().data == b"writable"


@pytest.mark.parametrize("handles", [0, 2])
def test_a_message_without_bytes_is_refused(pair: Pair, handles: int) -> None:
    near, far = pair
    several = [content("x") for _ in range(handles)]
    with pytest.raises(InvalidArgs):
        near.write(b"", several)
    assert all(handle.closed for handle in several), "moved, though it failed"
    with pytest.raises(ShouldWait):
        far.read()


def test_more_than_64_handles_are_refused_before_anything_is_sent(pair: Pair) -> None:
    near, far = pair
    several = [content("x") for _ in range(_scm.MAX_HANDLES + 1)]
    with pytest.raises(OutOfRange, match="65 handles exceed 64"):
        near.write(b"x", several)
    assert all(handle.closed for handle in several)
    with pytest.raises(ShouldWait):
        far.read()


def test_a_message_over_the_limit_is_refused(pair: Pair) -> None:
    near, _ = pair
    with pytest.raises(OutOfRange, match="exceeds 268435456; pass a Vmo"):
        near.write(bytes(spill.MAX_MESSAGE_BYTES + 1))


def test_errors_about_the_handles_leave_them_with_the_caller(pair: Pair) -> None:
    near, _ = pair
    kept = content("x")
    closed = content("y")
    closed.close()
    fixed = Handle(os.dup(0), Rights.READ)
    for several, error in (
        ([kept, closed], BadHandle),
        ([kept, kept], InvalidArgs),
        ([kept, fixed], AccessDenied),
        ([kept, near], NotSupported),
    ):
        with pytest.raises(error):
            near.write(b"x", several)
        assert not kept.closed
    assert not near.closed
    close_all([kept, fixed])


def test_a_failed_write_closes_what_it_took(pair: Pair) -> None:
    near, far = pair
    fill(near)
    before = open_fds()
    handle = content("x")
    with pytest.raises(ShouldWait):
        near.write(b"x", [handle])
    assert handle.closed
    with Moved([content("y")]) as moved:
        with pytest.raises(ShouldWait):
            near.write_moved(b"x", moved)
        assert len(moved.fds) == 1, "for those who try again"
        assert far.read().data == b"x"
        near.write_moved(b"again", moved)
        assert moved.fds == []
    assert open_fds() == before


@pytest.mark.parametrize("size", [1, 1000, _scm.MAX_PACKET_BYTES, _scm.MAX_PACKET_BYTES + 1])
def test_the_queue_is_bounded_and_loses_nothing(pair: Pair, size: int) -> None:
    near, far = pair
    sent = 0
    with contextlib.suppress(ShouldWait):
        while sent < 1000:
            near.write(sent.to_bytes(2, "little") + bytes(size))
            sent += 1
    assert 1 < sent < 1000
    got = 0
    with contextlib.suppress(ShouldWait):
        while True:
            data = far.read().data
            assert (int.from_bytes(data[:2], "little"), len(data)) == (got, size + 2)
            got += 1
    assert got == sent
    near.write(b"room again")


def test_a_small_send_buffer_that_the_maker_chose_stops_no_message(pair: Pair) -> None:
    near, far = pair
    with socket.socket(fileno=os.dup(near.fileno())) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        with pytest.raises(OutOfRange):
            _scm.send(sock, bytes(_scm.MAX_PACKET_BYTES))
    data = os.urandom(_scm.MAX_PACKET_BYTES)
    near.write(data, [content("x")])
    message = far.read()
    assert (message.data, len(message.handles)) == (data, 1)
    message.close()


def test_the_peers_death_is_told_after_its_messages(pair: Pair) -> None:
    near, far = pair
    near.write(b"unread, so the kernel reports a reset")
    for data in (b"one", bytes(1 << 20)):
        far.write(data)
    far.close()
    assert near.read().data == b"one"
    assert near.read().data == bytes(1 << 20)
    for _ in range(2):
        with pytest.raises(PeerClosed):
            near.read()
        with pytest.raises(PeerClosed):
            near.write(b"x")


def test_a_dead_peer_loses_the_handles_of_a_write_only_once(pair: Pair) -> None:
    near, far = pair
    far.close()
    before = open_fds()
    with pytest.raises(PeerClosed):
        near.write(b"x", [content("x")])
    with pytest.raises(PeerClosed):
        near.write(bytes(1 << 20), [content("x")])
    assert open_fds() == before


def test_handles_in_unread_messages_are_closed_with_the_channel() -> None:
    reader, writer = os.pipe()
    near, far = Channel.create()
    near.write(b"x", [Handle(writer)])
    near.close()
    far.close()
    assert os.read(reader, 1) == b"", "nobody holds the other end"
    os.close(reader)


def test_a_channel_moves_to_another_process_with_what_is_unread(
    pair: Pair, spawn_python: Spawner
) -> None:
    near, far = pair
    for number in range(50):
        near.write(b"message %d" % number, [content(f"file {number}")])
    child = spawn_python.module(
        "tests.objects.children", "read_all", far.fileno(), pass_fds=[far.fileno()]
    )
    far.close()
    for number in range(50):
        assert child.line() == f"message {number} file {number}"
    near.write(b"later")
    assert child.line() == "later"
    near.close()
    assert child.finish() == ""


def test_a_channel_that_travels_in_a_channel_keeps_what_is_unread(pair: Pair) -> None:
    near, far = pair
    first, second = Channel.create()
    for number in range(100):
        first.write(b"%d" % number)
    near.write(b"end", [second])
    first.close()
    with Channel.from_handle(far.read().handles[0]) as received:
        assert [received.read().data for _ in range(100)] == [b"%d" % n for n in range(100)]
        with pytest.raises(PeerClosed):
            received.read()


@pytest.mark.parametrize("size", [3, spill.RECORD_BYTES, 17, 65536, 65537])
def test_descriptors_that_are_only_lent(pair: Pair, size: int) -> None:
    near, far = pair
    with content("lent") as handle:
        near.send(bytes(size), [handle.fileno()])
        near.send(bytes(size))
        assert not handle.closed
    data, handles = far.try_receive(_scm.ReceiveBuffer(), 1 << 20) or (b"", [])
    assert len(data) == size
    assert [text_of(each) for each in handles] == ["lent"]
    close_all(handles)
    assert far.try_receive(None, 1 << 20) == (bytes(size), [])


def test_rights_are_asked_for() -> None:
    first, second = Channel.create()
    with second, first.replace(BASIC & ~Rights.DUPLICATE) as mute:
        for refused in (lambda: mute.write(b"x"), mute.read):
            with pytest.raises(AccessDenied):
                refused()
    assert Rights.DUPLICATE not in Channel.DEFAULT_RIGHTS
    assert IO in Channel.DEFAULT_RIGHTS


def test_an_end_has_one_owner(pair: Pair) -> None:
    with pytest.raises(NotSupported):
        pair[0].duplicate()


def test_a_closed_channel_says_so(pair: Pair) -> None:
    near, _ = pair
    near.write(b"x")
    near.close()
    with pytest.raises(BadHandle):
        near.write(b"x")
    with pytest.raises(BadHandle):
        near.read()


class Drain:
    """A watch that counts how often the queue was drained."""

    def __init__(self) -> None:
        self.count = 0

    def closing(self) -> None:
        pass

    def drained(self) -> None:
        self.count += 1


@pytest.mark.parametrize("handles", [0, 1])
def test_a_port_that_holds_back_hears_of_each_read(pair: Pair, handles: int) -> None:
    near, far = pair
    drain = far._watch = Drain()
    near.write(b"x", [content("x") for _ in range(handles)])
    far.read().close()
    assert drain.count == 0
    far._held_back = True
    near.write(b"x", [content("x") for _ in range(handles)])
    far.read().close()
    assert drain.count == 1


def test_another_kind_of_pair_is_no_channel(pair: Pair) -> None:
    near, far = pair
    near.write(b"pair", [*EventPair.create()])
    message = far.read()
    for handle in message.handles:
        with pytest.raises(Exception, match="EVENTPAIR, expected CHANNEL"):
            Channel.from_handle(handle)
    message.close()


def test_trying_to_send_says_whether_there_was_room(pair: Pair) -> None:
    near, far = pair
    assert near.try_send(b"x") is True
    assert near.try_send(bytes(100_000), [0]) is True  # spilled
    assert far.read().data == b"x"
    spilled = far.read()
    assert (spilled.data, len(spilled.handles)) == (bytes(100_000), 1)
    spilled.close()
    fill(near)
    before = open_fds()
    assert near.try_send(b"x") is False
    assert near.try_send(bytes(100_000), [0]) is False
    assert open_fds() == before
    far.close()
    with pytest.raises(PeerClosed):
        near.try_send(b"x")


def test_trying_to_receive_says_whether_a_message_was_there(pair: Pair) -> None:
    near, far = pair
    buffer = _scm.ReceiveBuffer()
    assert far.try_receive(buffer, 1 << 20) is None
    near.send(b"one", [0])
    near.send(bytes(100_000))
    message = far.try_receive(buffer, 1 << 20)
    assert message is not None
    assert (message[0], len(message[1])) == (b"one", 1)
    close_all(message[1])
    assert far.try_receive(buffer, 1 << 20) == (bytes(100_000), [])
    near.close()
    with pytest.raises(PeerClosed):
        far.try_receive(buffer, 1 << 20)
