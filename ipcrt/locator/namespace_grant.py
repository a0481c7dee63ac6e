"""Grants: what a parent lets a child open, and the server in the parent that holds it to that.

    grant = Grant(["example/Echo"], source=incoming_namespace(), offers={"example/Log": log_server})

1. The child's "/svc" is a channel that is served here, as `ipcrt.locator/Locator`: it cannot tell
   the parent from a locator, and reaches nothing that was not granted.
2. What is granted is passed on: the server end leaves for whoever serves the name, and the parent
   keeps no end. What was not granted is refused with ACCESS_DENIED as the end's epitaph.
3. One thing at a time is done for a child: one that floods fills its own queue, and waits there.
4. Everything of a child ends when it does. What it opened leads elsewhere, and ends by itself.
5. To a locator the parent speaks for the child: it is the parent's identity that its policy sees,
   on a connection that is this child's alone.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Final

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import (
    AccessDenied,
    IpcError,
    NotFound,
    NotSupported,
    PeerClosed,
    ShouldWait,
    Status,
)
from ipcrt.locator.connect import connect
from ipcrt.locator.namespace import Namespace, pass_to
from ipcrt.locator.protocol import (
    MAX_ENTRIES,
    Entry,
    HandOverError,
    HandOverFailed,
    Identity,
    Locator,
    LocatorGetEntriesResponse,
    LocatorGetIdentityResponse,
    LocatorGetTreeResponse,
    LocatorGetTreesResponse,
    LocatorGetUsageResponse,
    LocatorServer,
    Outgoing,
    PublishError,
    PublishFailed,
    RegisterError,
    RegisterFailed,
    State,
    TreeError,
    TreeFailed,
)
from ipcrt.locator.service import Directory, Factory
from ipcrt.locator.session import refuse
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort

MAX_CHANNELS: Final = 16
"""Channels that one child may have served: its first, and those that it hands over."""

_LONGEST_WAIT_S: Final = 5.0
"""How long a full queue on the way may hold a child up."""

_PAUSE_S: Final = 0.01

_TOLD: Final = 8
"""Refusals that one channel of a child may have logged."""

_log: Final = logging.getLogger("ipcrt.locator")


@dataclasses.dataclass(frozen=True, slots=True, init=False)
class Grant:
    """What a child may open: names of the parent's namespace, and servers of the parent's own."""

    names: frozenset[str]
    source: Namespace | None
    offers: Mapping[str, Factory]

    def __init__(
        self,
        names: Iterable[str] = (),
        *,
        source: Namespace | None = None,
        offers: Mapping[str, Factory] | None = None,
    ) -> None:
        """Grant `names` of `source`, which is lent for as long as the child runs, and `offers`.

        Raises: NotFound: `source` has no place for a name. NotSupported: one is an end that is open
        already, which can be moved to a child, not shared with it.
        """
        granted = frozenset(names)
        for name in granted:
            if source is None:
                raise NotFound(f"{name} is granted, and no namespace is said that has it")
            if not source.find(name)[0].startswith("/"):
                raise NotSupported(
                    f"{name} is one open end: move it, in a namespace of the child's"
                )
        object.__setattr__(self, "names", granted)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "offers", dict(offers or {}))


class ServedGrant:
    """A grant that is served to one child, on the loop of `port`, until it is closed."""

    def __init__(self, port: AsyncPort, grant: Grant, identity: Identity, process: Process) -> None:
        """`process`, the child, is lent, and closed after this."""
        self.port = port
        self.grant = grant
        self.identity = identity
        self._process = process
        self._offered = Directory(port, grant.offers)
        self._bindings: list[ServerBinding[Locator]] = []
        self._upstream: dict[str | None, ClientEnd[Locator]] = {}

    def admit(self, end: ServerEnd[Locator]) -> bool:
        """Serve one more channel of the child's, moved; False, and it stays, beyond the limit."""
        self._bindings = [binding for binding in self._bindings if not binding.closed]
        if len(self._bindings) >= MAX_CHANNELS:
            return False
        self._bindings.append(ServerBinding(end, GrantSession(self), self.port))
        return True

    def offer(self, name: str, server_end: Channel) -> None:
        """Serve what is the parent's own; the end is moved."""
        self._offered.open(name, server_end, self.identity, self._process.duplicate())

    async def pass_on(self, name: str, server_end: Channel) -> None:
        """Move the end to who serves `name`. On error it stays. Raises: IpcError."""
        source = self.grant.source
        assert source is not None
        where = source.locator_of(name)
        if where is None:
            await self._retry(lambda: source.pass_on(name, server_end))
            return
        path, rest = where[0].path, where[1]
        try:
            upstream = await self._connect(path)
            await self._retry(lambda: pass_to(upstream, rest, server_end))
        except PeerClosed:  # the locator was restarted since
            self._upstream.pop(path).close()
            upstream = await self._connect(path)
            await self._retry(lambda: pass_to(upstream, rest, server_end))

    async def _connect(self, path: str | None) -> ClientEnd[Locator]:
        """Answer the connection for this child to the locator at `path`, made where there is none.

        Raises: as `connect`.
        """
        if path not in self._upstream:
            async with connect(path, port=self.port) as locator:
                if path not in self._upstream:  # another channel of the child may have been first
                    self._upstream[path] = locator.proxy.into_client_end()
        return self._upstream[path]

    async def _retry(self, send: Callable[[], None]) -> None:
        """Do what raises ShouldWait while a queue is full; no event tells when it has room.

        That channel may be another port's, or several children's.
        Raises: ShouldWait: it stays full. Else as `send`.
        """
        until = self.port.until(_LONGEST_WAIT_S)
        while True:
            try:
                send()
            except ShouldWait:
                if not self.port.left(until):
                    raise
            else:
                return
            await self.port.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close the child's channels and what was kept for them; idempotent."""
        while self._bindings:
            self._bindings.pop().close()
        for upstream in self._upstream.values():
            upstream.close()
        self._upstream.clear()


