# Library ipcrt.locator: generated; do not edit.
"""How clients find services, and services their clients."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Uint32, Uint64
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo

MAX_NAMES: Final = 64
"""The most names that one registration may offer."""
MAX_ENTRIES: Final = 1024
"""The most entries that a listing may have."""
MAX_TREES: Final = 128
"""The most trees that one listing may tell of."""
MAX_USAGES: Final = 32
"""The most entries that a client's account of what it holds may have."""


class State(FlexibleUint32):
    """Whether a name is served now."""

    REGISTERED = 1
    """A service offers it."""


class RegisterError(FlexibleUint32):
    """Why a service was not registered."""

    ACCESS_DENIED = 1
    """Policy does not let this client offer one of the names."""
    ALREADY_REGISTERED = 2
    """Another service offers one of the names."""
    INVALID_NAME = 3
    """There is no name, or one of them is not like "library/Protocol"."""
    TOO_MANY = 4
    """The locator, or this user, offers too much already."""


class HandOverError(FlexibleUint32):
    """Why a channel's end was not taken over; it is closed."""

    SHUTTING_DOWN = 1
    """The locator is about to end; its successor may take the end."""
    TOO_MANY_CLIENTS = 2
    """The locator, or this user, has too many clients."""


class ConnectError(FlexibleUint32):
    """Why a connector did not take an end; it is closed."""

    SHUTTING_DOWN = 1
    """The service is about to end; its successor may take the end."""
    TOO_MANY_CLIENTS = 2
    """The service, or this user, has too many clients."""
    INVALID_END = 3
    """The end is none that this service can serve."""
    TIMED_OUT = 4
    """The service has not taken the end in time."""


class PublishError(FlexibleUint32):
    """Why a tree was not published."""

    NOT_REGISTERED = 1
    """This channel did not register the service, or not any more."""
    INVALID_TREE = 2
    """It cannot be read, or is not sealed against shrinking and growing."""
    TOO_LARGE = 3
    """It has no bytes, or more than the locator keeps."""
    TOO_MANY = 4
    """The service, or this user, has published too much already."""


class TreeError(FlexibleUint32):
    """Why a tree was not handed out."""

    NOT_FOUND = 1
    """There is none of that number, or none that this client may see."""
    NO_RESOURCES = 2
    """The locator has no descriptor to spare."""


class RegisterFailed(DomainError[RegisterError]):
    ERROR = RegisterError


class HandOverFailed(DomainError[HandOverError]):
    ERROR = HandOverError


class PublishFailed(DomainError[PublishError]):
    ERROR = PublishError


class TreeFailed(DomainError[TreeError]):
    ERROR = TreeError


class ConnectFailed(DomainError[ConnectError]):
    ERROR = ConnectError


class Entry(Struct):
    """A name in a client's namespace."""

    name: Name
    """What to open."""
    state: State
    """Whether that is of use now."""


class Identity(Struct):
    """Who a client is, as the kernel told the locator: SO_PEERCRED."""

    pid: Uint32
    """Its process; another one may have the number once it has ended."""
    uid: Uint32
    """Its effective user."""
    gid: Uint32
    """Its effective group."""


class Tree(Struct):
    """A tree that somebody published, and that is kept for a while when they have ended."""

    number: Uint64
    """Larger than those of all before it."""
    service: Name
    """Whose it is: a name that its publisher offers, or did."""
    name: TreeName
    """Which of the service's trees."""
    publisher: Identity
    """Who published it."""
    alive: bool
    """Whether the service is still there."""
    ended_ms: Uint64
    """If not, for how many milliseconds."""


class Usage(Struct):
    """How much a client holds of something of the locator's."""

    holder: Annotated[str, Meta(max_length=16)]
    """Whose: "client" or "uid"."""
    resource: Annotated[str, Meta(max_length=32)]
    """Of what: "connections", "calls", "fds", "queued_bytes"."""
    value: Uint64
    """How much is held."""
    limit: Uint64
    """How much may be."""
    refused: Uint64
    """How often something was refused because of that."""


class LocatorOpenRequest(Struct):
    name: Name
    server_end: Channel


