"""Receives that sleep, by either twin: of a PacketSocket, and of a whole message."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from ipcrt.bindings import reading
from ipcrt.errors import BadHandle, PeerClosed
from ipcrt.objects import _scm
from ipcrt.objects._scm import PacketSocket
from ipcrt.objects.channel import Channel
from ipcrt.wire.frames import encode
from ipcrt.wire.header import VERSION_1
from tests._speedups.twins import TWINS, take

NEWS = encode(7, 77, 0, b"body")
LONG_S = 100.0


class End:
    """A channel's end, read by one twin's `wait_receive`; `peer` is the other end, as it is."""

    def __init__(self, twin: str) -> None:
        self.twin = twin
        near, self.peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = Channel(near.detach())
        packets = self.packets = take(twin, "PacketSocket", PacketSocket)(self.channel.fileno())
        self.channel._packets = packets
        self.wait: Callable[[], Any] = lambda: packets.wait_receive(_scm.ReceiveBuffer())
        self.expected: Any = (NEWS, [])

    def close(self) -> None:
        self.channel.close()
        self.peer.close()


class MessageEnd(End):
    """The same, read by `patient_reader`."""

    def __init__(self, twin: str) -> None:
        super().__init__(twin)
        reader = reading.Reader(self.channel, _scm.ReceiveBuffer(), 1000, patient=True)
        make = take(twin, "patient_reader", reading._read_of)
        self.wait = make(reader, self.packets, self.channel)
        self.expected = (7, 77, VERSION_1, b"body", ())


@pytest.fixture(params=[End, MessageEnd], ids=["packet", "message"])
def kind(request: pytest.FixtureRequest) -> type[End]:
    made: type[End] = request.param
    return made


@pytest.fixture(params=TWINS)
def end(request: pytest.FixtureRequest, kind: type[End]) -> Iterator[End]:
    end = kind(request.param)
    _scm.set_patience(end.channel.fileno(), LONG_S)
    yield end
    end.close()


def test_it_sleeps_until_something_comes_and_other_threads_go_on(end: End) -> None:
    thread = threading.Timer(0.01, end.peer.send, (NEWS,))
    thread.start()
    assert end.wait() == end.expected
    thread.join()


def test_it_sleeps_until_the_peer_is_gone(end: End) -> None:
    thread = threading.Timer(0.01, end.peer.close)
    thread.start()
    with pytest.raises(PeerClosed):
        end.wait()
    thread.join()


def test_what_is_there_already_comes_at_once(end: End) -> None:
    for _ in range(2):
        end.peer.send(NEWS)
    assert [end.wait(), end.wait()] == [end.expected] * 2


def test_patience_ends(end: End) -> None:
    _scm.set_patience(end.channel.fileno(), 0.001)
    assert end.wait() is None


def test_a_channel_s_patience_can_be_taken_back(end: End) -> None:
    sock = socket.socket(fileno=end.channel.fileno())
    try:
        for patient, seconds in ((True, 0.01), (False, 0.0)):
            end.channel.be_patient(patient)
            value = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
            assert int.from_bytes(value[:8], "little") == 0
            assert abs(int.from_bytes(value[8:], "little") - seconds * 1e6) <= seconds * 1e6 / 5
    finally:
        sock.detach()


def test_there_is_no_sleep_where_somebody_has_set_nonblock(end: End) -> None:
    sock = socket.socket(fileno=end.channel.fileno())
    sock.setblocking(False)
    sock.detach()
    assert end.wait() is None
    end.peer.send(NEWS)
    assert end.wait() == end.expected


class Interrupted(BaseException):
    pass


def test_what_a_signal_handler_raises_comes_out_and_nothing_is_lost(end: End) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        end.peer.send(NEWS)
        raise Interrupted

    old = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with pytest.raises(Interrupted):
            end.wait()
    finally:
        signal.signal(signal.SIGALRM, old)
    assert end.wait() == end.expected


def test_a_signal_handler_that_returns_does_not_end_the_sleep(end: End) -> None:
    def send(number: int, frame: FrameType | None) -> None:
        end.peer.send(NEWS)

    old = signal.signal(signal.SIGALRM, send)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        assert end.wait() == end.expected
    finally:
        signal.signal(signal.SIGALRM, old)


def test_a_channel_that_is_closed_by_a_signal_handler(end: End) -> None:
    def close(number: int, frame: FrameType | None) -> None:
        end.channel.close()

    old = signal.signal(signal.SIGALRM, close)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with pytest.raises(BadHandle):
            end.wait()
    finally:
        signal.signal(signal.SIGALRM, old)


def test_a_message_that_another_thread_reads_meanwhile_stays_whole(
    end: End, kind: type[End]
) -> None:
    """The buffers of those who sleep are their own."""
    other = kind(end.twin)
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(end.wait()))
    thread.start()
    for _ in range(100):
        other.peer.send(NEWS)
        assert other.wait() == other.expected
    end.peer.send(NEWS)
    thread.join()
    assert got == [end.expected]
    other.close()
