"""Messages in and out of a packet. Pure: bytes and counts, never descriptors.

Rules a packet obeys. `split` refuses a breach, naming the rule, before it hands out any message:

    R1  A packet is one message or more; each begins with a whole header of 16 bytes.
    R2  A packet has at most 65536 bytes, unless it is one SPILLED message, which has at most
        the receiver's limit (256 MiB unless it says less).
    R3  The wire version is 1.
    R4  Flag bits 3 and 4 are zero.
    R5  A body ends inside its packet.
    R6  A packet has at most 64 handles. Messages take theirs in order, and no handle remains.
    R7  A SPILLED message is alone, has 0 in its length field, and a body too long for a packet.
    R8  An ordinal is 1 to 2^63-1, or all ones: an epitaph.
    R9  An epitaph has no handles, and its body is one integer that fits 32 bits (checked by
        `epitaph.decode_epitaph`). With txid 0 it ends the channel, so nothing follows it in its
        packet; with another txid it is a reply, and ends that call alone.

Source: docs/wire-format.md.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, cast

from ipcrt._speedups.chosen import choose
from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.wire.header import (
    EPITAPH_ORDINAL,
    HEADER,
    HEADER_BYTES,
    MAX_ORDINAL,
    NO_TXID,
    RESERVED_BITS,
    SPILLED,
    VERSION,
    VERSION_1,
    VERSION_BITS,
    VERSION_SHIFT,
)
from ipcrt.wire.limits import (
    MAX_HANDLES,
    MAX_INLINE_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_PACKET_BYTES,
)

Body: TypeAlias = bytes | memoryview
"""Where a copy costs less than a view, bytes."""

if TYPE_CHECKING:
    from collections.abc import Sized

Frame: TypeAlias = tuple[int, int, int, Body, int, int]
"""txid, ordinal, flags byte as received, body, first handle, handle count."""

_COPY_BYTES: Final = 1024
"""Up to this size a packet's bytes are cheaper copied than viewed."""

_pack: Final = HEADER.pack
_unpack: Final = HEADER.unpack_from

# A message that needs no second look has exactly VERSION_1 in these bits.
_USUAL_BITS: Final = VERSION_BITS | RESERVED_BITS | SPILLED


def _encode(txid: int, ordinal: int, flags: int, body: bytes, handle_count: int = 0) -> bytes:
    """Return one whole message; `flags` is any of MORE and FLEXIBLE, the rest is added here.

    A body over 65520 bytes becomes a SPILLED message, to be written as a packet of its own. Others
    may be joined into one packet, their handles in the same order. For epitaphs see `epitaph`.

    Raises: LocalProtocolError: a value that no message can hold.
    """
    if len(body) > MAX_INLINE_BODY_BYTES:
        return _encode_spilled(txid, ordinal, flags, body, handle_count)
    if flags & _USUAL_BITS or not 0 < ordinal <= MAX_ORDINAL or handle_count > MAX_HANDLES:
        _refuse_local(ordinal, flags, handle_count)
    try:
        return _pack(txid, len(body), handle_count, flags | VERSION_1, ordinal) + body
    except struct.error as error:
        raise LocalProtocolError(f"txid {txid}, handles {handle_count}: {error}") from error


encode: Final = choose("encode", _encode)


def split(
    packet: Body, handle_count: int, max_message_bytes: int = MAX_MESSAGE_BYTES
) -> list[Frame]:
    """Return the messages of one packet that arrived with `handle_count` handles.

    All or nothing: no message of a packet that breaks a rule is returned. Bodies are copies, or
    views into `packet`. Handle `i` of a message is the packet's handle `first + i`. Data that came
    through a memfd is a packet like any other.

    Raises: RemoteProtocolError: a rule is broken; close every handle of the packet.
    """
    size = len(packet)
    if HEADER_BYTES <= size <= MAX_PACKET_BYTES:  # the usual packet: one message
        txid, length, count, flags, ordinal = _unpack(packet)
        if (
            length + HEADER_BYTES == size
            and flags & _USUAL_BITS == VERSION_1
            and count == handle_count <= MAX_HANDLES
            and 0 < ordinal <= MAX_ORDINAL
        ):
            if size > _COPY_BYTES:
                packet = memoryview(packet)
            return [(txid, ordinal, flags, packet[HEADER_BYTES:], 0, count)]
    packet = memoryview(packet)
    size = _whole_size(packet)
    if handle_count > MAX_HANDLES:
        _refuse(f"packet with {handle_count} handles exceeds {MAX_HANDLES} [R6]")
    if size > MAX_PACKET_BYTES:
        return [_read_spilled(packet, size, handle_count, max_message_bytes)]
    return _split_shared(packet, handle_count)


