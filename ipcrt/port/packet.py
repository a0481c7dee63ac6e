"""Packet: what a port hands to whoever waits in it.

Source: zx_port_packet_t.
"""

from __future__ import annotations

from typing import NamedTuple

from ipcrt.port.signals import Signals


class Packet(NamedTuple):
    """Why the port woke up: `key` says for whom, `signals` what the kernel saw.

    `payload` is whatever `Port.queue` was given by another thread; the kernel's own
    packets have none.
    """

    key: int
    signals: Signals = Signals.NONE
    payload: object = None
