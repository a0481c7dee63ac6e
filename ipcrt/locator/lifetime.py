"""Lifetimes: what a client leaves with the locator ends with the client's process at the latest.

A client may hand over, or register, the far end of a channel whose near end the locator holds
already. Then nobody but the locator itself would keep both, for ever: no hang-up would tell.
"""

from __future__ import annotations

from collections.abc import Callable

from ipcrt.objects.process import Process
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals


def when_ended(port: Port, process: Process, act: Callable[[], None]) -> None:
    """Call `act` when the process has ended, or soon if it has already; once.

    `process` stays the caller's; closing it calls this off.
    Raises: BadHandle, NoResources, BadState.
    """
    key = port.new_key()

    def receive(packet: Packet) -> None:
        port.unbind(key)
        if not packet.signals & Signals.HANDLE_CLOSED:
            act()

    port.bind(key, receive)
    try:
        port.wait_async(process, key, Signals.TERMINATED)
    except BaseException:
        port.unbind(key)
        raise
