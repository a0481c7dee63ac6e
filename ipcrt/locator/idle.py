"""Idle: when a locator that nobody uses ends, to be started again by the next client.

1. A client is whoever has a channel here, and whoever serves names that it registered.
2. Only a listener that outlives us loses nobody: a client that comes while we end waits in its
   queue, and has us started again. So a daemon that bound its path itself never ends for this.
3. The listeners are left alone before the last look, so that nobody is accepted behind it.
"""

from __future__ import annotations

from typing import Final

from ipcrt.locator.locator import LocatorService
from ipcrt.objects.handle import Handle
from ipcrt.port.signals import Signals, observe

_A_TURN_S: Final = 0.01
"""Time for whoever waits to be taken in."""


async def wait_unused(locator: LocatorService, listener: Handle, idle_s: float) -> None:
    """Return when the last client has been gone for `idle_s` seconds, and nobody waits to come in.

    Time begins when the locator does. It listens no more then; until then it does. Where the last
    client was a service that had closed its own channel, it may take twice as long: the end of
    that is noticed only when one looks.
    """
    port = locator.port
    while True:
        since = locator.idle_since
        left = idle_s if since is None else since + idle_s - port.clock()
        if left > 0:
            await port.sleep(left)
            continue
        locator.stop_listening()
        if not observe(listener, Signals.READABLE) & Signals.READABLE:
            return
        locator.listen(listener)
        await port.sleep(_A_TURN_S)
