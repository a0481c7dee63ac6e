"""Handles inside a body: MessagePack extension type 1, one byte of data, an index.

The index counts the message's own handles from 0. Nothing here ever sees a descriptor. Both
codecs (typed and schema-less) use these, so that rules B3 and B4 of `scan` have one wording.
Source: docs/wire-format.md, "Handles".
"""

from __future__ import annotations

from typing import Final

from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.wire.limits import MAX_HANDLES

HANDLE_EXT: Final = 1

_PAYLOADS: Final = tuple(bytes((index,)) for index in range(MAX_HANDLES))


def index_ext(index: int) -> bytes:
    """Return the extension's data for the message's handle number `index`.

    Raises: LocalProtocolError: no message has that many handles.
    """
    if not 0 <= index < MAX_HANDLES:
        raise LocalProtocolError(f"handle index {index} is not in 0..{MAX_HANDLES - 1} [B4]")
    return _PAYLOADS[index]


def claim_index(code: int, data: bytes | memoryview, claimed: list[int], handle_count: int) -> int:
    """Return the index in an extension value and note it in `claimed`.

    `claimed` starts empty for each message; give it to `check_claimed` when the body is read.

    Raises: RemoteProtocolError: not a handle (B3); index out of range or used before (B4).
    """
    if code != HANDLE_EXT:
        raise RemoteProtocolError(f"extension type {code}, expected {HANDLE_EXT} [B3]")
    if len(data) != 1:
        raise RemoteProtocolError(f"handle index of {len(data)} bytes, expected 1 [B3]")
    index = data[0]
    if index >= handle_count:
        raise RemoteProtocolError(f"handle index {index}, the message has {handle_count} [B4]")
    if index in claimed:
        raise RemoteProtocolError(f"handle index {index} used twice [B4]")
    claimed.append(index)
    return index


def check_claimed(claimed: list[int], handle_count: int) -> None:
    """Check that the body named every handle of its message.

    Raises: RemoteProtocolError: it did not (B4).
    """
    if len(claimed) != handle_count:
        raise RemoteProtocolError(
            f"the body names {len(claimed)} handles, the message has {handle_count} [B4]"
        )
