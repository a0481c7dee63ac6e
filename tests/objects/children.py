"""What the children of these tests do: `python -m tests.objects.children <name> <fd>...`.

Each function is one role, played in a real process of its own. It ends with status 0 only if all
that it checks held.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable

from ipcrt.errors import IpcError, NoResources, PeerClosed, RemoteProtocolError, ShouldWait
from ipcrt.objects import _scm, _syscalls
from ipcrt.objects.channel import Channel
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle
from ipcrt.objects.openat import open_beneath
from ipcrt.objects.socket import Socket
from tests.support.proc import open_fds
from tests.support.waiting import wait_until

NOBODY = 65534


def read_all(number: int) -> None:
    """Read messages until the peer is gone; print each, and what its handles hold."""
    with Channel(number) as channel:
        while True:
            try:
                message = channel.read()
            except ShouldWait:
                continue
            except PeerClosed:
                return
            contents = [os.pread(handle.fileno(), 100, 0).decode() for handle in message.handles]
            message.close()
            print(message.data.decode(), *contents, flush=True)


def make_eventpair(number: int) -> None:
    """Make an event pair and send both ends away, with a stranger's end between them."""
    near, far = EventPair.create()
    stranger, kept = EventPair.create()
    with Channel(number) as channel, kept:
        channel.write(b"pair", [far, stranger, near])
        _wait_for_end_of_input()


def refuse_nothing_left(number: int) -> None:
    """Receive ten descriptors with room for three: an error, and all that came is closed."""
    with Channel(number) as channel:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with near, Channel(far.detach()) as peer:
            _scm.send(near, b"many", [channel.fileno()] * 10)
            _scm.send(near, b"next")
            top = max(open_fds())
            while os.dup(0) < top:  # no gaps: the limit is the highest number, not a count
                pass
            before = open_fds()
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(before) + 4, hard))
            try:
                peer.read()
            except RemoteProtocolError as error:
                print(error, flush=True)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            assert open_fds() == before
            assert peer.read().data == b"next"


def exceed_descriptors_in_flight(number: int) -> None:
    """As an ordinary user, queue descriptors until the kernel refuses; nothing may be lost."""
    with Channel(number):
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        near, far = Channel.create()
        with near, far:
            before = open_fds()
            sent = _queue_descriptors(near)
            assert open_fds() == before, "a refused write keeps its handles"
            print(sent, flush=True)
            for count in range(sent):
                message = far.read()
                assert message.data == b"%d" % count
                assert len(message.handles) == 10
                message.close()


def _queue_descriptors(channel: Channel) -> int:
    for count in range(100):
        handles = [Handle(os.dup(0)) for _ in range(10)]
        try:
            channel.write(b"%d" % count, handles)
        except NoResources:
            return count
        finally:
            assert all(handle.closed for handle in handles)
    raise AssertionError("the kernel refused nothing")


def write_to_nobody(channel: int, stream: int) -> None:
    """Write to peers that are gone, with SIGPIPE deadly as in C: errors, and we live."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for end in (Channel(channel), Socket(stream)):
        with end:
            try:
                end.write(b"anybody?")
            except PeerClosed:
                print("peer closed", flush=True)


def race_spills(number: int, rounds: int, size: int) -> None:
    """Send spill records and, meanwhile, cut, grow and rewrite the memory behind them.

    Of four rounds, the first only rewrites, the second has cut it before, the others race.
    """
    with Channel(number) as channel, socket.socket(fileno=os.dup(number)) as sock:
        for count in range(rounds):
            with Handle(os.memfd_create("hostile")) as memory:
                fd = memory.fileno()
                os.ftruncate(fd, size // 2 if count % 4 == 1 else size)
                record = struct.pack("<8sQ", b"\x89IPCSPL\n", size)
                _scm.send(sock, record, [fd])
                _idle(count * 7919 % 20_000 if count % 4 > 1 else 0)
                while not _answered(channel):
                    if count % 4 > 1:
                        os.ftruncate(fd, size // count)
                        os.ftruncate(fd, size)
                    os.pwrite(fd, bytes([count % 256]) * 4096, 0)


def _idle(turns: int) -> None:
    for _ in range(turns):
        pass


def race_truncation(number: int) -> None:
    """Cut and grow each memory that arrives until the kernel forbids it; say so each time."""
    with Channel(number) as channel:
        while True:
            try:
                message = channel.read()
            except ShouldWait:
                continue
            except PeerClosed:
                return
            fd = message.handles[0].fileno()
            size = os.fstat(fd).st_size
            _cut_until_forbidden(channel, fd, size)
            message.close()


def _cut_until_forbidden(channel: Channel, fd: int, size: int) -> None:
    channel.write(b"cutting")
    while True:
        try:
            os.ftruncate(fd, 0)
        except PermissionError:
            channel.write(b"forbidden")
            return
        os.ftruncate(fd, size)


def shrink(number: int) -> None:
    """Cut the memory that arrives to half, and say so."""
    with Channel(number) as channel:
        wait_until(lambda: _has_message(channel))
        message = channel.read()
        os.ftruncate(
            message.handles[0].fileno(), os.fstat(message.handles[0].fileno()).st_size // 2
        )
        message.close()
        channel.write(b"shrunk")
        _wait_for_end_of_input()


def leave_with_unread(number: int) -> None:
    """Write, then end without reading what the other end wrote."""
    with Channel(number) as channel:
        wait_until(lambda: _has_message(channel))
        channel.write(b"first")
        channel.write(b"second")


def open_in_sandbox(directory: int, denial: int) -> None:
    """Open files where a seccomp filter denies openat2 with the errno `denial`."""
    _deny_openat2(denial)
    try:
        _syscalls.openat2(directory, b"file", 0, 0)
    except OSError as error:
        print("openat2 denied" if error.errno == denial else error)
    paths = ("file", "inner/file", "link to file", "link to root/etc/passwd", "fifo", "nothing")
    for path in paths:
        try:
            open_beneath(directory, path).close()
            print(path, "opened")
        except IpcError as error:
            print(path, error.status.name)


def _deny_openat2(denial: int) -> None:
    """Source: seccomp(2), prctl(2); the filter is four instructions of classic BPF."""
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x20, 0, 0, 0),  # load the system call's number
            (0x15, 0, 1, 437),  # openat2?
            (0x06, 0, 0, 0x0005_0000 | denial),  # SECCOMP_RET_ERRNO
            (0x06, 0, 0, 0x7FFF_0000),  # SECCOMP_RET_ALLOW
        )
    )
    instructions = ctypes.create_string_buffer(program)
    filter_program = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    assert libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, ctypes.c_ulong(2), filter_program, zero, zero) == 0  # PR_SET_SECCOMP


def _has_message(channel: Channel) -> bool:
    sock = socket.socket(fileno=os.dup(channel.fileno()))
    with sock, contextlib.suppress(BlockingIOError):
        return bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    return False


def _answered(channel: Channel) -> bool:
    with contextlib.suppress(ShouldWait):
        return bool(channel.read())
    return False


def _wait_for_end_of_input() -> None:
    sys.stdin.buffer.read()


ROLES: dict[str, Callable[..., None]] = {
    role.__name__: role
    for role in (
        read_all,
        make_eventpair,
        refuse_nothing_left,
        exceed_descriptors_in_flight,
        write_to_nobody,
        race_spills,
        race_truncation,
        shrink,
        leave_with_unread,
        open_in_sandbox,
    )
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*map(int, sys.argv[2:]))
