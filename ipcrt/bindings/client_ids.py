"""ClientIds: identifiers that mean something to one client alone.

    response = Device(id=self._ids.number(self._client, device.serial_number.encode()))

1. The same client gets the same identifier for the same thing, as long as the key is kept. Two
   clients cannot find out from theirs whether they have the same thing before them.
2. Nobody without the key can tell the thing from the identifier, nor find it by trying.
3. `client` is what tells clients apart and outlives their connections: a uid, or a unit's name.
Source: FIDL API Rubric, "Privacy by design", example 1; RFC 7693 (keyed BLAKE2).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from ipcrt.errors import InvalidArgs

KEY_BYTES: Final = 32

_LENGTH_BYTES: Final = 4
_NUMBER_BYTES: Final = 8
_OPAQUE_BYTES: Final = 16


class ClientIds:
    """One server's identifiers of one kind of thing; another kind needs another key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes | None = None) -> None:
        """`key` is kept in a file of the server's own; without one, it lasts as this object.

        Raises: InvalidArgs: not 32 to 64 bytes.
        """
        if key is not None and not KEY_BYTES <= len(key) <= hashlib.blake2b.MAX_KEY_SIZE:
            raise InvalidArgs(f"key of {len(key)} bytes, expected {KEY_BYTES} to 64")
        self._key = key or secrets.token_bytes(KEY_BYTES)

    def number(self, client: bytes, thing: bytes) -> int:
        """Answer a uint64, never zero. Among 2**32 things of a client some two will be equal."""
        return int.from_bytes(self._hash(client, thing, _NUMBER_BYTES)) or 1

    def opaque(self, client: bytes, thing: bytes) -> bytes:
        """Answer 16 bytes, which no two things of a client share."""
        return self._hash(client, thing, _OPAQUE_BYTES)

    def _hash(self, client: bytes, thing: bytes, size: int) -> bytes:
        message = len(client).to_bytes(_LENGTH_BYTES) + client + thing
        return hashlib.blake2b(
            message, digest_size=size, key=self._key, person=b"ipcrt client id"
        ).digest()
