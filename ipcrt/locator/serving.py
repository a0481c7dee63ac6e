"""Serving: one daemon's life on its event loop, from READY=1 to STOPPING=1."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from ipcrt.errors import IpcError
from ipcrt.locator.account import Diagnostics
from ipcrt.locator.fd_store import FdStore
from ipcrt.locator.idle import wait_unused
from ipcrt.locator.locator import LocatorLimits, LocatorService
from ipcrt.locator.notify import Notifier
from ipcrt.locator.policy import Policy
from ipcrt.locator.put_away import SETTLE_S, put_away
from ipcrt.locator.restore import restore
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port

_log: Final = logging.getLogger("ipcrt.locator")

_EACH_S: Final = 0.01
"""What one client takes on a slow machine, which is twenty times as long as on a usual one."""

Show = Callable[[AsyncPort], AbstractContextManager[Diagnostics]]
"""Makes what shows the locator's own account; it is shown inside the context."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How a daemon serves."""

    policy: Policy
    read_policy: Callable[[], Policy]
    """Reads the policy again. Raises: IpcError: it is not good."""
    limits: LocatorLimits
    fd_store: int | None = None
    """See `FdStore`."""
    idle_exit_s: float | None = None
    """After how many seconds without a client to end; None: never."""
    show: Show | None = None


async def serve(listener: Handle, stored: Sequence[tuple[str, Handle]], plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT, or until nobody has used us for long.

    `stored` is what a predecessor has put away; it is owned from here on.
    """
    notifier = Notifier.from_environment()
    store = FdStore(notifier, plan.fd_store)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    async with open_port() as port:
        locator = LocatorService(port, plan.policy, plan.limits)
        loop.add_signal_handler(signal.SIGHUP, _reload, locator, plan)
        with ExitStack() as stack:
            stack.callback(locator.close)
            if plan.show is not None:
                _show(locator, plan.show, stack)
            if stored:
                notifier.extend_timeout(_at_most_us(len(stored)))
                _take_up(locator, stored, store)
            locator.listen(listener)
            notifier.ready()
            if notifier.watchdog_interval_us is not None:
                port.spawn(_feed_watchdog(port, notifier), "watchdog")
            if plan.idle_exit_s is not None:
                port.spawn(_end_unused(locator, listener, plan.idle_exit_s, over), "idle exit")
            await over.wait()
            notifier.stopping()
            _log.info("stopping: %s", locator.statistics())
            if store.capacity:
                notifier.extend_timeout(_at_most_us(len(locator.guests())))
                _log.info("%d descriptors are kept", await put_away(locator, store))


def _take_up(locator: LocatorService, stored: Sequence[tuple[str, Handle]], store: FdStore) -> None:
    """Serve a predecessor's clients.

    They leave the store first: what is read from now on, no successor would know of.
    """
    store.clear()
    restore(locator, stored)


def _at_most_us(clients: int) -> int:
    """Answer what putting so many away, or taking them up, may take, whatever the unit allows."""
    return round((SETTLE_S + clients * _EACH_S) * 1e6)


async def _end_unused(
    locator: LocatorService, listener: Handle, idle_s: float, over: asyncio.Event
) -> None:
    await wait_unused(locator, listener, idle_s)
    _log.info("nobody has come for %g s", idle_s)
    over.set()


def _show(locator: LocatorService, show: Show, stack: ExitStack) -> None:
    """Show the locator until the stack unwinds; it serves without that as well."""
    try:
        locator.show(stack.enter_context(show(locator.port)))
    except IpcError as error:
        _log.warning("no diagnostics of the locator itself: %s", error)


def _reload(locator: LocatorService, plan: Plan) -> None:
    """Read the policy again; one that is not good changes nothing."""
    try:
        locator.policy = plan.read_policy()
    except IpcError as error:
        _log.error("the old policy stays: %s", error)
    else:
        _log.info("policy read again")


async def _feed_watchdog(port: AsyncPort, notifier: Notifier) -> None:
    """Say that the loop turns, twice as often as it is expected."""
    assert notifier.watchdog_interval_us is not None
    while True:
        notifier.watchdog()
        await port.sleep(notifier.watchdog_interval_us / 2e6)
