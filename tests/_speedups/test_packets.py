"""PacketSocket and its C twin: the same packets, errors and descriptors."""

from __future__ import annotations

import array
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Generator, Iterator
from typing import Any, Final

import pytest

from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    InvalidArgs,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
)
from ipcrt.objects import _scm
from ipcrt.objects._fd import close_fds
from ipcrt.objects._scm import PacketSocket
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.support.proc import open_fds

SO_PASSPIDFD: Final = 76
SO_PASSRIGHTS: Final = 83
Pair = tuple[PacketSocket, PacketSocket]


@pytest.fixture
def socks() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The sockets that own the descriptors of `pair`."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        yield near, far


@pytest.fixture(params=TWINS)
def pair(
    request: pytest.FixtureRequest, socks: tuple[socket.socket, socket.socket]
) -> Iterator[Pair]:
    lend = take(request.param, "PacketSocket", PacketSocket)
    near, far = lend(socks[0].fileno()), lend(socks[1].fileno())
    yield near, far
    near.detach()
    far.detach()


def set_if_known(sock: socket.socket, option: int, value: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, value)
    except OSError as error:
        pytest.skip(f"this kernel has no socket option {option}: {error}")


def receive(end: PacketSocket) -> tuple[bytes, list[int]]:
    packet = end.try_receive()
    assert packet is not None
    return packet


@contextlib.contextmanager
def room_for_one_descriptor() -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("buffer", [None, _scm.ReceiveBuffer()], ids=["fresh", "reused"])
def test_a_packet_carries_bytes_and_descriptors(
    pair: Pair, buffer: _scm.ReceiveBuffer | None
) -> None:
    near, far = pair
    files = [os.memfd_create("first"), os.memfd_create("second")]
    assert near.try_send(b"one", files) is True
    assert near.try_send(b"two") is True
    packet = far.try_receive(buffer)
    assert packet is not None
    data, fds = packet
    assert type(data) is bytes
    assert data == b"one"
    assert [os.readlink(f"/proc/self/fd/{fd}").split()[0] for fd in fds] == [
        "/memfd:first",
        "/memfd:second",
    ]
    assert not any(os.get_inheritable(fd) for fd in fds)
    close_fds([*fds, *files])
    assert far.try_receive(buffer) == (b"two", [])
    assert far.try_receive(buffer) is None


@pytest.mark.parametrize("size", [1, 15, 16, 17, 4096, _scm.MAX_PACKET_BYTES])
def test_packets_of_many_sizes_arrive_whole(pair: Pair, size: int) -> None:
    near, far = pair
    data = os.urandom(size)
    for form in (data, memoryview(data), memoryview(bytearray(data))):
        near.try_send(form)
        assert receive(far) == (data, [])
    near.try_send(memoryview(array.array("B", data))[:1])
    assert receive(far) == (data[:1], [])


def test_the_most_descriptors_arrive_in_order(pair: Pair) -> None:
    near, far = pair
    sent = [os.memfd_create(str(i)) for i in range(_scm.MAX_FDS)]
    near.try_send(b"x", tuple(sent))
    _, fds = receive(far)
    assert [os.fstat(fd).st_ino for fd in fds] == [os.fstat(fd).st_ino for fd in sent]
    close_fds([*sent, *fds])


def test_a_full_queue_is_no_exception(pair: Pair) -> None:
    near, far = pair
    sent = 0
    while near.try_send(b"x"):
        sent += 1
    assert 100 < sent < 10_000
    before = open_fds()
    assert near.try_send(b"x", [0]) is False
    assert open_fds() == before
    for _ in range(sent):
        assert receive(far) == (b"x", [])
    assert far.try_receive() is None


