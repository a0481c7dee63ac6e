"""What a descriptor really is: its kind of object and its koid.

Nothing here trusts a peer. Sockets are told apart by the kernel's own word (family
and type) and, among SEQPACKET pairs, by the *tag* that their maker bound them to:
an abstract address `ipcrt/<kind>/<koid in hex>`. A tag lets a third process match
the two ends of a pair: one end's own address is the other end's peer address, and
the kernel keeps addresses unique while their socket lives. A SEQPACKET socket without
a tag (one from accept(2), say) counts as a channel.
Source: zx_object_get_info (koid, related_koid); socket(7) SO_COOKIE; unix(7).
"""

from __future__ import annotations

import enum
import errno
import fcntl
import os
import socket
import stat
import struct
from typing import Final

from ipcrt.errors import NotSupported, WrongType, from_oserror

SO_COOKIE: Final = 57
_TAG_PREFIX: Final = b"\0ipcrt/"
_COOKIE: Final = struct.Struct("=Q")


class ObjType(enum.IntEnum):
    """Kinds of objects, with Zircon's numbers; NONE is any descriptor at all."""

    NONE = 0
    PROCESS = 1
    VMO = 3
    CHANNEL = 4
    EVENT = 5
    SOCKET = 14
    EVENTPAIR = 16
    FIFO = 19
    TIMER = 22


_TAGGED: Final = {
    b"channel": ObjType.CHANNEL,
    b"eventpair": ObjType.EVENTPAIR,
    b"fifo": ObjType.FIFO,
}
_TAG_NAMES: Final = {kind: name for name, kind in _TAGGED.items()}
_ANON_INODES: Final = {
    "anon_inode:[eventfd]": ObjType.EVENT,
    "anon_inode:[timerfd]": ObjType.TIMER,
    "anon_inode:[pidfd]": ObjType.PROCESS,
}


def kind_of(fd: int) -> ObjType:
    """Tell what `fd` is; NONE for descriptors that are no object of ours, such as files.

    Raises: BadHandle: not open.
    """
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            return _socket_kind(fd)
        if stat.S_ISREG(mode) and _has_seals(fd):
            return ObjType.VMO
        link = os.readlink(f"/proc/self/fd/{fd}")
    except OSError as error:
        raise from_oserror(error, "look at a descriptor") from error
    if link.startswith("pidfd:["):  # Linux 6.9 on: pidfds live in a file system of their own
        return ObjType.PROCESS
    return _ANON_INODES.get(link, ObjType.NONE)


def check_kind(fd: int, expected: ObjType) -> None:
    """Refuse a descriptor that is not `expected`.

    Raises: WrongType, BadHandle.
    """
    found = kind_of(fd)
    if found is not expected:
        raise WrongType(f"handle is {found.name}, expected {expected.name}")


def tag_pair(kind: ObjType, ends: tuple[socket.socket, socket.socket], detail: str = "") -> None:
    """Bind both ends of a fresh pair to their tags; see the head of this file."""
    name = _TAG_NAMES[kind] + (f"-{detail}".encode() if detail else b"")
    for end in ends:
        end.bind(b"%s%s/%x" % (_TAG_PREFIX, name, _cookie(end)))


def tag_detail(fd: int) -> str:
    """Answer what the maker wrote behind the kind in the tag, or an empty string."""
    with _Borrowed(fd) as sock:
        tag = _split_tag(sock.getsockname())
    return "" if tag is None else tag[0].partition(b"-")[2].decode("ascii", "replace")


def koid_of(fd: int) -> int:
    """Identify the object behind `fd`: equal for every descriptor of it, in every process.

    Sockets: SO_COOKIE, never reused. Files, memfds and (Linux 6.9 on) pidfds: the inode.
    Events: the kernel's eventfd-id. Raises: NotSupported: timers, older pidfds.
    """
    try:
        status = os.fstat(fd)
        if stat.S_ISSOCK(status.st_mode):
            with _Borrowed(fd) as sock:
                return _cookie(sock)
        kind = kind_of(fd)
        if kind is ObjType.EVENT:
            return _fdinfo(fd, "eventfd-id")
        if kind is ObjType.TIMER or _is_anonymous(fd):
            raise NotSupported(f"the kernel gives a {kind.name} no identity")
        return status.st_ino
    except OSError as error:
        raise from_oserror(error, "read a koid") from error


def related_koid_of(fd: int) -> int:
    """Answer the koid of the other end, from the peer's tag; zero where there is none."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return 0
    with _Borrowed(fd) as sock:
        try:
            tag = _split_tag(sock.getpeername())
        except OSError:
            return 0
    return 0 if tag is None else tag[1]


class _Borrowed:
    """A socket object over somebody else's descriptor; never closes it."""

    __slots__ = ("_sock",)

    def __init__(self, fd: int) -> None:
        self._sock = socket.socket(fileno=fd)

    def __enter__(self) -> socket.socket:
        return self._sock

    def __exit__(self, *_: object) -> None:
        self._sock.detach()


def _socket_kind(fd: int) -> ObjType:
    with _Borrowed(fd) as sock:
        if sock.family != socket.AF_UNIX:
            return ObjType.NONE
        if sock.type == socket.SOCK_STREAM:
            return ObjType.SOCKET
        if sock.type != socket.SOCK_SEQPACKET:
            return ObjType.NONE
        tag = _split_tag(sock.getsockname())
    if tag is None:
        return ObjType.CHANNEL
    return _TAGGED.get(tag[0].partition(b"-")[0], ObjType.CHANNEL)


def _split_tag(address: str | bytes) -> tuple[bytes, int] | None:
    """Split `ipcrt/<name>/<hex koid>`; None for any other address."""
    if not isinstance(address, bytes) or not address.startswith(_TAG_PREFIX):
        return None
    name, slash, koid = address[len(_TAG_PREFIX) :].partition(b"/")
    try:
        return (name, int(koid, 16)) if slash else None
    except ValueError:
        return None


def _cookie(sock: socket.socket) -> int:
    raw = sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, _COOKIE.size)
    cookie: int = _COOKIE.unpack(raw)[0]
    return cookie


def _has_seals(fd: int) -> bool:
    """True for memfds and shmem files: only they answer F_GET_SEALS."""
    try:
        fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return False
        raise
    return True


def _is_anonymous(fd: int) -> bool:
    return os.readlink(f"/proc/self/fd/{fd}").startswith("anon_inode:")


def _fdinfo(fd: int, field: str) -> int:
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name == field:
                return int(value)
    raise NotSupported(f"this kernel does not tell {field}")
