"""Which readers a port may wait in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.direct import DirectReader
from ipcrt.port.signals import Signals
from tests.port.test_blocking import Direct

KEY = 7
Scene = tuple[BlockingPort, Channel, Channel]


@pytest.fixture
def scene() -> Iterator[Scene]:
    near, far = Channel.create()
    with BlockingPort() as port, near, far:
        yield port, near, far


def direct(port: BlockingPort, channel: Channel) -> DirectReader | None:
    return port._watches[channel.fileno()].direct()


def test_only_a_reader_that_says_so_waits_by_itself(scene: Scene) -> None:
    port, near, _ = scene
    port.add_reader(near, lambda: None)
    assert direct(port, near) is None
    reader: DirectReader = Direct(near, port)
    assert direct(port, near) is reader
    port.wait_async(near, KEY, Signals.PEER_GONE)
    port.remove_reader(near)
    assert direct(port, near) is None


def test_what_a_read_does_not_tell_the_poller_has_to(scene: Scene) -> None:
    port, near, _ = scene
    reader = Direct(near, port)
    port.wait_async(near, KEY, Signals.PEER_GONE)
    assert direct(port, near) is reader
    for signals in (Signals.WRITABLE, Signals.PEER_CLOSED, Signals.READABLE | Signals.PEER_GONE):
        port.wait_async(near, KEY + 1, signals)
        assert direct(port, near) is None
        port.cancel(near, KEY + 1)
    assert direct(port, near) is reader
