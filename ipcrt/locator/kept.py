"""Kept: what a locator writes down of its clients for its successor.

Descriptors are told by their koid: the kernel's number of the object, the same whoever holds it.
What the kernel tells anew is not written down: who is at the other end of an accepted channel.
The record comes from the supervisor, who takes descriptors from the daemon alone; it is checked
all the same, since the daemon may have been another version.
"""

from __future__ import annotations

from typing import Final, Self

import msgspec

from ipcrt.errors import ProtocolError
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.mark import Mark
from ipcrt.objects.handle import Handle
from ipcrt.objects.seals import IMMUTABLE
from ipcrt.objects.vmo import Vmo

_VERSION: Final = 1
_MAX_BYTES: Final = 16 << 20


class Who(msgspec.Struct, frozen=True, array_like=True):
    """Credentials, as the kernel told them when the client came."""

    pid: int
    uid: int
    gid: int
    groups: list[int]

    @classmethod
    def of(cls, who: Credentials) -> Self:
        """Write credentials down."""
        return cls(who.pid, who.uid, who.gid, sorted(who.groups))

    def credentials(self) -> Credentials:
        """Read them back."""
        return Credentials(self.pid, self.uid, self.gid, frozenset(self.groups))


class KeptClient(msgspec.Struct, frozen=True, array_like=True):
    """A client's channel; `who` where it was handed over, and the kernel cannot tell.

    `connects` where it is not a locator that it speaks to, but a connector.
    """

    koid: int
    who: Who | None = None
    process: Mark | None = None
    connects: bool = False


class KeptService(msgspec.Struct, frozen=True, array_like=True):
    """A service's outgoing channel; `client` is the channel that it registered on, or zero."""

    koid: int
    client: int
    who: Who
    process: Mark
    names: list[str]


class KeptTree(msgspec.Struct, frozen=True, array_like=True):
    """A published tree; `publisher` is pid, uid and gid."""

    koid: int
    service: str
    name: str
    publisher: tuple[int, int, int]
    alive: bool


class Record(msgspec.Struct, array_like=True):
    """All of it."""

    version: int = _VERSION
    clients: list[KeptClient] = []
    services: list[KeptService] = []
    trees: list[KeptTree] = []

    def to_vmo(self) -> Vmo:
        """Write it into a VMO that nobody can change; the caller owns it. Raises: NoResources."""
        vmo = Vmo.from_bytes(msgspec.msgpack.encode(self), "ipcrt-state")
        try:
            vmo.seal()
        except BaseException:
            vmo.close()
            raise
        return vmo

    @classmethod
    def from_handle(cls, handle: Handle) -> Self:
        """Read a record; the handle stays the caller's unless it is a VMO, then it is closed.

        Raises: WrongType: no VMO. ProtocolError: no record that we understand.
        """
        with Vmo.from_handle(handle) as vmo:
            size = vmo.content_size
            if vmo.seals & IMMUTABLE != IMMUTABLE or size > _MAX_BYTES:
                raise ProtocolError(f"a record of {size} bytes, {vmo.seals!r}")
            data = vmo.read(0, size)
        try:
            record = msgspec.msgpack.decode(data, type=cls)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ProtocolError(f"no record: {error}") from error
        if record.version != _VERSION:
            raise ProtocolError(f"a record of version {record.version}, expected {_VERSION}")
        return record
