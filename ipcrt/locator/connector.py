"""Connector: a service object that takes in clients' channels, as Android's Binder services do.

    async with await locator.open(ConnectorProxy) as service:      # any way to a Connector will do
        proxy = StoreProxy(await connect_through(service, Store), port)

The client makes a pair, keeps one end, hands the other over and waits for the word that the service
has accepted it. Until then the end is the client's, or the message's; from the answer on it is the
service's, whatever becomes of the channel that it came by.

A server gives each end to its `take`, which owns it unless it raises: `LocatorService` serves it at
once, and where the connector is served on another thread than its service, as Binder's calls are,
`HandOver.add_channel` is that function: it waits until the service's loop has accepted the end.
Source: Monado, IMonado.aidl `connect`, MonadoImpl.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from ipcrt.bindings.ends import ClientEnd, P, ServerEnd, create_endpoints
from ipcrt.errors import IpcError, NoResources, TimedOut, Unavailable
from ipcrt.locator.protocol import (
    ConnectError,
    ConnectFailed,
    Connector,
    ConnectorBlockingProxy,
    ConnectorProxy,
    ConnectorServer,
)
from ipcrt.objects.channel import Channel

TIMEOUT_S: Final = 25.0
"""Seconds to wait for the service's word, unless told otherwise."""

Take = Callable[[Channel], None]
"""Accepts a client's end, which is its own unless it raises an IpcError."""


class ConnectorFace(ConnectorServer):
    """Serves a Connector: hands each end to `take`, and tells the client what came of it."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def connect(self, end: Channel) -> None:
        try:
            self._take(end)
        except IpcError as error:  # the binding closes the end, as with any handler that raises
            raise ConnectFailed(reason_of(error)) from error


def reason_of(error: IpcError) -> ConnectError:
    """Answer what a client is told where its end was not taken because of `error`."""
    if isinstance(error, Unavailable):
        return ConnectError.SHUTTING_DOWN
    if isinstance(error, NoResources):
        return ConnectError.TOO_MANY_CLIENTS
    return ConnectError.TIMED_OUT if isinstance(error, TimedOut) else ConnectError.INVALID_END


async def connect_through(
    service: ConnectorProxy, protocol: type[P], *, timeout: float | None = TIMEOUT_S
) -> ClientEnd[P]:
    """Make a pair, hand one end to a service, wait for its word; the caller owns the other end.

    On every error, and when cancelled, both ends are closed: a service that has taken its end all
    the same sees the client gone.
    Raises: ConnectFailed: the service says why. TimedOut. PeerClosed and what the way there raises.
    """
    with _pair(protocol) as (client, end):
        await service.connect(end.take_channel(), timeout=timeout)
    return client


def connect_through_blocking(
    service: ConnectorBlockingProxy, protocol: type[P], *, timeout: float | None = TIMEOUT_S
) -> ClientEnd[P]:
    """Do as `connect_through`, in a plain thread."""
    with _pair(protocol) as (client, end):
        service.connect(end.take_channel(), timeout=timeout)
    return client


@contextmanager
def _pair(protocol: type[P]) -> Generator[tuple[ClientEnd[P], ServerEnd[P]], None, None]:
    client, end = create_endpoints(protocol)
    with end:
        try:
            yield client, end
        except BaseException:
            client.close()
            raise


NAME: Final = Connector.TABLE.name
"""Under which the locator offers a connector of its own."""