class GrantSession(LocatorServer):
    """One channel of a child, on which it opens what it was granted."""

    SEQUENTIAL: ClassVar[bool] = True  # rule 3

    def __init__(self, served: ServedGrant) -> None:
        self._served = served
        self._told = 0

    async def open(self, name: str, server_end: Channel) -> None:
        served = self._served
        with server_end:
            if name in served.grant.offers:
                served.offer(name, server_end)
                return
            if name not in served.grant.names:
                self._tell("%s: %r was not granted", name)
                refuse(server_end, Status.ACCESS_DENIED)
                return
            try:
                await served.pass_on(name, server_end)
            except IpcError as error:
                self._tell("%s cannot open %r: %s", name, error)
                if not server_end.closed:
                    lasting = isinstance(error, (NotFound, AccessDenied))
                    refuse(server_end, error.status if lasting else Status.UNAVAILABLE)

    def _tell(self, text: str, *arguments: object) -> None:
        """Log a refusal; a child that goes on must not fill its parent's log."""
        self._told += 1
        if self._told <= _TOLD:
            _log.warning(text, self, *arguments)
        elif self._told == _TOLD + 1:
            _log.warning("%s: what else is refused is not told", self)

    def get_entries(self) -> LocatorGetEntriesResponse:
        grant = self._served.grant
        names = sorted(grant.names | set(grant.offers))[:MAX_ENTRIES]
        return LocatorGetEntriesResponse([Entry(name, State.REGISTERED) for name in names])

    def get_identity(self) -> LocatorGetIdentityResponse:
        return LocatorGetIdentityResponse(self._served.identity)

    def hand_over(self, end: ServerEnd[Locator]) -> None:
        with end:
            if not self._served.admit(end):
                raise HandOverFailed(HandOverError.TOO_MANY_CLIENTS)

    def register(self, names: list[str], outgoing: ClientEnd[Outgoing]) -> None:
        del names, outgoing
        raise RegisterFailed(RegisterError.ACCESS_DENIED)

    def publish(self, service: str, name: str, vmo: Vmo) -> None:
        del service, name, vmo
        raise PublishFailed(PublishError.NOT_REGISTERED)

    def get_trees(self, after: int) -> LocatorGetTreesResponse:
        del after
        return LocatorGetTreesResponse([])

    def get_tree(self, number: int) -> LocatorGetTreeResponse:
        del number
        raise TreeFailed(TreeError.NOT_FOUND)

    def get_usage(self) -> LocatorGetUsageResponse:
        return LocatorGetUsageResponse([])

    def __str__(self) -> str:
        return f"child {self._served.identity.pid}"
