"""Check one MessagePack value without building it: nothing is allocated, whatever it claims.

Rules a body obeys (its numbers, names and lengths are the contract's business, not ours):

    B1  A body is empty, or one MessagePack value and nothing more. Byte 0xc1 is none.
    B2  At most 32 arrays and maps are open at once.
    B3  The only extension is type 1 with one byte of data (d4 01 NN), a handle.
    B4  That byte is an index below the message's handle count, and each handle is named once.
    B5  A string is UTF-8 (checked by `body`, which is the one to read it).
    B6  A map key is a string, bin or integer; no key appears twice (checked by `body`); a map of
        more than 256 pairs has no integer keys.

Source: docs/wire-format.md; the MessagePack specification.
"""

from __future__ import annotations

import struct
from typing import Final, NoReturn

from ipcrt.errors import RemoteProtocolError
from ipcrt.wire.handles import check_claimed, claim_index
from ipcrt.wire.limits import MAX_DEPTH, MAX_INTEGER_KEYED_PAIRS

# What an open container expects: values only, or keys and values in turn.
_ARRAY: Final = 0
_MAP: Final = 1
_LARGE_MAP: Final = 2  # too many pairs for integer keys

_U8: Final = struct.Struct(">xB")
_U16: Final = struct.Struct(">xH")
_U32: Final = struct.Struct(">xI")

# first byte -> (how its length is written, whether it opens a map)
_OPENS: Final = {
    0xDC: (_U16, False),
    0xDD: (_U32, False),
    0xDE: (_U16, True),
    0xDF: (_U32, True),
}
# first byte -> how the length of the bytes that follow is written
_BLOBS: Final = {0xC4: _U8, 0xC5: _U16, 0xC6: _U32, 0xD9: _U8, 0xDA: _U16, 0xDB: _U32}

_FIXED: Final = {
    **dict.fromkeys((0xC0, 0xC2, 0xC3), 1),
    **dict.fromkeys((0xCC, 0xD0), 2),
    **dict.fromkeys((0xCD, 0xD1), 3),
    **dict.fromkeys((0xCA, 0xCE, 0xD2), 5),
    **dict.fromkeys((0xCB, 0xCF, 0xD3), 9),
    **dict.fromkeys(range(0x80), 1),
    **dict.fromkeys(range(0xE0, 0x100), 1),
    **{0xA0 + length: 1 + length for length in range(32)},
}
# first byte -> size of the whole value, 0 where that depends on what follows
_SIZES: Final = tuple(_FIXED.get(first, 0) for first in range(256))

_INTEGERS: Final = frozenset((*range(0x80), *range(0xE0, 0x100), *range(0xCC, 0xD4)))
_TEXTS: Final = frozenset((*range(0xA0, 0xC0), *_BLOBS))
_KEYS: Final = _INTEGERS | _TEXTS


def scan(data: bytes | memoryview, handle_count: int) -> list[int]:
    """Check rules B1 to B4 and the kinds of B6's keys; return the handle indices as they appear.

    Time grows with the number of values, not with their bytes.

    Raises: RemoteProtocolError: a rule is broken.
    """
    claimed: list[int] = []
    pending: list[tuple[int, int]] = []  # what the open containers around this one still expect
    pos, left, kind = 0, 1, _ARRAY
    try:
        while left or pending:
            if not left:
                left, kind = pending.pop()
                continue
            first = data[pos]
            if kind and not left & 1:
                _check_key(first, kind)
            left -= 1
            size = _SIZES[first]
            if size:
                pos += size
            elif first in _BLOBS:
                length = _BLOBS[first]
                pos += length.size + length.unpack_from(data, pos)[0]
            elif first == 0xD4:
                claim_index(data[pos + 1], data[pos + 2 : pos + 3], claimed, handle_count)
                pos += 3
            else:
                pending.append((left, kind))
                pos, left, kind = _open(data, pos, first, len(pending))
    except (IndexError, struct.error):
        _refuse_truncated(data)
    if pos != len(data):
        _refuse_end(data, pos)
    check_claimed(claimed, handle_count)
    return claimed


def _open(data: bytes | memoryview, pos: int, first: int, depth: int) -> tuple[int, int, int]:
    """Enter an array or map: its first byte's place, values to come, and kind."""
    if first in _OPENS:
        length, is_map = _OPENS[first]
        count = length.unpack_from(data, pos)[0]
        pos += length.size
    elif 0x80 <= first <= 0x9F:
        count, is_map = first & 0x0F, first < 0x90
        pos += 1
    elif first == 0xC1:
        _refuse("byte 0xc1 begins no value [B1]")
    else:
        _refuse(f"extension 0x{first:02x}, expected a handle as d4 01 NN [B3]")
    if depth > MAX_DEPTH:
        _refuse(f"{depth} arrays and maps are open at byte {pos}, at most {MAX_DEPTH} [B2]")
    values = count * 2 if is_map else count
    if values > len(data) - pos:
        _refuse(f"{values} values claimed, {len(data) - pos} bytes remain [B1]")
    if not is_map:
        return pos, values, _ARRAY
    return pos, values, _LARGE_MAP if count > MAX_INTEGER_KEYED_PAIRS else _MAP


def _check_key(first: int, kind: int) -> None:
    if first not in _KEYS:
        _refuse(f"map key begins with 0x{first:02x}, expected a string, bin or integer [B6]")
    if kind == _LARGE_MAP and first in _INTEGERS:
        _refuse(f"integer key in a map of more than {MAX_INTEGER_KEYED_PAIRS} pairs [B6]")


def _refuse_truncated(data: bytes | memoryview) -> NoReturn:
    _refuse(f"the value is not complete after {len(data)} bytes [B1]")


def _refuse_end(data: bytes | memoryview, pos: int) -> NoReturn:
    if pos > len(data):
        _refuse_truncated(data)
    _refuse(f"{len(data) - pos} bytes follow the value [B1]")


def _refuse(message: str) -> NoReturn:
    raise RemoteProtocolError(message)