class LocatorGetEntriesResponse(Struct):
    entries: Annotated[list[Entry], Meta(max_length=1024)]


class LocatorRegisterRequest(Struct):
    names: Annotated[list[Name], Meta(max_length=64)]
    outgoing: ClientEnd[Outgoing]


class LocatorHandOverRequest(Struct):
    end: ServerEnd[Locator]


class LocatorGetIdentityResponse(Struct):
    identity: Identity


class LocatorPublishRequest(Struct):
    service: Name
    name: TreeName
    vmo: Annotated[Vmo, needs(Rights.DUPLICATE | Rights.TRANSFER | Rights.READ | Rights.MAP)]


class LocatorGetTreesRequest(Struct):
    after: Uint64


class LocatorGetTreesResponse(Struct):
    trees: Annotated[list[Tree], Meta(max_length=128)]


class LocatorGetTreeRequest(Struct):
    number: Uint64


class LocatorGetTreeResponse(Struct):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]


class LocatorGetUsageResponse(Struct):
    usages: Annotated[list[Usage], Meta(max_length=32)]


class ConnectorConnectRequest(Struct):
    end: Channel


class OutgoingOpenRequest(Struct):
    name: Name
    server_end: Channel
    client: Identity
    process: Process | None


class Locator(Protocol):
    """A client's namespace, and the way to add to others'."""


class Connector(Protocol):
    """A service object that takes in clients' channels, instead of a socket to connect to.

    The client makes a pair, keeps one end and hands the other over here. Under its own name the
    locator takes in ends of `Locator`; who else serves this says what its ends are of.
    """


class Outgoing(Protocol):
    """What a service offers; the locator is its client."""


Name: TypeAlias = Annotated[str, Meta(max_length=255)]
"""A protocol's name, "library/Protocol", at most 255 bytes."""

TreeName: TypeAlias = Annotated[str, Meta(max_length=64)]
"""A tree's name among those of one service."""

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
LOCATOR_PUBLISH = TwoWay(
    "ipcrt.locator/Locator.Publish", LocatorPublishRequest, type(None), raises=PublishFailed
)
LOCATOR_GET_TREES = TwoWay(
    "ipcrt.locator/Locator.GetTrees", LocatorGetTreesRequest, LocatorGetTreesResponse
)
LOCATOR_GET_TREE = TwoWay(
    "ipcrt.locator/Locator.GetTree",
    LocatorGetTreeRequest,
    LocatorGetTreeResponse,
    raises=TreeFailed,
)
LOCATOR_GET_USAGE = TwoWay("ipcrt.locator/Locator.GetUsage", type(None), LocatorGetUsageResponse)
Locator.TABLE = ProtocolTable(
    "ipcrt.locator/Locator",
    Openness.OPEN,
    (
        LOCATOR_OPEN,
        LOCATOR_GET_ENTRIES,
        LOCATOR_REGISTER,
        LOCATOR_HAND_OVER,
        LOCATOR_GET_IDENTITY,
        LOCATOR_PUBLISH,
        LOCATOR_GET_TREES,
        LOCATOR_GET_TREE,
        LOCATOR_GET_USAGE,
    ),
)

CONNECTOR_CONNECT = TwoWay(
    "ipcrt.locator/Connector.Connect", ConnectorConnectRequest, type(None), raises=ConnectFailed
)
Connector.TABLE = ProtocolTable("ipcrt.locator/Connector", Openness.OPEN, (CONNECTOR_CONNECT,))

OUTGOING_OPEN = OneWay("ipcrt.locator/Outgoing.Open", OutgoingOpenRequest)
Outgoing.TABLE = ProtocolTable("ipcrt.locator/Outgoing", Openness.OPEN, (OUTGOING_OPEN,))


