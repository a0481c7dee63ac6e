"""The locator's own contracts: tables and typed signatures, as a generator would emit them.

library ipcrt.locator;

open protocol Locator {
    flexible Open(resource struct { name string:255; server_end zx.Handle:CHANNEL; });
    flexible GetEntries() -> (struct { entries vector<Entry>:1024; });
    flexible Register(resource struct { names vector<string:255>:64;
                                        outgoing client_end:Outgoing; }) -> () error RegisterError;
    flexible HandOver(resource struct { end server_end:Locator; }) -> () error HandOverError;
    flexible GetIdentity() -> (struct { identity Identity; });
};

open protocol Outgoing {
    flexible Open(resource struct { name string:255; server_end zx.Handle:CHANNEL;
                                    client Identity; process zx.Handle:<PROCESS, optional>; });
};
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from typing import Annotated

from msgspec import Meta

from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.outbox import Done
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process

Name = Annotated[str, Meta(max_length=255)]
"""A protocol's name, "library/Protocol", at most 255 bytes."""

MAX_NAMES = 64
MAX_ENTRIES = 1024


class State(enum.IntEnum):
    """Whether a name is served now."""

    REGISTERED = 1


class RegisterError(enum.IntEnum):
    """Why a service was not registered."""

    ACCESS_DENIED = 1
    ALREADY_REGISTERED = 2
    INVALID_NAME = 3
    TOO_MANY = 4


class HandOverError(enum.IntEnum):
    """Why a channel's end was not taken over."""

    SHUTTING_DOWN = 1
    TOO_MANY_CLIENTS = 2


class RegisterFailed(DomainError[RegisterError]):
    """Locator.Register refused; nothing was registered."""

    ERROR = RegisterError


class HandOverFailed(DomainError[HandOverError]):
    """Locator.HandOver refused; the end is closed."""

    ERROR = HandOverError


class Entry(Struct, frozen=True):
    """A name in a client's namespace."""

    name: Name
    state: State


class Identity(Struct, frozen=True):
    """Who a client is, as the kernel told the locator: SO_PEERCRED."""

    pid: Annotated[int, Meta(ge=0, le=0x7FFF_FFFF)]
    uid: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
    gid: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]


class LocatorOpenRequest(Struct, frozen=True):
    """Request of Locator.Open."""

    name: Name
    server_end: Channel


class LocatorGetEntriesResponse(Struct, frozen=True):
    """Response of Locator.GetEntries."""

    entries: Annotated[list[Entry], Meta(max_length=MAX_ENTRIES)]


class LocatorRegisterRequest(Struct, frozen=True):
    """Request of Locator.Register."""

    names: Annotated[list[Name], Meta(min_length=1, max_length=MAX_NAMES)]
    outgoing: ClientEnd[Outgoing]


class LocatorHandOverRequest(Struct, frozen=True):
    """Request of Locator.HandOver."""

    end: ServerEnd[Locator]


class LocatorGetIdentityResponse(Struct, frozen=True):
    """Response of Locator.GetIdentity."""

    identity: Identity


class OutgoingOpenRequest(Struct, frozen=True):
    """Request of Outgoing.Open."""

    name: Name
    server_end: Channel
    client: Identity
    process: Process | None


class Outgoing(Protocol):
    """What a service offers; the locator is its client."""


class Locator(Protocol):
    """A client's namespace, and the way to add to others'."""


LOCATOR_OPEN = OneWay("ipcrt.locator/Locator.Open", LocatorOpenRequest)
LOCATOR_GET_ENTRIES = TwoWay(
    "ipcrt.locator/Locator.GetEntries", type(None), LocatorGetEntriesResponse
)
LOCATOR_REGISTER = TwoWay(
    "ipcrt.locator/Locator.Register", LocatorRegisterRequest, type(None), raises=RegisterFailed
)
LOCATOR_HAND_OVER = TwoWay(
    "ipcrt.locator/Locator.HandOver", LocatorHandOverRequest, type(None), raises=HandOverFailed
)
LOCATOR_GET_IDENTITY = TwoWay(
    "ipcrt.locator/Locator.GetIdentity", type(None), LocatorGetIdentityResponse
)
OUTGOING_OPEN = OneWay("ipcrt.locator/Outgoing.Open", OutgoingOpenRequest)

Locator.TABLE = ProtocolTable(
    "ipcrt.locator/Locator",
    Openness.OPEN,
    (LOCATOR_OPEN, LOCATOR_GET_ENTRIES, LOCATOR_REGISTER, LOCATOR_HAND_OVER, LOCATOR_GET_IDENTITY),
)
Outgoing.TABLE = ProtocolTable("ipcrt.locator/Outgoing", Openness.OPEN, (OUTGOING_OPEN,))


