"""Packets and descriptors over AF_UNIX sockets: the only callers of sendmsg and recvmsg.

1. Every call but `wait_receive` is MSG_DONTWAIT: O_NONBLOCK belongs to the open description, which
   another process may share and change. `wait_receive` bears both, as it need not wait.
2. Every received descriptor is close-on-exec from the kernel on (MSG_CMSG_CLOEXEC) and is
   closed here unless the packet is whole: truncated bytes, truncated control data, too many
   descriptors or a packet without bytes lose all of them.
3. Only SCM_RIGHTS is expected, but a peer that prepared the socket with SO_PASSPIDFD makes
   the kernel add a pidfd: that one is closed too.
4. ECONNRESET on receive only tells that the peer left messages of ours unread. The kernel
   reports it once, before what the peer had sent; the packets behind it are still good.
5. Nothing is raised between a packet's leaving and its sender's knowing of it: a signal's handler
   may run when a call has returned, so the call is made while its result is being unpacked.
Source: unix(7), cmsg(3), recvmsg(2); net/unix/af_unix.c.
"""

from __future__ import annotations

import array
import socket
import struct
import types
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from ipcrt._speedups.chosen import choose
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError, ShouldWait, from_oserror
from ipcrt.objects._fd import LentSocket, close_fds

T = TypeVar("T")
R = TypeVar("R")

MAX_PACKET_BYTES: Final = 65536
"""The longest packet, in bytes."""

MAX_HANDLES: Final = 64
"""The most handles a message carries; the kernel itself stops at 253 (SCM_MAX_FD)."""

MAX_FDS: Final = MAX_HANDLES + 1
"""A spilled message has one descriptor more than its handles."""

_SCM_PIDFD: Final = 4
# Plain integers: arithmetic on socket's flag members would cost as much as the system call.
_SEND: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
# One-tuples are for `map`, rule 5.
_SEND_ONCE: Final = (_SEND,)
_RECEIVE: Final = (int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC),)
_RECEIVE_PATIENTLY: Final = (int(socket.MSG_CMSG_CLOEXEC),)
_RECEIVE_BYTES: Final = int(socket.MSG_DONTWAIT)
_PEEK: Final = int(socket.MSG_PEEK)
_TRUNC: Final = int(socket.MSG_TRUNC)
_CTRUNC: Final = int(socket.MSG_CTRUNC)
_TRUNCATED: Final = _TRUNC | _CTRUNC
_SOL_SOCKET: Final = int(socket.SOL_SOCKET)
_SCM_RIGHTS: Final = int(socket.SCM_RIGHTS)
_FD: Final = struct.Struct("=i")
_pack_fd: Final = _FD.pack
_FD_BYTES: Final = _FD.size
_CONTROL_BYTES: Final = socket.CMSG_SPACE(MAX_FDS * _FD_BYTES)
_CONTROL_ONCE: Final = (_CONTROL_BYTES,)

_Control = list[tuple[int, int, bytes]]


class ReceiveBuffer:
    """Room for one packet, to be reused by one thread for all its channels."""

    __slots__ = ("buffers", "view")

    def __init__(self) -> None:
        self.view = memoryview(bytearray(MAX_PACKET_BYTES))
        self.buffers = ([self.view],)


def told(function: Callable[[T], R]) -> Callable[[T], R]:
    """Answer what does as `function`, and is not interrupted before its caller has the result.

    Where Python code returns to Python code nothing is raised; where C code does, rule 5 holds.
    """
    if isinstance(function, types.FunctionType | types.MethodType):
        return function

    def call(argument: T) -> R:
        [result] = map(function, (argument,))
        return result

    return call


def send(sock: socket.socket, data: bytes | memoryview, fds: Sequence[int] = ()) -> int:
    """Send one packet; the descriptors stay the caller's, the peer gets copies.

    Answers how many bytes went: all of a packet, perhaps fewer of a stream.
    Raises: ShouldWait: the peer's queue is full. Else as `try_send`.
    """
    try:
        if fds:
            return _send_fds(sock, data, fds)
        return sock.send(data, _SEND)
    except OSError as error:
        raise _why_unsent(error, data, fds) from None


def try_send(sock: socket.socket, data: bytes | memoryview, fds: Sequence[int] = (), /) -> bool:
    """Send one packet as `send` does, all or nothing; False: the peer's queue is full.

    Raises: PeerClosed: nobody can read it. OutOfRange: more than the socket admits. NoResources:
    too many descriptors in flight (ETOOMANYREFS). AccessDenied: the peer refuses descriptors
    (SO_PASSRIGHTS).
    """
    try:
        if fds:
            _send_fds(sock, data, fds)
        else:
            [_] = map(sock.send, (data,), _SEND_ONCE)  # rule 5
    except BlockingIOError:
        return False
    except OSError as error:
        raise _why_unsent(error, data, fds) from None
    return True


def try_receive(
    sock: socket.socket, buffer: ReceiveBuffer | None = None, /, *, flags: tuple[int] = _RECEIVE
) -> tuple[bytes, list[int]] | None:
    """Receive one packet: its bytes and its descriptors, which the caller owns.

    None: no packet is queued.

    Raises: PeerClosed: end of file, all packets read. RemoteProtocolError: the packet was not
    whole; its descriptors are closed.
    """
    try:
        if buffer is None:
            buffer = ReceiveBuffer()
        received = map(sock.recvmsg_into, buffer.buffers, _CONTROL_ONCE, flags)
        [(size, control, found, _)] = received  # rule 5
    except BlockingIOError:
        return None
    except ConnectionResetError:  # rule 4
        return try_receive(sock, buffer, flags=flags)
    except OSError as error:
        raise from_oserror(error, "receive a packet") from error
    try:
        data = bytes(buffer.view[:size])
        if data and not control and not found & _TRUNCATED:
            return data, []
        return data, _whole(size, control, found)
    except IpcError:
        raise
    except BaseException:
        close_fds(_collect(control))
        raise


