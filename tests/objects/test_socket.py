from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from ipcrt.errors import AccessDenied, BadHandle, BadState, InvalidArgs, PeerClosed, ShouldWait
from ipcrt.objects import _scm
from ipcrt.objects.rights import Rights
from ipcrt.objects.socket import Socket
from tests.support.proc import open_fds

Pair = tuple[Socket, Socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = Socket.create()
    with near, far:
        yield near, far


def test_bytes_flow_both_ways_without_borders(pair: Pair) -> None:
    near, far = pair
    assert near.write(b"one") == 3
    assert near.write(memoryview(b"two")) == 3
    far.write(b"back")
    assert far.read(4) == b"onet"
    assert far.read() == b"wo"
    assert near.read() == b"back"
    with pytest.raises(ShouldWait):
        far.read()


def test_a_write_takes_what_there_is_room_for(pair: Pair) -> None:
    near, far = pair
    data = os.urandom(4 << 20)
    written = near.write(data)
    assert 0 < written < len(data)
    with contextlib.suppress(ShouldWait):
        while True:
            written += near.write(data[written:])
    got = bytearray()
    while len(got) < written:
        got += far.read()
    assert got == data[:written]
    assert near.write(b"room again") == 10


def test_nothing_is_neither_written_nor_read(pair: Pair) -> None:
    near, _ = pair
    with pytest.raises(InvalidArgs):
        near.write(b"")
    with pytest.raises(InvalidArgs):
        near.read(0)


def test_half_close_ends_one_direction(pair: Pair) -> None:
    near, far = pair
    near.write(b"last")
    near.shutdown_write()
    near.shutdown_write()
    with pytest.raises(BadState):
        near.write(b"more")
    assert far.read() == b"last"
    with pytest.raises(PeerClosed):
        far.read()
    assert far.write(b"still open") == 10
    assert near.read() == b"still open"
    with pytest.raises(ShouldWait):
        near.read()


def test_the_peers_death_is_told_after_its_bytes(pair: Pair) -> None:
    near, far = pair
    near.write(b"never read")
    far.write(b"last words")
    far.close()
    assert near.read() == b"last words"
    with pytest.raises(PeerClosed):
        near.read()
    with pytest.raises(PeerClosed):
        near.write(b"x")
    near.shutdown_write()


def test_descriptors_that_a_peer_attaches_do_not_arrive(pair: Pair) -> None:
    near, far = pair
    reader, writer = os.pipe()
    before = open_fds()
    with socket.socket(fileno=os.dup(near.fileno())) as sock:
        _scm.send(sock, b"bytes", [writer, writer])
    assert far.read() == b"bytes"
    assert open_fds() == before
    os.close(writer)
    assert os.read(reader, 1) == b"", "nobody holds the other end"
    os.close(reader)


def test_a_duplicate_is_the_same_end(pair: Pair) -> None:
    near, far = pair
    with near.duplicate() as second:
        second.write(b"x")
        near.close()
        assert far.read() == b"x"
        with pytest.raises(ShouldWait):
            far.read()
    with pytest.raises(PeerClosed):
        far.read()


def test_rights_are_asked_for(pair: Pair) -> None:
    near, _ = pair
    with near.duplicate(Rights.NONE) as mute:
        for refused in (lambda: mute.write(b"x"), mute.read, mute.shutdown_write):
            with pytest.raises(AccessDenied):
                refused()


def test_a_closed_socket_says_so(pair: Pair) -> None:
    near, _ = pair
    near.close()
    for refused in (lambda: near.write(b"x"), near.read, near.shutdown_write):
        with pytest.raises(BadHandle):
            refused()


def test_a_port_that_holds_back_hears_of_each_read(pair: Pair) -> None:
    near, far = pair
    heard: list[str] = []

    class Watch:
        def closing(self) -> None:
            pass

        def drained(self) -> None:
            heard.append("drained")

    far._watch = Watch()
    far._held_back = True
    near.write(b"x")
    far.read()
    assert heard == ["drained"]
