"""The last words of a channel's end: why it closes, as one signed integer."""

from __future__ import annotations

from typing import Final

from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.wire.body import decode_value, encode_value
from ipcrt.wire.header import EPITAPH_ORDINAL, HEADER, NO_TXID, VERSION_1

_MIN_STATUS: Final = -(2**31)
_MAX_STATUS: Final = 2**31 - 1
_MAX_TXID: Final = 2**32 - 1


def encode_epitaph(status: int, txid: int = NO_TXID) -> bytes:
    """Return the whole message that says `status`; nothing may follow it on the channel.

    With a txid it ends that one call instead, and the channel goes on.

    Raises: LocalProtocolError: the status or the txid does not fit 32 bits.
    """
    if not _MIN_STATUS <= status <= _MAX_STATUS:
        raise LocalProtocolError(f"epitaph {status} is not in {_MIN_STATUS}..{_MAX_STATUS} [R9]")
    if not 0 <= txid <= _MAX_TXID:
        raise LocalProtocolError(f"epitaph of txid {txid}, which is not in 0..{_MAX_TXID} [R9]")
    body = encode_value(int(status))
    return HEADER.pack(txid, len(body), 0, VERSION_1, EPITAPH_ORDINAL) + body


def decode_epitaph(body: bytes | memoryview) -> int:
    """Return the status in an epitaph's body; it need not be one that has a name.

    Raises: RemoteProtocolError: the body is anything but one integer that fits 32 bits.
    """
    value = decode_value(body)
    if type(value) is not int or not _MIN_STATUS <= value <= _MAX_STATUS:
        raise RemoteProtocolError(f"epitaph {value!r:.40} is no 32-bit integer [R9]")
    return value
