"""Tokens: a server's state that its clients keep, and cannot change, lend or keep for ever.

    def get_entries(self, token: bytes | None) -> Answer[GetEntriesResponse]:
        try:
            start = 0 if token is None else int.from_bytes(self._tokens.open(self._client, token))
        except TokenRefused as refused:
            raise GetEntriesFailed(TokenError(refused.fault)) from None

1. A token is its state behind an HMAC-SHA256 over the client's name, the expiry and the state.
   The client can read the state: it holds nothing that the client may not know.
2. `client` is whoever the server takes for one: random bytes of the connection's own where tokens
   die with it; a uid, or the like, where they outlive it. The key is the server's: random unless
   it is given, so that tokens die with the process.
3. A client can tell apart a token that was cut short, one that is not for it, and one that has
   expired. Forged and foreign ones are the same.
Source: FIDL API Rubric, "Paginating reads", security note; RFC 2104.
"""

from __future__ import annotations

import enum
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from typing import Final

from ipcrt.errors import InvalidArgs, IpcError, Status

MAC_BYTES: Final = 32
KEY_BYTES: Final = 32

_EXPIRY: Final = struct.Struct(">Q")
_LENGTH: Final = struct.Struct(">I")
_PURPOSE: Final = b"ipcrt token 1\0"

TOKEN_OVERHEAD_BYTES: Final = MAC_BYTES + _EXPIRY.size
"""How much longer a token is than its state."""


class TokenFault(enum.IntEnum):
    """Why a token was refused; a contract's enum may use the same numbers."""

    MALFORMED = 1
    """Too short for a token, or too long."""
    FORGED = 2
    """Not this server's, or not for this client."""
    EXPIRED = 3
    """It was this client's, once."""


class TokenRefused(IpcError):
    """A client showed a token that does not count."""

    STATUS = Status.ACCESS_DENIED

    def __init__(self, fault: TokenFault, message: str) -> None:
        self.fault: Final = fault
        super().__init__(message)


class Tokens:
    """One server's tokens of one purpose; those of another need another key."""

    __slots__ = ("_clock", "_key", "_lifetime_ms", "_max_bytes")

    def __init__(
        self,
        *,
        lifetime: float,
        max_bytes: int,
        key: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`lifetime` in seconds; `max_bytes` of a whole token, as the contract bounds it.

        `clock` must mean the same as long as the key lives. Raises: InvalidArgs: a short key.
        """
        if key is not None and len(key) < KEY_BYTES:
            raise InvalidArgs(f"key of {len(key)} bytes, expected {KEY_BYTES} at least")
        self._key = key or secrets.token_bytes(KEY_BYTES)
        self._lifetime_ms: Final = int(lifetime * 1000)
        self._max_bytes: Final = max_bytes
        self._clock = clock

    def issue(self, client: bytes, state: bytes) -> bytes:
        """Answer a token for `client` that opens to `state`. Raises: InvalidArgs: too long."""
        if len(state) + TOKEN_OVERHEAD_BYTES > self._max_bytes:
            size = len(state) + TOKEN_OVERHEAD_BYTES
            raise InvalidArgs(f"token of {size} bytes exceeds {self._max_bytes}")
        sealed = _EXPIRY.pack(self._now_ms() + self._lifetime_ms) + state
        return self._mac(client, sealed) + sealed

    def open(self, client: bytes, token: bytes) -> bytes:
        """Answer the state that was sealed for `client`. Raises: TokenRefused."""
        if not TOKEN_OVERHEAD_BYTES <= len(token) <= self._max_bytes:
            raise TokenRefused(
                TokenFault.MALFORMED,
                f"token of {len(token)} bytes, expected {TOKEN_OVERHEAD_BYTES} to "
                f"{self._max_bytes}",
            )
        mac, sealed = token[:MAC_BYTES], token[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(client, sealed)):
            raise TokenRefused(TokenFault.FORGED, "the token is not this client's")
        (expiry_ms,) = _EXPIRY.unpack_from(sealed)
        late_ms = self._now_ms() - expiry_ms
        if late_ms >= 0:
            raise TokenRefused(TokenFault.EXPIRED, f"the token expired {late_ms} ms ago")
        return sealed[_EXPIRY.size :]

    def _mac(self, client: bytes, sealed: bytes) -> bytes:
        message = b"".join((_PURPOSE, _LENGTH.pack(len(client)), client, sealed))
        return hmac.digest(self._key, message, "sha256")

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
