"""The number that stands for a method or event on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcrt.wire.header import MAX_ORDINAL

if TYPE_CHECKING:
    from hashlib import sha256
else:  # as `random` does: hashlib loads OpenSSL, which takes longer than this whole room
    try:
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256  # before Python 3.12
        except ImportError:
            from hashlib import sha256


def method_ordinal(selector: str) -> int:
    """Return the ordinal of `library/Protocol.Method`: SHA-256, first 8 bytes, top bit clear.

    Source: FIDL's method ordinals; docs/wire-format.md, "Ordinals".
    """
    digest = sha256(selector.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "little") & MAX_ORDINAL
