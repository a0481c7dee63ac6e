"""The number that stands for a method or event on the wire."""

from __future__ import annotations

import hashlib

from ipcrt.wire.header import MAX_ORDINAL


def method_ordinal(selector: str) -> int:
    """Return the ordinal of `library/Protocol.Method`: SHA-256, first 8 bytes, top bit clear.

    Source: FIDL's method ordinals; docs/wire-format.md, "Ordinals".
    """
    digest = hashlib.sha256(selector.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "little") & MAX_ORDINAL
