"""What a descriptor really is: its kind of object and its koid.

Nothing here trusts a peer. Sockets are told apart by the kernel's own word (family, type,
connected or not) and, among SEQPACKET pairs, by the *tag* that their maker bound them to: an
abstract address `ipcrt/<kind>/<koid in hex>`. A SEQPACKET socket without a tag (one from
accept(2), say) counts as a channel.

A tag lets a third process match the two ends of a pair: one end's own address is the other end's
peer address. Its maker may lie, but only about its own ends, so two ends belong together where
*each* names the other's koid, which is the kernel's word. Somebody may hold the address that a
new end wants: it then gets a tag with a random tail.
Source: zx_object_get_info (koid, related_koid); socket(7) SO_COOKIE; unix(7).
"""

from __future__ import annotations

import enum
import errno
import fcntl
import os
import re
import socket
import stat
import struct
from collections.abc import Callable
from typing import Final

from ipcrt._speedups.chosen import choose
from ipcrt.errors import BadHandle, NotSupported, WrongType, from_oserror
from ipcrt.objects._fd import LentSocket

SO_COOKIE: Final = 57
_TAG: Final = rb"\0ipcrt/([a-z]+)(?:-([0-9a-z]+))?/([0-9a-f]{1,16})(?:/[0-9a-f]+)?"
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
_TAG_NAMES: Final = {kind: name for name, kind in _TAGGED.items()} | {ObjType.SOCKET: b"socket"}
_EVENT_LINK: Final = "anon_inode:[eventfd]"
_LINKS: Final = {
    _EVENT_LINK: ObjType.EVENT,
    "anon_inode:[timerfd]": ObjType.TIMER,
    "anon_inode:[pidfd]": ObjType.PROCESS,
}
_CHANNEL_TAG: Final = b"\0ipcrt/channel/"


def kind_of(fd: int) -> ObjType:
    """Tell what `fd` is; NONE for descriptors that are no object of ours, such as files.

    Raises: BadHandle: not open.
    """
    try:
        mode = os.fstat(fd).st_mode
        return _kind_of_open(fd, mode)
    except OSError as error:
        raise from_oserror(error, "look at a descriptor") from error


def _kind_of_open(fd: int, mode: int) -> ObjType:
    try:
        if stat.S_ISSOCK(mode):
            return _socket_kind(fd)
        if stat.S_ISREG(mode) and _has_seals(fd):
            return ObjType.VMO
    except OSError as error:
        if error.errno == errno.EBADF:  # open, but with O_PATH: good for nothing that we do
            return ObjType.NONE
        raise
    link = os.readlink(f"/proc/self/fd/{fd}")
    if link.startswith("pidfd:["):  # Linux 6.9 named them so
        return ObjType.PROCESS
    return _LINKS.get(link, ObjType.NONE)


def _check_kind(fd: int, expected: ObjType) -> None:
    """Refuse a descriptor that is not `expected`.

    Raises: WrongType, BadHandle.
    """
    look = _LOOKS.get(expected)
    try:
        if look is not None and look(fd):
            return
    except (OSError, ValueError):  # a number below zero is a ValueError for fcntl
        pass  # `kind_of` says what is wrong
    found = kind_of(fd)
    if found is not expected:
        raise WrongType(f"handle is {found.name}, expected {expected.name}")


def _is_event(fd: int) -> bool:
    return os.readlink(f"/proc/self/fd/{fd}") == _EVENT_LINK


def _is_tagged_channel(fd: int) -> bool:
    """True for the ends that `tag_pair` made; only an AF_UNIX socket has such a name."""
    sock = LentSocket(fd)
    name: object = sock.getsockname()
    return (
        isinstance(name, bytes)
        and name.startswith(_CHANNEL_TAG)
        and sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_SEQPACKET
        and _is_connected(sock)
    )


def tag_pair(kind: ObjType, ends: tuple[socket.socket, socket.socket], detail: str = "") -> None:
    """Bind both ends of a fresh pair to their tags; see the head of this file.

    `detail` is what the receiver of an end must know of it, lower-case letters and digits.
    """
    name = _TAG_NAMES[kind] + (f"-{detail}".encode() if detail else b"")
    for end in ends:
        tag = b"\0ipcrt/%s/%x" % (name, _cookie(end))
        try:
            try:
                end.bind(tag)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                end.bind(b"%s/%s" % (tag, os.urandom(8).hex().encode()))
        except OSError as error:
            raise from_oserror(error, f"name a {kind.name}") from error


