"""Resources by way of the locator: which name serves a scheme, and opening and offering it.

    async with connect() as locator, await open_resources(locator, "file:///etc/motd") as client:
        async with await client.open("file:///etc/motd") as data:
            ...

1. A scheme has one name: `file` is "ipcrt.resources/File", `tcp-listen` is
   "ipcrt.resources/TcpListen". No two schemes share one.
2. Each channel that is opened under such a name is a control channel. Opening is pipelined, as of
   every protocol: who is refused learns it at the first call.
3. A client's calls are cancelled when it goes, as on every control channel; its data goes on.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import anyio

from ipcrt.bindings.server import Limits
from ipcrt.errors import InvalidArgs, IpcError
from ipcrt.locator.connect import BlockingLocatorClient, LocatorClient
from ipcrt.locator.service import Factory, ServiceLimits
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.limits import MAX_ARGS_BYTES
from ipcrt.resources.messages import Control
from ipcrt.resources.routes import Routes
from ipcrt.resources.serving import ControlServer, ResourceLimits

LIBRARY: Final = "ipcrt.resources"
MAX_SCHEME: Final = 32
"""Characters of a scheme that has a name."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
_MESSAGE_BYTES: Final = MAX_ARGS_BYTES + (64 << 10)


def scheme_of(uri: str) -> str:
    """Answer the scheme of a URI; without a colon it is one already.

    Raises: InvalidArgs: not words of lower-case letters and digits with hyphens between them, or
    longer than 32 characters. Source: RFC 3986, 3.1 (which allows `+` and `.` as well).
    """
    scheme = uri.partition(":")[0]
    if len(scheme) > MAX_SCHEME or _SCHEME.fullmatch(scheme) is None:
        raise InvalidArgs(f"{scheme!r:.40} is no scheme, such as file or tcp-listen")
    return scheme


def name_of(uri_or_scheme: str) -> str:
    """Answer the name that the server of a scheme registers (rule 1). Raises: InvalidArgs."""
    words = scheme_of(uri_or_scheme).split("-")
    return f"{LIBRARY}/{''.join(map(str.capitalize, words))}"


async def open_resources(locator: LocatorClient, uri_or_scheme: str) -> ResourceClient:
    """Open a control channel to the server of a URI's scheme; the caller owns the client.

    Returns before anybody has agreed (rule 2): the first call raises AccessDenied where policy
    does not grant the name, NotFound where nobody serves it. Raises: InvalidArgs.
    """
    end = await locator.open_end(Control, name_of(uri_or_scheme))
    with end:
        return ResourceClient(end.take_channel(), locator.port)


def open_resources_blocking(
    locator: BlockingLocatorClient, uri_or_scheme: str
) -> BlockingResourceClient:
    """Do as `open_resources`, in a plain thread."""
    with locator.open_end(Control, name_of(uri_or_scheme)) as end:
        return BlockingResourceClient(end.take_channel(), locator.port)


class LocatedApp(ResourceApp):
    """A server of resources whose clients the locator sends: `provide(port, {name: factory})`."""

    def factory(self, port: AsyncPort) -> Factory:
        """Answer what makes each client's server, for `ipcrt.locator.service.provide`."""
        return lambda peer: LocatedServer(
            f"{self._name} of uid {peer.identity.uid}", self._routes, port, self._limits
        )

    def service_limits(self) -> ServiceLimits:
        """Answer what `provide` has to allow each client: the app's own limits."""
        return ServiceLimits(client=Limits(self._limits.calls_in_flight, _MESSAGE_BYTES))


class LocatedServer(ControlServer):
    """Takes one client's calls, on a binding that the service's directory made.

    That one hears one-way messages to the end, which all messages of a client are here: rule 3.
    """

    def __init__(self, name: str, routes: Routes, port: AsyncPort, limits: ResourceLimits) -> None:
        super().__init__(name, routes, port, limits)
        self._scopes: set[anyio.CancelScope] = set()
        self._gone = False

    def client_gone(self, reason: IpcError) -> None:
        super().client_gone(reason)
        self._gone = True
        for scope in self._scopes:
            scope.cancel()

    async def open(self, call_id: int, uri: str) -> None:
        with self._until_gone():
            await super().open(call_id, uri)

    async def invoke(self, call_id: int, method: str, args: bytes) -> None:
        with self._until_gone():
            await super().invoke(call_id, method, args)

    async def pipe(self, call_id: int, uri: str, write_to: Handle) -> None:
        with self._until_gone():
            await super().pipe(call_id, uri, write_to)

    @contextmanager
    def _until_gone(self) -> Generator[None, None, None]:
        """Cancel what runs inside when the client has gone."""
        with anyio.CancelScope() as scope:
            if self._gone:
                scope.cancel()
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)
