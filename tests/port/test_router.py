from __future__ import annotations

from ipcrt.port.packet import Packet
from ipcrt.port.router import Router


def test_packets_go_to_receivers_or_wait_in_order() -> None:
    queued: list[int] = []
    got: list[Packet] = []
    router = Router(lambda: queued.append(1))
    key = router.new_key()
    router.bind(key, got.append)
    assert not router.deliver(Packet(key))
    assert router.deliver(Packet(1))
    assert router.deliver(Packet(2))
    assert (got, router.queued, len(queued)) == ([Packet(key)], 2, 2)
    assert [router.take(), router.take(), router.take()] == [Packet(1), Packet(2), None]
    router.unbind(key)
    router.unbind(key)
    assert router.receivers == 0
    assert router.deliver(Packet(key))
    router.clear()
    assert router.queued == 0


def test_a_receiver_may_unbind_itself() -> None:
    router = Router(lambda: None)
    key = router.new_key()
    router.bind(key, lambda packet: router.unbind(packet.key))
    assert not router.deliver(Packet(key))
    assert router.deliver(Packet(key))
