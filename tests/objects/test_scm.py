from __future__ import annotations

import array
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from ipcrt.errors import AccessDenied, OutOfRange, PeerClosed, RemoteProtocolError, ShouldWait
from ipcrt.objects import _scm
from ipcrt.objects._fd import close_fds
from tests.support.proc import open_fds
from tests.support.processes import Spawner

SO_PASSPIDFD: Final = 76
SO_PASSRIGHTS: Final = 83
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        yield near, far


@pytest.fixture
def stream() -> Iterator[Pair]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with near, far:
        yield near, far


def set_if_known(sock: socket.socket, option: int, value: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, value)
    except OSError as error:
        pytest.skip(f"this kernel has no socket option {option}: {error}")


def receive(
    sock: socket.socket, buffer: _scm.ReceiveBuffer | None = None
) -> tuple[bytes, list[int]]:
    packet = _scm.try_receive(sock, buffer)
    assert packet is not None
    return packet


@pytest.mark.parametrize("buffer", [None, _scm.ReceiveBuffer()], ids=["fresh", "reused"])
def test_a_packet_carries_bytes_and_descriptors(
    pair: Pair, buffer: _scm.ReceiveBuffer | None
) -> None:
    near, far = pair
    _scm.send(near, b"one", [near.fileno(), far.fileno()])
    _scm.send(near, b"two")
    data, fds = receive(far, buffer)
    try:
        assert data == b"one"
        assert [os.fstat(fd).st_ino for fd in fds] == [os.fstat(s.fileno()).st_ino for s in pair]
        assert not any(os.get_inheritable(fd) for fd in fds)
    finally:
        close_fds(fds)
    assert receive(far, buffer) == (b"two", [])
    assert _scm.try_receive(far, buffer) is None


def test_sending_to_a_full_queue_says_should_wait(pair: Pair) -> None:
    near, _ = pair
    sent = 0
    with contextlib.suppress(ShouldWait):
        while sent < 100_000:
            sent += _scm.send(near, b"x")
    assert 100 < sent < 10_000


def test_sending_to_a_peer_that_is_gone(pair: Pair) -> None:
    near, far = pair
    far.close()
    with pytest.raises(PeerClosed):
        _scm.send(near, b"x")


def test_a_write_to_a_peer_that_is_gone_raises_no_sigpipe(
    pair: Pair, stream: Pair, spawn_python: Spawner
) -> None:
    numbers = [pair[0].fileno(), stream[0].fileno()]
    pair[1].close()
    stream[1].close()
    child = spawn_python.module(
        "tests.objects.children", "write_to_nobody", *numbers, pass_fds=numbers
    )
    assert child.finish() == "peer closed\n" * 2


def test_a_packet_over_what_the_socket_admits(pair: Pair) -> None:
    near, _ = pair
    with pytest.raises(OutOfRange):
        _scm.send(near, bytes(1 << 20))