def _split_shared(packet: memoryview, handle_count: int) -> list[Frame]:
    """Do what `split` promises, for a packet of any number of messages, none of them SPILLED."""
    size = len(packet)
    frames: list[Frame] = []
    start = first = 0
    while size - start >= HEADER_BYTES:
        txid, length, count, flags, ordinal = _unpack(packet, start)
        body_start = start + HEADER_BYTES
        end = body_start + length
        if flags & _USUAL_BITS != VERSION_1:
            _check_flags(flags)
            _refuse(f"spilled message in a packet of {size} bytes, expected more [R7]")
        if end > size:
            _refuse(
                f"body of {length} bytes claimed, {size - body_start} remain in the packet [R5]"
            )
        if count > handle_count - first:
            _refuse(f"{count} handles claimed, {handle_count - first} remain in the packet [R6]")
        if not 0 < ordinal <= MAX_ORDINAL:
            _check_epitaph(txid, ordinal, count, size - end)
        frames.append((txid, ordinal, flags, packet[body_start:end], first, count))
        start = end
        first += count
    if start != size or not frames:
        _refuse(f"{size - start} bytes where a header of {HEADER_BYTES} must be [R1]")
    if first != handle_count:
        _refuse(f"{handle_count - first} of {handle_count} handles belong to no message [R6]")
    return frames


def _read_spilled(
    packet: memoryview, size: int, handle_count: int, max_message_bytes: int
) -> Frame:
    """Return the one message of data too long for a packet, whether or not it is in pieces."""
    if len(packet) < HEADER_BYTES:
        _refuse(f"{len(packet)} bytes where a header of {HEADER_BYTES} must be [R1]")
    txid, length, count, flags, ordinal = _unpack(packet)
    _check_flags(flags)
    if not flags & SPILLED:
        _refuse(f"packet of {size} bytes exceeds {MAX_PACKET_BYTES} [R2]")
    if size > max_message_bytes:
        _refuse(f"message of {size} bytes exceeds {max_message_bytes} [R2]")
    if length:
        _refuse(f"spilled message with {length} in its length field, expected 0 [R7]")
    if count != handle_count:
        _refuse(f"{count} handles claimed, {handle_count} came with the message [R6]")
    if not 0 < ordinal <= MAX_ORDINAL:
        _check_epitaph(txid, ordinal, count, size - HEADER_BYTES)
    return txid, ordinal, flags, packet[HEADER_BYTES:], 0, count


def _whole_size(packet: memoryview) -> int:
    """Return how long the data is; what is in pieces is no bytes, yet knows it."""
    whole = packet.obj
    return len(cast("Sized", whole)) if hasattr(whole, "pieces") else len(packet)


def _check_flags(flags: int) -> None:
    version = flags >> VERSION_SHIFT
    if version != VERSION:
        _refuse(f"wire version {version}, expected {VERSION} [R3]")
    if flags & RESERVED_BITS:
        _refuse(f"reserved flag bits 0x{flags & RESERVED_BITS:02x} are set [R4]")


def _check_epitaph(txid: int, ordinal: int, count: int, bytes_after: int) -> None:
    """Check a message whose ordinal is no method's: it can only be an epitaph."""
    if ordinal != EPITAPH_ORDINAL:
        _refuse(f"ordinal 0x{ordinal:x} is neither a method's nor the epitaph's [R8]")
    if count:
        _refuse(f"epitaph with {count} handles, expected 0 [R9]")
    if bytes_after and txid == NO_TXID:
        _refuse(f"{bytes_after} bytes too many after an epitaph [R9]")


def _encode_spilled(txid: int, ordinal: int, flags: int, body: bytes, handle_count: int) -> bytes:
    """Return a message too long for a packet; its body delimits itself by the end of the data."""
    size = HEADER_BYTES + len(body)
    if size > MAX_MESSAGE_BYTES:
        raise LocalProtocolError(f"message of {size} bytes exceeds {MAX_MESSAGE_BYTES} [R2]")
    head = encode(txid, ordinal, flags, b"", handle_count)
    return head[:7] + bytes((head[7] | SPILLED,)) + head[8:] + body  # which may be in pieces


def _refuse_local(ordinal: int, flags: int, handle_count: int) -> NoReturn:
    if flags & _USUAL_BITS:
        raise LocalProtocolError(f"flags 0x{flags:02x} hold more than MORE and FLEXIBLE [R4]")
    if handle_count > MAX_HANDLES:
        raise LocalProtocolError(f"{handle_count} handles exceed {MAX_HANDLES} [R6]")
    raise LocalProtocolError(f"ordinal {ordinal} is not in 1..{MAX_ORDINAL} [R8]")


def _refuse(message: str) -> NoReturn:
    raise RemoteProtocolError(message)