class LocatorProxy(Proxy[Locator]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Locator
    __slots__ = ()

    async def open(self, name: str, server_end: Channel) -> None:
        """Have `server_end` served as `name`; a refusal comes as its epitaph."""
        await self._send(LOCATOR_OPEN, LocatorOpenRequest(name, server_end))

    def open_now(self, name: str, server_end: Channel) -> None:
        self._send_now(LOCATOR_OPEN, LocatorOpenRequest(name, server_end))

    def open_soon(self, name: str, server_end: Channel, on_sent: Done) -> bool:
        return self._send_soon(LOCATOR_OPEN, LocatorOpenRequest(name, server_end), on_sent)

    async def get_entries(self, *, timeout: float | None = 25.0) -> LocatorGetEntriesResponse:
        """List the names that this client may open, in order."""
        return await self._call(LOCATOR_GET_ENTRIES, None, timeout)

    async def register(
        self, names: list[str], outgoing: ClientEnd[Outgoing], *, timeout: float | None = 25.0
    ) -> None:
        """Offer `names`, at least one, to others for as long as `outgoing` is served.

        Raises: RegisterFailed.
        """
        await self._call(LOCATOR_REGISTER, LocatorRegisterRequest(names, outgoing), timeout)

    async def hand_over(self, end: ServerEnd[Locator], *, timeout: float | None = 25.0) -> None:
        """Have `end` served as a client's channel of its own, with this client's identity.

        Raises: HandOverFailed.
        """
        await self._call(LOCATOR_HAND_OVER, LocatorHandOverRequest(end), timeout)

    async def get_identity(self, *, timeout: float | None = 25.0) -> LocatorGetIdentityResponse:
        """Ask who the locator takes this client for."""
        return await self._call(LOCATOR_GET_IDENTITY, None, timeout)

    async def publish(
        self, service: str, name: str, vmo: Vmo, *, timeout: float | None = 25.0
    ) -> None:
        """Let others look at a tree of a service that this channel registered.

        It replaces the one of the same name. What is in it the locator does not know.

        Raises: PublishFailed.
        """
        await self._call(LOCATOR_PUBLISH, LocatorPublishRequest(service, name, vmo), timeout)

    async def get_trees(
        self, after: int, *, timeout: float | None = 25.0
    ) -> LocatorGetTreesResponse:
        """List the trees that this client may see, by their numbers, from behind `after` on.

        There may be more behind the last.
        """
        return await self._call(LOCATOR_GET_TREES, LocatorGetTreesRequest(after), timeout)

    async def get_tree(
        self, number: int, *, timeout: float | None = 25.0
    ) -> LocatorGetTreeResponse:
        """Get a tree to look at, whether or not its publisher is still there.

        Raises: TreeFailed.
        """
        return await self._call(LOCATOR_GET_TREE, LocatorGetTreeRequest(number), timeout)

    async def get_usage(self, *, timeout: float | None = 25.0) -> LocatorGetUsageResponse:
        """Ask how much this client and its user hold, and may hold."""
        return await self._call(LOCATOR_GET_USAGE, None, timeout)


class LocatorBlockingProxy(BlockingProxy[Locator]):
    """A client, blocking its thread; see `LocatorProxy`."""

    PROTOCOL = Locator
    __slots__ = ()

    def open(self, name: str, server_end: Channel) -> None:
        self._send(LOCATOR_OPEN, LocatorOpenRequest(name, server_end))

    def open_now(self, name: str, server_end: Channel) -> None:
        self._send_now(LOCATOR_OPEN, LocatorOpenRequest(name, server_end))

    def get_entries(self, *, timeout: float | None = 25.0) -> LocatorGetEntriesResponse:
        return self._call(LOCATOR_GET_ENTRIES, None, timeout)

    def register(
        self, names: list[str], outgoing: ClientEnd[Outgoing], *, timeout: float | None = 25.0
    ) -> None:
        self._call(LOCATOR_REGISTER, LocatorRegisterRequest(names, outgoing), timeout)

    def hand_over(self, end: ServerEnd[Locator], *, timeout: float | None = 25.0) -> None:
        self._call(LOCATOR_HAND_OVER, LocatorHandOverRequest(end), timeout)

    def get_identity(self, *, timeout: float | None = 25.0) -> LocatorGetIdentityResponse:
        return self._call(LOCATOR_GET_IDENTITY, None, timeout)

    def publish(self, service: str, name: str, vmo: Vmo, *, timeout: float | None = 25.0) -> None:
        self._call(LOCATOR_PUBLISH, LocatorPublishRequest(service, name, vmo), timeout)

    def get_trees(self, after: int, *, timeout: float | None = 25.0) -> LocatorGetTreesResponse:
        return self._call(LOCATOR_GET_TREES, LocatorGetTreesRequest(after), timeout)

    def get_tree(self, number: int, *, timeout: float | None = 25.0) -> LocatorGetTreeResponse:
        return self._call(LOCATOR_GET_TREE, LocatorGetTreeRequest(number), timeout)

    def get_usage(self, *, timeout: float | None = 25.0) -> LocatorGetUsageResponse:
        return self._call(LOCATOR_GET_USAGE, None, timeout)


class LocatorServer(Server[Locator]):
    """Serves one client; see `LocatorProxy`."""

    PROTOCOL = Locator

    @abstractmethod
    def open(self, name: str, server_end: Channel) -> Answer[None]: ...

    @abstractmethod
    def get_entries(self) -> Answer[LocatorGetEntriesResponse]: ...

    @abstractmethod
    def register(self, names: list[str], outgoing: ClientEnd[Outgoing]) -> Answer[None]: ...

    @abstractmethod
    def hand_over(self, end: ServerEnd[Locator]) -> Answer[None]: ...

    @abstractmethod
    def get_identity(self) -> Answer[LocatorGetIdentityResponse]: ...

    @abstractmethod
    def publish(self, service: str, name: str, vmo: Vmo) -> Answer[None]: ...

    @abstractmethod
    def get_trees(self, after: int) -> Answer[LocatorGetTreesResponse]: ...

    @abstractmethod
    def get_tree(self, number: int) -> Answer[LocatorGetTreeResponse]: ...

    @abstractmethod
    def get_usage(self) -> Answer[LocatorGetUsageResponse]: ...


class ConnectorProxy(Proxy[Connector]):
    """A client, awaited."""

    PROTOCOL = Connector
    __slots__ = ()

    async def connect(self, end: Channel, *, timeout: float | None = 25.0) -> None:
        """Serve `end`. The answer tells that it is accepted, and the service's from then on.

        Raises: ConnectFailed.
        """
        await self._call(CONNECTOR_CONNECT, ConnectorConnectRequest(end), timeout)


class ConnectorBlockingProxy(BlockingProxy[Connector]):
    """A client, blocking its thread; see `ConnectorProxy`."""

    PROTOCOL = Connector
    __slots__ = ()

    def connect(self, end: Channel, *, timeout: float | None = 25.0) -> None:
        self._call(CONNECTOR_CONNECT, ConnectorConnectRequest(end), timeout)


class ConnectorServer(Server[Connector]):
    """Serves one client; see `ConnectorProxy`."""

    PROTOCOL = Connector

    @abstractmethod
    def connect(self, end: Channel) -> Answer[None]: ...


class OutgoingProxy(Proxy[Outgoing]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Outgoing
    __slots__ = ()

    async def open(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        """Serve `server_end` as `name` for `client`, whose process is `process`."""
        await self._send(OUTGOING_OPEN, OutgoingOpenRequest(name, server_end, client, process))

    def open_now(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        self._send_now(OUTGOING_OPEN, OutgoingOpenRequest(name, server_end, client, process))

    def open_soon(
        self,
        name: str,
        server_end: Channel,
        client: Identity,
        process: Process | None,
        on_sent: Done,
    ) -> bool:
        return self._send_soon(
            OUTGOING_OPEN, OutgoingOpenRequest(name, server_end, client, process), on_sent
        )


class OutgoingBlockingProxy(BlockingProxy[Outgoing]):
    """A client, blocking its thread; see `OutgoingProxy`."""

    PROTOCOL = Outgoing
    __slots__ = ()

    def open(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        self._send(OUTGOING_OPEN, OutgoingOpenRequest(name, server_end, client, process))

    def open_now(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> None:
        self._send_now(OUTGOING_OPEN, OutgoingOpenRequest(name, server_end, client, process))


class OutgoingServer(Server[Outgoing]):
    """Serves one client; see `OutgoingProxy`."""

    PROTOCOL = Outgoing

    @abstractmethod
    def open(
        self, name: str, server_end: Channel, client: Identity, process: Process | None
    ) -> Answer[None]: ...
