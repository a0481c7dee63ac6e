"""Open a protocol in a namespace and answer its proxy: what `connect(Proxy)` does.

1. What is behind a locator is opened as ever: who is turned away learns it while connecting, and
   the connection stays for as long as the proxy.
2. Whatever else there is takes no round trip; the first call tells who was refused.
3. A full queue on the way is waited for, with a pause: no event tells when it has room, since the
   namespace's ends belong to no port.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from ipcrt.bindings.ends import ClientEnd, P
from ipcrt.bindings.proxy import BlockingProxy, Proxy
from ipcrt.errors import ShouldWait, TimedOut
from ipcrt.locator.connect import connect, connect_blocking
from ipcrt.locator.namespace import Namespace
from ipcrt.locator.startup import incoming_namespace
from ipcrt.locator.startup import namespace as startup_namespace
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort

ProxyT = TypeVar("ProxyT", bound=Proxy[Any])
BlockingProxyT = TypeVar("BlockingProxyT", bound=BlockingProxy[Any])

Where: TypeAlias = Namespace | str | None
"""A namespace, lent; or the name of one that this process was started with; None: its own."""

_PAUSE_S: Final = 0.005


@asynccontextmanager
async def open_proxy(
    proxy: type[ProxyT],
    name: str | None,
    where: Where,
    *,
    events: object | None,
    port: AsyncPort | None,
    timeout: float,
) -> AsyncGenerator[ProxyT, None]:
    """Open a protocol from a coroutine; see `connect`."""
    if port is None:
        async with (
            open_port() as own,
            open_proxy(proxy, name, where, events=events, port=own, timeout=timeout) as opened,
        ):
            yield opened
        return
    namespace = _look_up(where)
    wanted = name or proxy.PROTOCOL.TABLE.name
    behind = namespace.locator_of(wanted)
    if behind is not None:
        at, rest = behind
        async with (
            connect(at.path, port=port, timeout=timeout) as locator,
            await locator.open(proxy, rest, events=events) as opened,
        ):
            yield opened
        return
    end = await _open_end(namespace, proxy.PROTOCOL, wanted, port, timeout)
    with end:
        async with proxy(end, port, events) as opened:
            yield opened


@contextmanager
def open_blocking_proxy(
    proxy: type[BlockingProxyT],
    name: str | None,
    where: Where,
    *,
    events: object | None,
    port: BlockingPort | None,
    timeout: float,
) -> Generator[BlockingProxyT, None, None]:
    """Open a protocol from a plain thread; see `connect_blocking`."""
    if port is None:
        with (
            BlockingPort() as own,
            open_blocking_proxy(
                proxy, name, where, events=events, port=own, timeout=timeout
            ) as opened,
        ):
            yield opened
        return
    namespace = _look_up(where)
    wanted = name or proxy.PROTOCOL.TABLE.name
    behind = namespace.locator_of(wanted)
    if behind is not None:
        at, rest = behind
        with (
            connect_blocking(at.path, port=port, timeout=timeout) as locator,
            locator.open(proxy, rest, events=events) as opened,
        ):
            yield opened
        return
    end = _open_end_blocking(namespace, proxy.PROTOCOL, wanted, timeout)
    with end, proxy(end, port, events) as opened:
        yield opened


async def _open_end(
    namespace: Namespace, protocol: type[P], name: str, port: AsyncPort, timeout: float
) -> ClientEnd[P]:
    """Open without a locator (rule 3). Raises: as `Namespace.open_now`; TimedOut."""
    until = port.until(timeout)
    while True:
        try:
            return namespace.open_now(protocol, name)
        except ShouldWait as error:
            if not port.left(until):
                raise _stays_full(name, timeout) from error
        await port.sleep(_PAUSE_S)


def _open_end_blocking(
    namespace: Namespace, protocol: type[P], name: str, timeout: float
) -> ClientEnd[P]:
    """As `_open_end`, in a plain thread."""
    until = time.monotonic() + timeout
    while True:
        try:
            return namespace.open_now(protocol, name)
        except ShouldWait as error:
            if time.monotonic() >= until:
                raise _stays_full(name, timeout) from error
        time.sleep(_PAUSE_S)


def _look_up(where: Where) -> Namespace:
    """Raises: NotFound: this process was started with no such namespace."""
    if isinstance(where, Namespace):
        return where
    return incoming_namespace() if where is None else startup_namespace(where)


def _stays_full(name: str, timeout: float) -> TimedOut:
    return TimedOut(f"who serves {name} has had no room for {timeout:g} seconds")
