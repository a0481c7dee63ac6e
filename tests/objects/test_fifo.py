from __future__ import annotations

import array
import os
import select
import socket
from collections.abc import Iterator

import pytest

from ipcrt.errors import (
    AccessDenied,
    InvalidArgs,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    WrongType,
)
from ipcrt.objects import _scm
from ipcrt.objects.channel import Channel
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from tests.support.proc import open_fds

Pair = tuple[Fifo, Fifo]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = Fifo.create(4, 8)
    with near, far:
        yield near, far


def elements(*numbers: int) -> bytes:
    return array.array("Q", numbers).tobytes()


def test_elements_keep_their_order(pair: Pair) -> None:
    near, far = pair
    assert (near.elem_count, near.elem_size) == (far.elem_count, far.elem_size) == (4, 8)
    assert near.write(elements(1, 2, 3)) == 3
    assert far.write(memoryview(array.array("Q", [9]))) == 1
    assert far.read(1) == elements(1)
    assert far.read() == elements(2, 3)
    assert near.read() == elements(9)
    with pytest.raises(ShouldWait):
        far.read()


@pytest.mark.parametrize(
    "count,size", [(2, 1), (3, 1), (4, 8), (16, 16), (4, 1024), (2, 2048), (200, 8), (256, 16)]
)
def test_a_fifo_holds_as_many_as_it_says_and_no_more(count: int, size: int) -> None:
    near, far = Fifo.create(count, size)
    poll = select.poll()
    poll.register(near, select.POLLOUT)
    with near, far:
        for _ in range(2):
            assert poll.poll(0), "writable"
            assert near.write(bytes(size * (count + 1))) == count
            with pytest.raises(ShouldWait):
                near.write(bytes(size))
            assert not poll.poll(0), "full for whoever waits, too: no spinning"
            assert len(far.read(1)) == size
            assert near.write(bytes(size * 2)) == 1
            assert len(far.read()) == size * count


@pytest.mark.parametrize(
    "count,size", [(0, 8), (1, 8), (-1, 8), (8, 0), (8, -1), (513, 8), (2, 2049), (4097, 1)]
)
def test_sizes_that_cannot_be(count: int, size: int) -> None:
    with pytest.raises(OutOfRange):
        Fifo.create(count, size)


def test_more_elements_than_the_kernel_lets_us_queue() -> None:
    with open("/proc/sys/net/core/wmem_max") as limit:
        if int(limit.read()) > 1 << 20:
            pytest.skip("net.core.wmem_max admits the largest fifo there is")
    before = open_fds()
    with pytest.raises(OutOfRange, match=r"4096 elements exceed the [0-9]+ of net.core.wmem_max"):
        Fifo.create(4096, 1)
    assert open_fds() == before


@pytest.mark.parametrize("size", [0, 1, 7, 9])
def test_only_whole_elements_are_written(pair: Pair, size: int) -> None:
    near, far = pair
    with pytest.raises(InvalidArgs):
        near.write(bytes(size))
    with pytest.raises(ShouldWait):
        far.read()
    with pytest.raises(InvalidArgs):
        far.read(0)


@pytest.mark.parametrize("size", [1, 7, 9, 16])
def test_an_element_of_another_size_is_refused(pair: Pair, size: int) -> None:
    near, far = pair
    with socket.socket(fileno=os.dup(near.fileno())) as sock:
        _scm.send(sock, bytes(size))
    with pytest.raises(RemoteProtocolError, match="not of 8 bytes"):
        far.read()


def test_descriptors_that_a_peer_attaches_do_not_arrive(pair: Pair) -> None:
    near, far = pair
    before = open_fds()
    with socket.socket(fileno=os.dup(near.fileno())) as sock:
        _scm.send(sock, bytes(8), [0, 0])
    assert far.read() == bytes(8)
    assert open_fds() == before


def test_the_peers_death_is_told_after_its_elements(pair: Pair) -> None:
    near, far = pair
    far.write(elements(7))
    near.write(elements(1))
    near.write(elements(2, 3, 4))
    far.close()
    with pytest.raises(PeerClosed):
        near.write(elements(1))
    assert near.read() == elements(7)
    with pytest.raises(PeerClosed):
        near.read()


def test_a_fifo_travels_with_its_elements_and_its_size(pair: Pair) -> None:
    near, far = pair
    near.write(elements(1, 2))
    first, second = Channel.create()
    with first, second:
        first.write(b"fifo", [far])
        (plain,) = second.read().handles
    with Fifo.from_handle(plain) as received:
        assert (received.elem_count, received.elem_size) == (4, 8)
        assert received.rights == Fifo.DEFAULT_RIGHTS
        assert received.read() == elements(1, 2)
        assert received.write(elements(1, 2, 3, 4, 5)) == 4
        with pytest.raises(ShouldWait):
            received.write(elements(1))


def test_a_send_buffer_that_the_maker_chose_bounds_nothing_but_itself() -> None:
    near, far = Fifo.create(4, 8)
    with far, near.duplicate() as received, near:
        with socket.socket(fileno=os.dup(near.fileno())) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        assert received.write(bytes(8 * 10)) == 4
        poll = select.poll()
        poll.register(received, select.POLLOUT)
        assert not poll.poll(0)


@pytest.mark.parametrize(
    "detail", [b"", b"-", b"-8", b"-8x", b"-0x4", b"-8x0", b"-08x4", b"-8x1", b"-4096x4096", b"-x"]
)
def test_a_tag_that_tells_no_size_is_no_fifo(detail: bytes) -> None:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends[0].bind(b"\0ipcrt/fifo%s/1f%x" % (detail, os.getpid()))
    with ends[1], Handle(ends[0].detach()) as plain:
        with pytest.raises(WrongType):
            Fifo.from_handle(plain)
        with pytest.raises(WrongType):
            Fifo(plain.fileno())
        plain.fileno()


def test_rights_are_asked_for(pair: Pair) -> None:
    near, _ = pair
    with near.duplicate(Rights.NONE) as mute:
        for refused in (lambda: mute.write(bytes(8)), mute.read):
            with pytest.raises(AccessDenied):
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
    near.write(elements(1, 2))
    far.read()
    assert heard == ["drained"]
