from __future__ import annotations

import errno
import fcntl
import gc
import os
import socket

import pytest

from ipcrt.errors import BadHandle, InvalidArgs, ShouldWait
from ipcrt.objects._fd import (
    LentSocket,
    close_fd,
    close_fds,
    create_memfd,
    duplicate_fd,
    read_nowait,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.seals import Seals, seals_of
from ipcrt.objects.socket import Socket
from tests.support.proc import open_fds


def test_a_lent_socket_never_closes_its_descriptor() -> None:
    near, far = socket.socketpair()
    with near, far:
        lent = LentSocket(near.fileno())
        del lent
        gc.collect()
        with LentSocket(near.fileno()) as lent:
            lent.send(b"x")
        lent.close()
        assert far.recv(1) == b"x"
        os.fstat(near.fileno())


def test_a_lent_socket_has_no_time_limit_and_leaves_o_nonblock_alone() -> None:
    near, far = Channel.create()
    socket.setdefaulttimeout(0.01)
    try:
        with near, far, pytest.raises(ShouldWait):
            near.read()
        with near, far:
            assert near.closed
    finally:
        socket.setdefaulttimeout(None)
    ends = socket.socketpair()
    with ends[0], ends[1], LentSocket(ends[0].fileno()):
        assert os.get_blocking(ends[0].fileno())


def test_a_handle_collected_together_with_its_lent_socket_closes_once() -> None:
    near, far = Socket.create()
    near.write(b"x")
    assert far.read() == b"x"
    near_fd = near.fileno()
    lent = near._sock
    assert lent is not None
    lent.__del__()  # what the collector does first, when it chooses so
    os.fstat(near_fd)
    near.close()
    far.close()


def test_closing_what_is_not_open_is_loud() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        close_fd(1 << 20)


def test_close_fds_closes_all() -> None:
    before = open_fds()
    close_fds(os.pipe())
    assert open_fds() == before


def test_a_duplicate_is_close_on_exec() -> None:
    fd = duplicate_fd(0)
    try:
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)
    with pytest.raises(BadHandle):
        duplicate_fd(1 << 20)


def test_reading_does_not_wait_though_the_descriptor_may_block() -> None:
    fd = os.eventfd(0, os.EFD_CLOEXEC)
    try:
        with pytest.raises(BlockingIOError):
            read_nowait(fd, 8)
        assert os.get_blocking(fd)
        os.eventfd_write(fd, 3)
        assert int.from_bytes(read_nowait(fd, 8), "little") == 3
    finally:
        os.close(fd)


def test_reading_does_not_wait_where_the_kernel_knows_no_nowait_for_the_file() -> None:
    leader, follower = os.openpty()
    try:
        with pytest.raises(BlockingIOError):
            read_nowait(follower, 8)
    finally:
        os.close(leader)
        os.close(follower)


def test_a_memfd_can_be_sealed_and_is_close_on_exec() -> None:
    fd = create_memfd("name")
    try:
        assert not os.get_inheritable(fd)
        assert not seals_of(fd) & Seals.SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        assert "memfd:name" in os.readlink(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def test_a_memfd_can_never_be_executed_where_the_kernel_knows_how() -> None:
    fd = create_memfd("name")
    try:
        if not seals_of(fd) & Seals.EXEC:
            release = tuple(map(int, os.uname().release.split(".")[:2]))
            assert release < (6, 3), "this kernel knows MFD_NOEXEC_SEAL"
            pytest.skip("this kernel is older than 6.3: no MFD_NOEXEC_SEAL")
        with pytest.raises(PermissionError):
            os.fchmod(fd, 0o777)
    finally:
        os.close(fd)


def test_a_memfd_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidArgs):
        create_memfd("n" * 250)
