"""Spilling: data too long for a packet travels in a memfd.

The packet is a *spill record*, 16 bytes: the mark and the data's length (u64, little-endian);
its last descriptor is the memfd. Data that happens to look like a record is spilled itself, so
no packet has two meanings. The receiver copies the data out with read(2) before anybody looks
at it: a sender that shrinks the file meanwhile makes a short read, never a SIGBUS, and one that
rewrites it changes nothing that was checked.
Source: memfd_create(2), docs/wire-format.md.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from ipcrt.errors import IpcError, RemoteProtocolError, from_oserror
from ipcrt.objects._fd import create_memfd
from ipcrt.objects._scm import MAX_PACKET_BYTES
from ipcrt.objects.kind import ObjType, check_kind

MAX_MESSAGE_BYTES: Final = 256 << 20
"""The longest spilled message that is accepted unless the reader says otherwise."""

_MARK: Final = b"\x89IPCSPL\n"
_RECORD: Final = struct.Struct("<8sQ")
RECORD_BYTES: Final = _RECORD.size


def must_spill(data: bytes | memoryview) -> bool:
    """True where `data` is longer than a packet, or would be taken for a spill record."""
    size = len(data)
    return size > MAX_PACKET_BYTES or (size == RECORD_BYTES and data[:8] == _MARK)


def is_record(packet: bytes | memoryview) -> bool:
    """True where `packet` is a spill record, by its length and mark."""
    return len(packet) == RECORD_BYTES and packet[:8] == _MARK


def store(data: bytes | memoryview) -> tuple[bytes, int]:
    """Fill a fresh memfd: the record to send and the descriptor, which the caller owns.

    Raises: NoResources: no descriptor or no memory.
    """
    fd = create_memfd("ipcrt-spill")
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError as error:
        os.close(fd)
        raise from_oserror(error, f"fill a memfd with {len(data)} bytes") from error
    except BaseException:
        os.close(fd)
        raise
    return _RECORD.pack(_MARK, len(data)), fd


def load(record: bytes | memoryview, fd: int, limit: int = MAX_MESSAGE_BYTES) -> bytes:
    """Copy the data out of `fd`, which stays the caller's.

    Raises: RemoteProtocolError: no memfd, longer than `limit` bytes, or shorter than claimed.
    """
    length: int = _RECORD.unpack(record)[1]
    if length > limit:
        raise RemoteProtocolError(f"spilled message of {length} bytes exceeds {limit}")
    try:
        check_kind(fd, ObjType.VMO)  # no pipe, no file of a slow or failing file system
    except IpcError as error:
        raise RemoteProtocolError(f"spill record: {error}") from error
    size = os.fstat(fd).st_size
    if size < length:
        raise RemoteProtocolError(f"spilled message of {length} bytes in a VMO of {size}")
    data = _read(fd, length)
    if len(data) != length:
        raise RemoteProtocolError(f"spilled message of {length} bytes ends after {len(data)}")
    return data


def _read(fd: int, length: int) -> bytes:
    """Read up to `length` bytes from the start of the file; fewer where it ends before."""
    try:
        data = os.pread(fd, length, 0)
        while len(data) < length:  # a read stops at 0x7ffff000 bytes, or at a signal
            more = os.pread(fd, length - len(data), len(data))
            if not more:
                break
            data += more
    except OSError as error:
        raise RemoteProtocolError(f"spilled message cannot be read: {error}") from error
    return data