class LocatorProxy(Proxy[Locator]):
    """A client of the locator, awaited."""

    PROTOCOL = Locator
    __slots__ = ()

    async def open(self, name: str, server_end: Channel) -> None:
        """Have `server_end` served as `name`; a refusal comes as its epitaph."""
        await self._send(LOCATOR_OPEN, LocatorOpenRequest(name, server_end))

    async def get_entries(
        self, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> LocatorGetEntriesResponse:
        """List the names that this client may open, in order."""
        return await self._call(LOCATOR_GET_ENTRIES, None, timeout)

    async def register(
        self,
        names: list[str],
        outgoing: ClientEnd[Outgoing],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Offer `names` to others for as long as `outgoing` is served.

        Raises: RegisterFailed.
        """
        request = LocatorRegisterRequest(names, outgoing)
        await self._call(LOCATOR_REGISTER, request, timeout)

    async def hand_over(
        self, end: ServerEnd[Locator], *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> None:
        """Have `end` served as a client's channel of its own, with this client's identity.

        Raises: HandOverFailed.
        """
        await self._call(LOCATOR_HAND_OVER, LocatorHandOverRequest(end), timeout)

    async def get_identity(
        self, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> LocatorGetIdentityResponse:
        """Ask who the locator takes this client for."""
        return await self._call(LOCATOR_GET_IDENTITY, None, timeout)


class LocatorBlockingProxy(BlockingProxy[Locator]):
    """A client of the locator, blocking its thread; see `LocatorProxy`."""

    PROTOCOL = Locator
    __slots__ = ()

    def open(self, name: str, server_end: Channel) -> None:
        """Have `server_end` served as `name`; a refusal comes as its epitaph."""
        self._send(LOCATOR_OPEN, LocatorOpenRequest(name, server_end))

    def get_entries(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> LocatorGetEntriesResponse:
        """List the names that this client may open, in order."""
        return self._call(LOCATOR_GET_ENTRIES, None, timeout)

    def register(
        self,
        names: list[str],
        outgoing: ClientEnd[Outgoing],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Offer `names` to others for as long as `outgoing` is served.

        Raises: RegisterFailed.
        """
        self._call(LOCATOR_REGISTER, LocatorRegisterRequest(names, outgoing), timeout)

    def hand_over(
        self, end: ServerEnd[Locator], *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> None:
        """Have `end` served as a client's channel of its own, with this client's identity.

        Raises: HandOverFailed.
        """
        self._call(LOCATOR_HAND_OVER, LocatorHandOverRequest(end), timeout)

    def get_identity(
        self, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> LocatorGetIdentityResponse:
        """Ask who the locator takes this client for."""
        return self._call(LOCATOR_GET_IDENTITY, None, timeout)


class LocatorServer(Server[Locator]):
    """One client of the locator, served."""

    PROTOCOL = Locator

    @abstractmethod
    def open(self, name: str, server_end: Channel) -> None:
        """Route `server_end`, or close it with an epitaph."""

    @abstractmethod
    def get_entries(self) -> LocatorGetEntriesResponse:
        """Answer the client's namespace."""

    @abstractmethod
    def register(self, names: list[str], outgoing: ClientEnd[Outgoing]) -> None:
        """Take a service's outgoing directory."""

    @abstractmethod
    def hand_over(self, end: ServerEnd[Locator]) -> None:
        """Serve one more channel of this client."""

    @abstractmethod
    def get_identity(self) -> LocatorGetIdentityResponse:
        """Answer who this client is."""


class OutgoingProxy(Proxy[Outgoing]):
    """The locator's view of a service."""

    PROTOCOL = Outgoing
    __slots__ = ()

    def open(
        self,
        name: str,
        server_end: Channel,
        client: Identity,
        process: Process | None,
        done: Done,
    ) -> bool:
        """Pass a client on, now or when there is room: then True, and `done` is told of it.

        Whoever calls bounds how many may wait. Raises: PeerClosed, NoResources.
        """
        request = OutgoingOpenRequest(name, server_end, client, process)
        return self._send_soon(OUTGOING_OPEN, request, done)


class OutgoingServer(Server[Outgoing]):
    """A service's outgoing directory, served."""

    PROTOCOL = Outgoing

    @abstractmethod
    def open(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        """Serve `server_end` as `name` for `client`."""