def wait_receive(sock: socket.socket, buffer: ReceiveBuffer, /) -> tuple[bytes, list[int]] | None:
    """Receive one packet as `try_receive` does, but sleep until it comes or patience runs out.

    Where somebody has set O_NONBLOCK there is no sleep. A signal's handler runs at once, and what
    it raises comes out here; no packet has been taken then. Source: recvmsg(2), signal(7).
    """
    return try_receive(sock, buffer, flags=_RECEIVE_PATIENTLY)


def set_patience(fd: int, seconds: float) -> None:
    """Bound how long `wait_receive` sleeps on a socket; zero: for ever, as every socket begins.

    It belongs to the socket, and moves with it to other processes: whoever receives there without
    MSG_DONTWAIT is told EAGAIN after so long. Raises: BadHandle. Source: SO_RCVTIMEO, socket(7).
    """
    whole = int(seconds)
    value = struct.pack("@ll", whole, int((seconds - whole) * 1e6))
    with LentSocket(fd, socket.SOCK_SEQPACKET) as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        except OSError as error:
            raise from_oserror(error, "bound a sleep") from error


class PacketSocket(LentSocket):
    """The packets of a SEQPACKET descriptor that somebody else owns and closes.

    Once detached it sends and receives nothing more: BadHandle. That holds for its methods too,
    wherever they were kept, so that none of them can hit the number's next owner.
    """

    __slots__ = ()

    def __init__(self, fd: int, /) -> None:
        """Borrow `fd`."""
        super().__init__(fd, socket.SOCK_SEQPACKET)

    try_send = try_send
    try_receive = try_receive
    wait_receive = wait_receive


lend_packets: Final = choose("PacketSocket", PacketSocket)
"""Makes a PacketSocket, or its C twin, which has no other methods than these and `detach`."""


def receive_bytes(sock: socket.socket, max_bytes: int, *, peek: bool = False) -> bytes:
    """Receive at most `max_bytes` of a packet or stream that should carry no descriptors.

    The kernel discards those that a peer attached, as we offer no room for them.
    Raises: ShouldWait: nothing is there. PeerClosed: end of file.
    """
    try:
        data = sock.recv(max_bytes, _RECEIVE_BYTES | _PEEK if peek else _RECEIVE_BYTES)
    except BlockingIOError:
        raise ShouldWait("nothing to read") from None
    except ConnectionResetError:  # rule 4
        return receive_bytes(sock, max_bytes, peek=peek)
    except OSError as error:
        raise from_oserror(error, "receive") from error
    if not data:
        raise PeerClosed("the peer is gone")
    return data


def _send_fds(sock: socket.socket, data: bytes | memoryview, fds: Sequence[int]) -> int:
    try:
        numbers = _pack_fd(*fds) if len(fds) == 1 else array.array("i", fds)
    except struct.error:
        numbers = array.array("i", fds)  # which says what is wrong
    control = ((_SOL_SOCKET, _SCM_RIGHTS, numbers),)
    [sent] = map(sock.sendmsg, ((data,),), (control,), _SEND_ONCE)  # rule 5
    return sent


def _why_unsent(error: OSError, data: bytes | memoryview, fds: Sequence[int]) -> IpcError:
    if isinstance(error, BlockingIOError):
        return ShouldWait("the peer's queue is full")
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return PeerClosed("the peer is gone")
    return from_oserror(error, f"send {len(data)} bytes and {len(fds)} handles")


def _whole(size: int, control: _Control, flags: int) -> list[int]:
    """Answer the descriptors of a packet that is whole; close those of one that is not (rule 2)."""
    if len(control) == 1 and size and not flags & _TRUNCATED:
        level, kind, data = control[0]
        if len(data) == _FD_BYTES and level == _SOL_SOCKET and kind == _SCM_RIGHTS:  # the usual
            return [*_FD.unpack(data)]
    fds = _collect(control)
    pidfd = any(kind == _SCM_PIDFD for _, kind, _ in control)
    reason = _reason_to_refuse(size, len(fds), flags, pidfd=pidfd)
    if reason is None:
        return fds
    close_fds(fds)
    if size == 0 and not fds:
        raise PeerClosed("the peer is gone")
    raise RemoteProtocolError(reason)


def _collect(control: _Control) -> list[int]:
    """Take every descriptor out of the control data, whatever message type it came in."""
    fds = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind in (socket.SCM_RIGHTS, _SCM_PIDFD):
            fds.frombytes(data[: len(data) - len(data) % _FD_BYTES])
    return [fd for fd in fds if fd >= 0]


def _reason_to_refuse(size: int, count: int, flags: int, *, pidfd: bool) -> str | None:
    """Say why a packet is not whole, or None when it is (rule 2)."""
    if flags & _CTRUNC:
        return f"control data truncated: {count} descriptors arrived, more were sent"
    if flags & _TRUNC:
        return f"packet exceeds {MAX_PACKET_BYTES} bytes"
    if size == 0:
        return f"packet without bytes, with {count} descriptors"
    if pidfd:
        return "unasked-for SCM_PIDFD"
    if count > MAX_FDS:
        return f"{count} descriptors in a packet exceed {MAX_FDS}"
    return None
