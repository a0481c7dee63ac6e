from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from ipcrt.bindings.reading import Messages, Reader, open_reader
from ipcrt.errors import AccessDenied, BadHandle, RemoteProtocolError
from ipcrt.objects._scm import ReceiveBuffer
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.rights import Rights
from ipcrt.wire.frames import encode
from ipcrt.wire.header import MORE, VERSION_1
from tests.support.proc import open_fds

Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = Channel.create()
    with near, far:
        yield near, far


def read(channel: Channel, max_bytes: int = 100_000) -> Messages:
    """What is found by the twin in use, which the pure one must find, too."""
    return open_reader(channel, ReceiveBuffer(), max_bytes)()


def test_a_message_alone_is_a_tuple_and_several_are_a_list(pair: Pair) -> None:
    near, far = pair
    first, second = encode(1, 5, 0, b"a"), encode(2, 6, MORE, b"b")
    near.write(first)
    near.write(first + second)
    assert read(far) == (1, 5, VERSION_1, b"a", ())
    found = read(far)
    assert isinstance(found, list)
    assert [message[:4] for message in found] == [
        (1, 5, VERSION_1, b"a"),
        (2, 6, VERSION_1 | MORE, b"b"),
    ]
    assert read(far) is None


def test_each_of_several_has_its_own_handles(pair: Pair) -> None:
    near, far = pair
    files = [Handle(os.memfd_create(str(i))) for i in range(3)]
    inodes = [os.fstat(file.fileno()).st_ino for file in files]
    near.write(encode(1, 5, 0, b"", 1) + encode(2, 6, 0, b"", 0) + encode(3, 7, 0, b"", 2), files)
    found = Reader(far, ReceiveBuffer(), 100_000).read()
    assert isinstance(found, list)
    handles = [[os.fstat(each.fileno()).st_ino for each in message[4]] for message in found]
    assert handles == [inodes[:1], [], inodes[1:]]
    for message in found:
        close_all(message[4])


def test_a_long_message_comes_out_of_its_memory(pair: Pair) -> None:
    near, far = pair
    near.write(encode(1, 5, 0, bytes(80_000)))
    found = read(far)
    assert isinstance(found, tuple)
    assert bytes(found[3]) == bytes(80_000)
    near.write(encode(1, 5, 0, bytes(80_000)))
    with pytest.raises(RemoteProtocolError, match="exceeds 70000"):
        read(far, 70_000)


@pytest.mark.parametrize("data", [b"x", encode(1, 5, 0, b"a")[:-1], encode(1, 5, 0, b"a", 2)])
def test_the_handles_of_a_packet_that_is_refused_are_closed(pair: Pair, data: bytes) -> None:
    near, far = pair
    before = open_fds()
    with socket.socket(fileno=os.dup(near.fileno())) as sock:
        socket.send_fds(sock, [data], [0])
    with pytest.raises(RemoteProtocolError):
        read(far)
    assert open_fds() == before


def test_reading_takes_the_right_to(pair: Pair) -> None:
    near, far = pair
    near.write(encode(1, 5, 0, b"a"))
    far.restrict(Rights.WRITE)
    with pytest.raises(AccessDenied):
        read(far)


def test_nothing_reads_a_closed_channel(pair: Pair) -> None:
    far = pair[1]
    far.close()
    with pytest.raises(BadHandle):
        read(far)