def tag_detail(fd: int) -> str:
    """Answer what the maker wrote behind the kind in the tag, or an empty string."""
    try:
        with LentSocket(fd) as sock:
            tag = _split_tag(sock.getsockname())
    except OSError as error:
        raise from_oserror(error, "read the tag of a socket") from error
    return "" if tag is None else tag[1]


def koid_of(fd: int) -> int:
    """Identify the object behind `fd`: equal for every descriptor of it, in every process.

    Sockets: SO_COOKIE, never reused. Files, memfds and (Linux 6.9 on) pidfds: the inode, which
    tells objects of one file system apart. Events: the kernel's eventfd-id, which is reused.
    Raises: NotSupported: timers, older pidfds. NoResources: no descriptor is free.
    """
    try:
        status = os.fstat(fd)
        if stat.S_ISSOCK(status.st_mode):
            with LentSocket(fd) as sock:
                return _cookie(sock)
        kind = kind_of(fd)
        if kind is ObjType.EVENT:
            return fdinfo(fd, "eventfd-id")
        if _is_anonymous(fd, status):
            raise NotSupported(f"the kernel gives a {kind.name} no identity")
        return status.st_ino
    except OSError as error:
        raise from_oserror(error, "read a koid") from error


def related_koid_of(fd: int) -> int:
    """Answer the koid of the other end, from the peer's tag; zero where there is none."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return 0
        with LentSocket(fd) as sock:
            tag = _peer_tag(sock)
    except OSError as error:
        raise from_oserror(error, "read a related koid") from error
    return 0 if tag is None else tag[2]


def _socket_kind(fd: int) -> ObjType:
    with LentSocket(fd) as sock:
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) != socket.AF_UNIX:
            return ObjType.NONE
        kind = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
        if kind not in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET) or not _is_connected(sock):
            return ObjType.NONE
        if kind == socket.SOCK_STREAM:
            return ObjType.SOCKET
        tag = _split_tag(sock.getsockname())
    return ObjType.CHANNEL if tag is None else _TAGGED.get(tag[0], ObjType.CHANNEL)


def _is_connected(sock: socket.socket) -> bool:
    """False for listeners and for sockets that never had a peer; a peer that is gone counts."""
    try:
        sock.getpeername()
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            return False
        raise
    return True


def _peer_tag(sock: socket.socket) -> tuple[bytes, str, int] | None:
    try:
        return _split_tag(sock.getpeername())
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            return None
        raise


def _split_tag(address: object) -> tuple[bytes, str, int] | None:
    """Split a tag into kind, detail and koid; None for any other address."""
    found = re.fullmatch(_TAG, address) if isinstance(address, bytes) else None
    if found is None:
        return None
    return found[1], (found[2] or b"").decode("ascii"), int(found[3], 16)


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


def _is_anonymous(fd: int, status: os.stat_result) -> bool:
    """True where the inode is the one that all objects without a file system share."""
    if not os.readlink(f"/proc/self/fd/{fd}").startswith("anon_inode:"):
        return False
    # A pidfd says so too, though from Linux 6.9 on it has an inode of its own.
    sharer = os.eventfd(0, os.EFD_CLOEXEC)
    try:
        return os.path.samestat(os.fstat(sharer), status)
    finally:
        os.close(sharer)


def fdinfo(fd: int, field: str) -> int:
    """Read one decimal field of what the kernel tells about an open descriptor.

    Raises: NotSupported: this kernel does not tell. BadHandle: not open.
    Source: proc_pid_fdinfo(5).
    """
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name == field:
                    return int(value)
    except FileNotFoundError:
        raise BadHandle(f"descriptor {fd} is not open") from None
    except OSError as error:
        raise from_oserror(error, f"read {field} of a descriptor") from error
    raise NotSupported(f"this kernel does not tell {field}")


_LOOKS: Final[dict[ObjType, Callable[[int], bool]]] = {
    ObjType.VMO: _has_seals,
    ObjType.EVENT: _is_event,
    ObjType.CHANNEL: _is_tagged_channel,
}
"""One look that suffices where it says yes; it may raise OSError."""

check_kind: Final = choose("check_kind", _check_kind)
