"""Spilling: data too long for a packet travels in a memfd.

The packet is a *spill record*. Data that happens to look like one is spilled itself, so no packet
has two meanings. Two forms, both begin with the mark and the data's length (u64, little-endian):

1. Short, 16 bytes: the packet's last descriptor is a memfd that begins with the data.
2. Long, only with descriptors: the last two are a memfd and its lease descriptor (`spill_memory`).
   Behind the length: how many parts lie in the memfd (u32), where their stubs stand (u32 each),
   and the data with its stubs (`pieces`). The memfd begins with the parts, end to end. With no
   parts, no data follows: the memfd begins with the data.

The receiver copies the memfd's bytes out, each once, before anybody looks at them: a sender that
rewrites them changes nothing that was checked, and where it can still shrink the file the copy is
made by read(2): a short read, never a SIGBUS.
Source: memfd_create(2), docs/wire-format.md.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import Final, NoReturn, Self

from ipcrt.errors import IpcError, RemoteProtocolError, from_oserror
from ipcrt.objects import fresh
from ipcrt.objects._fd import close_fd, create_memfd
from ipcrt.objects._scm import MAX_HANDLES, MAX_PACKET_BYTES
from ipcrt.objects.kind import ObjType, check_kind
from ipcrt.objects.pieces import STUB_BYTES, Piece, Pieced, length_at, put_together
from ipcrt.objects.spill_memory import Slot, SpillMemory

MAX_MESSAGE_BYTES: Final = 256 << 20
"""The longest spilled message that is accepted unless the reader says otherwise."""

MAX_PIECES: Final = 64
"""The most parts that a long record may name."""

_MARK: Final = b"\x89IPCSPL\n"
FIRST_BYTE: Final = _MARK[0]
"""What every record begins with."""
_RECORD: Final = struct.Struct("<8sQ")
_LONG: Final = struct.Struct("<8sQI")
RECORD_BYTES: Final = _RECORD.size

MAX_REST_BYTES: Final = MAX_PACKET_BYTES - _LONG.size - 4 * MAX_PIECES
"""Data in pieces may have so much that is no part."""


def must_spill(data: bytes | memoryview) -> bool:
    """True where `data` is longer than a packet, or might be taken for a spill record."""
    size = len(data)
    return size > MAX_PACKET_BYTES or (size >= RECORD_BYTES and data[:8] == _MARK)


def is_record(packet: bytes | memoryview, fd_count: int = 0) -> bool:
    """True where `packet` is a spill record, by its length, mark and descriptors."""
    size = len(packet)
    return (size == RECORD_BYTES or (size > RECORD_BYTES and fd_count > 0)) and packet[:8] == _MARK


# ---- sending


class Spilled:
    """Data on its way out: the packet to send, and its descriptors, owned here until `close`."""

    __slots__ = ("_owned", "fds", "record")

    def __init__(self, record: bytes, fds: Sequence[int], owned: Sequence[int]) -> None:
        """Take over the `owned` ones; the others of `fds` are a pool's."""
        self.record = record
        self.fds = fds
        self._owned = owned

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._owned:
            os.close(fd)


def store(
    data: bytes | memoryview, memory: SpillMemory | None = None, owner: int = 0, fd_count: int = 0
) -> Spilled:
    """Copy the data into a memfd of `memory`, or a fresh one; close it when it is sent, or not.

    `owner` is whose memfds may be used, `fd_count` how many descriptors the message has itself.
    Raises: NoResources: no descriptor or no memory.
    """
    if memory is not None and fd_count < MAX_HANDLES:  # there is room for two more
        parts: Sequence[Piece] = ()
        if isinstance(data, Pieced):
            if len(data.pieces) > MAX_PIECES or memoryview(data).nbytes > MAX_REST_BYTES:
                data = put_together(data)
            else:
                parts = data.pieces
        slot = memory.take(owner, sum(len(part) for _, part in parts) or len(data))
        if slot is not None:
            return _store_pooled(data, parts, slot)
    data = put_together(data)
    fd = _fill_fresh(data)
    return Spilled(_RECORD.pack(_MARK, len(data)), (fd,), (fd,))


def _store_pooled(data: bytes | memoryview, parts: Sequence[Piece], slot: Slot) -> Spilled:
    head = _LONG.pack(_MARK, len(data), len(parts))
    if parts:
        head += struct.pack(f"<{len(parts)}I", *(start for start, _ in parts))
        head = b"".join((head, data))
    end = 0
    view = slot.view
    for _, part in parts or ((0, data),):
        view[end : end + len(part)] = part
        end += len(part)
    try:
        lease = slot.open_lease()
    except OSError as error:
        raise from_oserror(error, "open a lease descriptor") from error
    return Spilled(head, (slot.fd, lease), (lease,))


