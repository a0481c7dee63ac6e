from __future__ import annotations

from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals


def test_a_packet_is_a_plain_value() -> None:
    packet = Packet(1, Signals.READABLE)
    assert packet == (1, Signals.READABLE, None)
    assert Packet(1) == Packet(1, Signals.NONE, None)
    key, signals, payload = packet
    assert (key, signals, payload) == (1, 1, None)