def test_a_packet_over_the_limit_is_refused_and_its_descriptors_closed(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    _scm.send(near, bytes(_scm.MAX_PACKET_BYTES + 1), [0, 0])
    with pytest.raises(RemoteProtocolError, match="exceeds 65536"):
        _scm.try_receive(far)
    assert open_fds() == before
    _scm.send(near, bytes(_scm.MAX_PACKET_BYTES))
    assert len(receive(far)[0]) == _scm.MAX_PACKET_BYTES


@pytest.mark.parametrize("count", [_scm.MAX_FDS + 1, _scm.MAX_FDS + 2, 253])
def test_too_many_descriptors_are_refused_and_closed(pair: Pair, count: int) -> None:
    near, far = pair
    before = open_fds()
    _scm.send(near, b"x", [0] * count)
    with pytest.raises(RemoteProtocolError, match="descriptors"):
        _scm.try_receive(far)
    assert open_fds() == before


def test_a_packet_without_bytes_but_with_descriptors_is_refused(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    _scm.send(near, b"", [0, 0])
    with pytest.raises(RemoteProtocolError, match="without bytes"):
        _scm.try_receive(far)
    assert open_fds() == before


def test_a_packet_without_anything_reads_as_end_of_file(pair: Pair) -> None:
    near, far = pair
    _scm.send(near, b"")
    with pytest.raises(PeerClosed):
        _scm.try_receive(far)


@pytest.mark.parametrize("fds", [[], [0, 0]], ids=["plain", "with descriptors"])
def test_a_pidfd_that_the_peer_planted_is_closed(pair: Pair, fds: list[int]) -> None:
    near, far = pair
    set_if_known(far, SO_PASSPIDFD, 1)
    before = open_fds()
    _scm.send(near, b"x", fds)
    with pytest.raises(RemoteProtocolError, match="SCM_PIDFD"):
        _scm.try_receive(far)
    assert open_fds() == before


def test_credentials_that_the_peer_planted_do_no_harm(pair: Pair) -> None:
    near, far = pair
    far.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    _scm.send(near, b"x", [0])
    data, fds = receive(far)
    close_fds(fds)
    assert (data, len(fds)) == (b"x", 1)


def test_a_peer_that_refuses_descriptors(pair: Pair) -> None:
    near, far = pair
    set_if_known(far, SO_PASSRIGHTS, 0)
    with pytest.raises(AccessDenied):
        _scm.send(near, b"x", [0])
    _scm.send(near, b"x")


def test_a_peer_that_left_messages_unread_is_still_read(pair: Pair, spawn_python: Spawner) -> None:
    near, far = pair
    child = spawn_python.module(
        "tests.objects.children", "leave_with_unread", far.fileno(), pass_fds=[far.fileno()]
    )
    far.close()
    for _ in range(3):
        _scm.send(near, b"never read")
    child.finish()
    assert receive(near) == (b"first", [])
    assert receive(near) == (b"second", [])
    with pytest.raises(PeerClosed):
        _scm.try_receive(near)


def test_with_the_descriptor_table_nearly_full_nothing_leaks(
    pair: Pair, spawn_python: Spawner
) -> None:
    near, _ = pair
    child = spawn_python.module(
        "tests.objects.children", "refuse_nothing_left", near.fileno(), pass_fds=[near.fileno()]
    )
    assert "control data truncated" in child.finish()


def test_an_ordinary_user_may_not_queue_descriptors_without_end(
    pair: Pair, spawn_python: Spawner
) -> None:
    near, _ = pair
    child = spawn_python.module(
        "tests.objects.children",
        "exceed_descriptors_in_flight",
        near.fileno(),
        pass_fds=[near.fileno()],
    )
    assert 1 <= int(child.finish()) <= 7  # RLIMIT_NOFILE is 64, ten go with each message


def test_a_stream_glues_descriptors_to_bytes_that_were_sent_without(stream: Pair) -> None:
    """Why channels are SEQPACKET: here the descriptor seems to belong to the first message."""
    near, far = stream
    near.sendall(b"first")
    _scm.send(near, b"second", [0])
    data, fds = receive(far)
    close_fds(fds)
    assert (data, len(fds)) == (b"firstsecond", 1)


def test_a_packet_keeps_its_descriptors_to_itself(pair: Pair) -> None:
    near, far = pair
    _scm.send(near, b"first")
    _scm.send(near, b"second", [0])
    assert receive(far) == (b"first", [])
    data, fds = receive(far)
    close_fds(fds)
    assert (data, len(fds)) == (b"second", 1)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_descriptors_among_bytes_are_discarded_by_the_kernel(kind: socket.SocketKind) -> None:
    near, far = socket.socketpair(socket.AF_UNIX, kind)
    with near, far:
        reader, writer = os.pipe()
        before = open_fds()
        _scm.send(near, b"bytes", [writer])
        assert _scm.receive_bytes(far, 100, peek=True) == b"bytes"
        assert _scm.receive_bytes(far, 100) == b"bytes"
        assert open_fds() == before
        os.close(writer)
        assert os.read(reader, 1) == b""  # nobody holds the other end, not even the queue
        os.close(reader)
        with pytest.raises(ShouldWait):
            _scm.receive_bytes(far, 100)


def test_bytes_of_a_peer_that_left_messages_unread(pair: Pair) -> None:
    near, far = pair
    _scm.send(near, b"never read")
    _scm.send(far, b"last words")
    far.close()
    assert _scm.receive_bytes(near, 100) == b"last words"
    with pytest.raises(PeerClosed):
        _scm.receive_bytes(near, 100)


def test_receiving_does_not_wait_though_the_socket_may_block(pair: Pair) -> None:
    near, _ = pair
    assert near.getblocking()
    assert _scm.try_receive(near) is None
    with pytest.raises(ShouldWait):
        _scm.receive_bytes(near, 1)


def test_control_data_of_an_odd_length_is_cut_to_whole_descriptors() -> None:
    reader, writer = os.pipe()
    before = open_fds()
    raw = array.array("i", [os.dup(reader)]).tobytes() + b"\0\0"
    assert len(_scm._collect([(socket.SOL_SOCKET, socket.SCM_RIGHTS, raw)])) == 1
    (copy,) = set(open_fds()) - set(before)
    close_fds([copy, reader, writer])


# --------------------------------------------------------------------------------- signal handlers


class Interrupted(Exception):
    """What a signal's handler raises."""


@pytest.fixture
def telltale() -> Iterator[socket.socket]:
    """A socket: sending there raises SIGIO here before the system call is over."""
    near, far = socket.socketpair()
    with near, far:
        fcntl.fcntl(far, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(far, fcntl.F_SETFL, fcntl.fcntl(far, fcntl.F_GETFL) | os.O_ASYNC)
        yield near


def result_of(function: Callable[[bytes], object]) -> object:
    """Answer what is known of a call in whose middle a signal comes whose handler raises."""

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    result: object = "lost"
    before = signal.signal(signal.SIGIO, interrupt)
    try:
        result = function(b"five!")
        os.getpid()  # at the latest here it comes out
    except Interrupted:
        return result
    finally:
        signal.signal(signal.SIGIO, before)
    raise AssertionError("no signal came")


def test_a_result_is_there_before_a_handler_raises(telltale: socket.socket) -> None:
    assert result_of(telltale.send) == "lost", "or `told` is not needed"
    assert result_of(_scm.told(telltale.send)) == 5


def test_what_is_python_already_is_left_alone() -> None:
    assert _scm.told(result_of) is result_of
