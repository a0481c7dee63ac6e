from __future__ import annotations

import os
import resource
import socket

import pytest

from ipcrt.errors import BadHandle, NoResources
from ipcrt.objects._socket_handle import SocketHandle, make_pair
from ipcrt.objects.kind import ObjType, kind_of
from tests.support.proc import open_fds


@pytest.mark.parametrize(
    "kind,detail",
    [
        (ObjType.CHANNEL, ""),
        (ObjType.SOCKET, ""),
        (ObjType.EVENTPAIR, ""),
        (ObjType.FIFO, "8x16"),
    ],
)
def test_a_pair_is_of_its_kind_and_close_on_exec(kind: ObjType, detail: str) -> None:
    fds = make_pair(kind, detail)
    try:
        assert [kind_of(fd) for fd in fds] == [kind, kind]
        assert not any(os.get_inheritable(fd) for fd in fds)
    finally:
        for fd in fds:
            os.close(fd)


def test_without_descriptors_no_pair_is_made_and_none_leaks() -> None:
    before = open_fds()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, hard))
    try:
        with pytest.raises(NoResources):
            make_pair(ObjType.CHANNEL)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert open_fds() == before


def test_the_lent_socket_goes_when_the_descriptor_does() -> None:
    first, second = make_pair(ObjType.CHANNEL)
    with SocketHandle(first) as handle, SocketHandle(second):
        lent = handle._open()
        assert lent.type == socket.SOCK_SEQPACKET
        assert lent.fileno() == first
        handle.close()
        assert handle._sock is None
        with pytest.raises(BadHandle):
            handle._open()
