"""Connections that wait for their own packets: naps and spins."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from ipcrt.bindings.connection import Connection
from ipcrt.bindings.reading import Messages
from ipcrt.errors import Canceled, IpcError, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.frames import Body, encode


class Alone:
    """A connection on a plain thread's port, and its raw peer."""

    def __init__(self) -> None:
        self.port = BlockingPort()
        near, self.peer = Channel.create()
        self.took: list[int] = []
        self.ended: list[IpcError] = []
        self.connection = Connection("test", near, self.port, self.take, self.ended.append)
        self.connection.resume()

    def take(self, txid: int, ordinal: int, flags: int, body: Body, handles: object) -> None:
        self.took.append(txid)

    def put(self, *txids: int) -> None:
        self.peer.write(b"".join(encode(txid, 7, 0, b"") for txid in txids))

    def close(self) -> None:
        self.connection.close(Canceled("over"))
        self.peer.close()
        self.port.close()


@pytest.fixture
def alone() -> Iterator[Alone]:
    alone = Alone()
    yield alone
    alone.close()


def test_a_nap_and_a_spin_handle_what_comes(alone: Alone) -> None:
    connection = alone.connection
    ways: list[Callable[[], bool]] = [connection.nap, lambda: connection.spin(0)]
    for number, meet in enumerate(ways):
        assert not meet()
        alone.put(number)
        assert meet()
        alone.put(number, number)
        assert meet()
    assert alone.took == [0, 0, 0, 1, 1, 1]
    assert connection.received == 6


def test_a_nap_and_a_spin_are_refused_while_nothing_may_be_read(alone: Alone) -> None:
    alone.put(1)
    alone.connection.pause()
    assert not alone.connection.nap()
    assert not alone.connection.spin(0)
    assert alone.took == []


@pytest.mark.parametrize("last_words", [b"", b"garbage"], ids=["hang-up", "garbage"])
def test_a_nap_that_finds_the_end_ends_the_connection(alone: Alone, last_words: bytes) -> None:
    if last_words:
        alone.peer.write(last_words)
    alone.peer.close()
    assert alone.connection.nap()
    assert len(alone.ended) == 1
    assert not alone.connection.nap()
    assert alone.port.statistics()["watched_handles"] == 0


def test_a_channel_that_another_thread_has_closed_is_left_to_the_port(alone: Alone) -> None:
    thread = threading.Thread(target=alone.connection.channel.close)
    thread.start()
    thread.join()
    assert not alone.connection.nap()
    assert alone.ended == []
    alone.port.dispatch(-1)
    assert [type(error) for error in alone.ended] == [Canceled]


def test_what_a_nap_finds_comes_behind_what_is_left_of_a_packet(alone: Alone) -> None:
    """As when a signal's handler has read meanwhile."""
    connection = alone.connection
    alone.put(3)
    read = connection._read

    def interrupted() -> Messages:
        found = read()
        connection._pending.append((2, 7, 0, b"", ()))
        connection._arm()
        return found

    connection._sleep = interrupted
    assert connection.nap()
    assert alone.took == []
    alone.port.dispatch()
    assert alone.took == [2, 3]


def test_a_channel_that_moves_out_sleeps_as_others_do(alone: Alone) -> None:
    assert not alone.connection.nap()
    channel = alone.connection.release("test", {})
    sock = socket.socket(fileno=channel.fileno())
    assert not any(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16))
    sock.detach()
    channel.close()


def test_what_a_signal_s_handler_raises_ends_the_nap_and_nothing_else(alone: Alone) -> None:
    def interrupted() -> Messages:
        raise TimedOut("an alarm of the caller's own")

    alone.connection._sleep = interrupted
    with pytest.raises(TimedOut):
        alone.connection.nap()
    alone.put(1)
    alone.port.dispatch()
    assert (alone.took, alone.ended) == ([1], [])