def _fill_fresh(data: bytes | memoryview) -> int:
    fd = create_memfd("ipcrt-spill")
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError as error:
        close_fd(fd)
        raise from_oserror(error, f"fill a memfd with {len(data)} bytes") from error
    except BaseException:
        close_fd(fd)
        raise
    return fd


# ---- receiving


def own_fds(record: bytes | memoryview, fd_count: int) -> int:
    """Answer how many of the packet's descriptors, the last ones, are the record's own.

    Raises: RemoteProtocolError: more than there are.
    """
    count = 1 if len(record) == RECORD_BYTES else 2
    if count > fd_count:
        raise RemoteProtocolError(f"spill record without a descriptor: {fd_count} of {count}")
    return count


def load(
    record: bytes,
    fd: int,
    limit: int = MAX_MESSAGE_BYTES,
    memory: SpillMemory | None = None,
) -> bytes:
    """Copy the data out of the memfd `fd`, which stays the caller's.

    What was sent in pieces is `Pieced`. `memory` saves mapping the same memfd again.
    Raises: RemoteProtocolError: no memfd, longer than `limit` bytes, shorter than claimed, or the
    record contradicts itself.
    """
    length: int = _RECORD.unpack_from(record)[1]
    if length > limit:
        _refuse(f"message of {length} bytes exceeds {limit}")
    if len(record) == RECORD_BYTES:
        return _Source(fd, length, None).copy(0, length)
    rest, places = _rest_of(record)
    if not places:
        return _Source(fd, length, memory).copy(0, length)
    lengths = _part_lengths(rest, places)
    size = sum(lengths)
    if length != len(rest) + size:
        _refuse(f"message of {length} bytes has {len(rest)} and {size}")
    if length <= MAX_PACKET_BYTES:
        _refuse(f"message of {length} bytes in pieces, though it fits a packet")
    source = _Source(fd, size, memory)
    pieces: list[Piece] = []
    end = 0
    for place, part_length in zip(places, lengths, strict=True):
        pieces.append((place, source.copy(end, part_length)))
        end += part_length
    return Pieced(rest, pieces)


def _rest_of(record: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Answer a long record's data with its stubs, and where these stand."""
    if len(record) < _LONG.size:
        _refuse(f"record of {len(record)} bytes, expected {_LONG.size} or more")
    count: int = _LONG.unpack_from(record)[2]
    start = _LONG.size + 4 * count
    if count > MAX_PIECES or start > len(record):
        _refuse(f"{count} parts, at most {MAX_PIECES}, in a record of {len(record)} bytes")
    if bool(count) is not (start < len(record)):
        _refuse(f"{count} parts and {len(record) - start} bytes of data in the record")
    return record[start:], struct.unpack_from(f"<{count}I", record, _LONG.size)


def _part_lengths(rest: bytes, places: Sequence[int]) -> list[int]:
    lengths: list[int] = []
    free = 0
    for place in places:
        if place < free:
            _refuse(f"stub at {place} where none may be before {free}")
        try:
            lengths.append(length_at(rest, place))
        except ValueError as error:
            _refuse(str(error))
        free = place + STUB_BYTES
    return lengths


class _Source:
    """A memfd to copy from, that is long enough as far as one can see."""

    __slots__ = ("_fd", "_view")

    def __init__(self, fd: int, size: int, memory: SpillMemory | None) -> None:
        self._fd = fd
        self._view = None
        try:
            if memory is not None:
                self._view = memory.map(fd, size)
            if self._view is not None:
                return
            check_kind(fd, ObjType.VMO)  # no pipe, no file of a slow or failing file system
            there = os.fstat(fd).st_size
        except (IpcError, OSError) as error:
            raise RemoteProtocolError(f"spill record: {error}") from error
        if there < size:
            _refuse(f"message of {size} bytes in a VMO of {there}")

    def copy(self, start: int, length: int) -> bytes:
        if self._view is not None:
            return fresh.copy(self._view[start : start + length])
        try:
            data = fresh.read(self._fd, start, length)
        except OSError as error:
            raise RemoteProtocolError(f"spilled message cannot be read: {error}") from error
        if len(data) != length:
            _refuse(f"message of {length} bytes ends after {len(data)}")
        return data


def _refuse(message: str) -> NoReturn:
    raise RemoteProtocolError(f"spilled {message}")
