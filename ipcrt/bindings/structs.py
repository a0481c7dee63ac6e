"""Base of the contract's structs."""

from __future__ import annotations

import msgspec


class Struct(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Base of all FIDL structs and payloads: an array of members, in their order."""