def test_a_peer_that_is_gone(pair: Pair, socks: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    far.try_send(b"last words")
    socks[1].close()
    with pytest.raises(PeerClosed, match="the peer is gone"):
        near.try_send(b"x")
    assert receive(near) == (b"last words", [])
    with pytest.raises(PeerClosed, match="the peer is gone"):
        near.try_receive()


def test_a_peer_that_left_messages_unread_is_still_read(
    pair: Pair, socks: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    near.try_send(b"never read")
    far.try_send(b"last words")
    socks[1].close()
    assert receive(near) == (b"last words", [])
    with pytest.raises(PeerClosed):
        near.try_receive()


@pytest.mark.parametrize("twin", TWINS)
def test_a_write_to_a_peer_that_is_gone_raises_no_sigpipe(twin: str) -> None:
    """Only a stream raises it today."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    seen: list[int] = []
    before = signal.signal(signal.SIGPIPE, lambda number, _: seen.append(number))
    try:
        far.close()
        end = take(twin, "PacketSocket", PacketSocket)(near.fileno())
        for fds in ([], [0]):
            with pytest.raises(PeerClosed):
                end.try_send(b"x", fds)
    finally:
        signal.signal(signal.SIGPIPE, before)
        near.close()
    assert not seen


def test_a_packet_over_what_the_socket_admits(pair: Pair) -> None:
    with pytest.raises(OutOfRange, match="send 1048576 bytes and 2 handles: Message too long"):
        pair[0].try_send(bytes(1 << 20), [0, 0])


def test_a_packet_over_the_limit_is_refused_and_its_descriptors_closed(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    near.try_send(bytes(_scm.MAX_PACKET_BYTES + 1), [0, 0])
    with pytest.raises(RemoteProtocolError, match="packet exceeds 65536 bytes"):
        far.try_receive()
    assert open_fds() == before


@pytest.mark.parametrize("count", [_scm.MAX_FDS + 1, _scm.MAX_FDS + 2, 253])
def test_too_many_descriptors_are_refused_and_closed(pair: Pair, count: int) -> None:
    near, far = pair
    before = open_fds()
    near.try_send(b"x", [0] * count)
    with pytest.raises(RemoteProtocolError, match="descriptors"):
        far.try_receive()
    assert open_fds() == before


@pytest.mark.parametrize("count", [254, 1000])
def test_more_descriptors_than_the_kernel_passes(pair: Pair, count: int) -> None:
    with pytest.raises(InvalidArgs, match=f"send .*{count} handles"):
        pair[0].try_send(b"x", [0] * count)


class Sly:
    """A number that empties the list it stands in while it is converted."""

    def __init__(self) -> None:
        self.place: list[Any] = [0, self, 0, 0]

    def __index__(self) -> int:
        self.place.clear()
        return 0


def test_a_number_that_runs_code_is_not_converted(
    socks: tuple[socket.socket, socket.socket],
) -> None:
    lent = native().twin("PacketSocket", PacketSocket)(socks[0].fileno())
    with pytest.raises(TypeError, match="descriptors must be integers"):
        lent.try_send(b"x", Sly().place)


def test_a_packet_without_bytes_but_with_descriptors_is_refused(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    near.try_send(b"", [0, 0])
    with pytest.raises(RemoteProtocolError, match="packet without bytes, with 2 descriptors"):
        far.try_receive()
    assert open_fds() == before


def test_a_packet_without_anything_reads_as_end_of_file(pair: Pair) -> None:
    near, far = pair
    near.try_send(b"")
    with pytest.raises(PeerClosed):
        far.try_receive()


@pytest.mark.parametrize("fds", [[], [0, 0]], ids=["plain", "with descriptors"])
def test_a_pidfd_that_the_peer_planted_is_closed(
    pair: Pair, socks: tuple[socket.socket, socket.socket], fds: list[int]
) -> None:
    near, far = pair
    set_if_known(socks[1], SO_PASSPIDFD, 1)
    before = open_fds()
    near.try_send(b"x", fds)
    with pytest.raises(RemoteProtocolError, match="unasked-for SCM_PIDFD"):
        far.try_receive()
    assert open_fds() == before


def test_credentials_that_the_peer_planted_do_no_harm(
    pair: Pair, socks: tuple[socket.socket, socket.socket]
) -> None:
    near, far = pair
    socks[1].setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    near.try_send(b"x", [0])
    data, fds = receive(far)
    close_fds(fds)
    assert (data, len(fds)) == (b"x", 1)


def test_a_peer_that_refuses_descriptors(
    pair: Pair, socks: tuple[socket.socket, socket.socket]
) -> None:
    near, _ = pair
    set_if_known(socks[1], SO_PASSRIGHTS, 0)
    with pytest.raises(AccessDenied):
        near.try_send(b"x", [0])
    assert near.try_send(b"x")


def test_with_the_descriptor_table_nearly_full_nothing_leaks(pair: Pair) -> None:
    near, far = pair
    near.try_send(b"x", [0, 0, 0])
    near.try_send(b"y", [0])
    with room_for_one_descriptor():
        with pytest.raises(RemoteProtocolError, match="truncated: 1 descriptors arrived"):
            far.try_receive()
        data, fds = receive(far)  # the one that came is closed, so there is room again
    close_fds(fds)
    assert (data, len(fds)) == (b"y", 1)


def test_the_descriptors_of_a_failed_send_stay_the_callers(pair: Pair) -> None:
    near, _ = pair
    before = open_fds()
    with pytest.raises(BadHandle, match="send 1 bytes and 2 handles: Bad file descriptor"):
        near.try_send(b"x", [0, 1 << 20])
    assert open_fds() == before


def test_a_kept_method_harms_nobody_after_the_number_went_away(
    pair: Pair, socks: tuple[socket.socket, socket.socket]
) -> None:
    near = pair[0]
    try_send, try_receive = near.try_send, near.try_receive
    number = socks[0].fileno()
    assert near.detach() == number
    socks[0].close()
    stranger, friend = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with stranger, friend:
        assert stranger.fileno() == number
        friend.send(b"for the stranger")
        with pytest.raises(BadHandle, match="send 1 bytes and 0 handles: Bad file descriptor"):
            try_send(b"x")
        with pytest.raises(BadHandle, match="receive a packet: Bad file descriptor"):
            try_receive()
        assert stranger.recv(100) == b"for the stranger"


@pytest.mark.parametrize(
    "arguments",
    [(), (b"x", [], 1), ("text",), (None,), (b"x", 5), (b"x", ["0"]), (b"x", [None])],
    ids=repr,
)
def test_arguments_of_a_wrong_type_send_nothing(pair: Pair, arguments: tuple[Any, ...]) -> None:
    near, far = pair
    with pytest.raises(TypeError):
        near.try_send(*arguments)
    assert far.try_receive() is None


@pytest.mark.parametrize("fds", [[1 << 40], [-(1 << 40)], [1 << 80]])
def test_numbers_that_are_no_descriptors_send_nothing(pair: Pair, fds: list[int]) -> None:
    near, far = pair
    with pytest.raises(OverflowError):
        near.try_send(b"x", fds)
    assert far.try_receive() is None


def test_a_number_below_zero_is_no_descriptor(pair: Pair) -> None:
    with pytest.raises(BadHandle):
        pair[0].try_send(b"x", [-1])


def test_a_view_that_was_released_sends_nothing(pair: Pair) -> None:
    near, far = pair
    view = memoryview(b"x")
    view.release()
    with pytest.raises(ValueError, match="released"):
        near.try_send(view)
    assert far.try_receive() is None


def test_a_packet_socket_that_is_collected_closes_nothing() -> None:
    for twin in TWINS:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with near, far:
            lent = take(twin, "PacketSocket", PacketSocket)(near.fileno())
            lent.try_send(b"x")
            del lent
            gc.collect()
            os.fstat(near.fileno())


@pytest.mark.parametrize("arguments", [(), ("x",), (1, 2), (1 << 40,)], ids=repr)
def test_a_packet_socket_is_made_of_one_number(arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, OverflowError)):
        native().twin("PacketSocket", PacketSocket)(*arguments)
    with pytest.raises(TypeError, match="no keyword"):
        native().twin("PacketSocket", PacketSocket)(fd=1)


def test_without_memory_descriptors_are_closed_and_nothing_crashes() -> None:
    """Each allocation fails once, in turn; the packet is lost, its descriptors are not."""
    testcapi = pytest.importorskip("_testcapi")
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    failures = 0
    with near, far:
        lend = native().twin("PacketSocket", PacketSocket)
        sender, receiver = lend(near.fileno()), lend(far.fileno())
        fds = [*range(3), *[0] * 60]
        data = bytes(2000)
        for allocation in range(40):
            assert sender.try_send(data, fds)
            before = len(os.listdir("/proc/self/fd"))
            packet = None
            testcapi.set_nomemory(allocation, allocation + 1)
            try:
                packet = receiver.try_receive()
            except MemoryError:
                failures += 1
            finally:
                testcapi.remove_mem_hooks()
            if packet is not None:
                close_fds(packet[1])
            assert len(os.listdir("/proc/self/fd")) == before
            assert receiver.try_receive() is None
    assert failures >= 2  # the bytes and the list's items; the rest may be kept in reserve


def test_nothing_is_kept(socks: tuple[socket.socket, socket.socket]) -> None:
    lend = native().twin("PacketSocket", PacketSocket)
    near, far = lend(socks[0].fileno()), lend(socks[1].fileno())
    data, fds, memory = bytes(range(200)), [0, 1, 2], memoryview(b"x" * 200)

    def exchange() -> None:
        near.try_send(data)
        far.try_receive()
        near.try_send(memory, fds)
        close_fds(far.try_receive()[1])
        far.try_receive()

    def fail() -> None:
        with contextlib.suppress(BadHandle):
            near.try_send(data, [1000])
        with contextlib.suppress(TypeError):
            near.try_send(data, [0, None])
        near.try_send(b"", fds)
        with contextlib.suppress(RemoteProtocolError):
            far.try_receive()

    counted = lend, data, fds, None, True, False
    gc.collect()
    before = [sys.getrefcount(each) for each in counted]
    for call in (exchange, fail, lambda: lend(5)):
        assert growth_in_blocks(call) < 50
    after = [sys.getrefcount(each) for each in counted]
    assert all(abs(now - then) < 50 for now, then in zip(after, before, strict=True))
    memory.release()
