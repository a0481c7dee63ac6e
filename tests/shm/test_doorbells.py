from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipcrt.errors import NoResources
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.shm import doorbells
from ipcrt.shm.doorbells import Doorbells


@pytest.fixture
def bells() -> Iterator[Doorbells]:
    made = Doorbells()
    yield made
    made.close()


def test_all_readers_hear_a_ring(bells: Doorbells) -> None:
    with bells.add() as first, bells.add() as second:
        assert not first.is_signaled()
        bells.ring()
        assert first.is_signaled()
        assert second.is_signaled()
        first.clear()
        assert not first.is_signaled()


def test_a_reader_that_is_gone_is_forgotten(bells: Doorbells) -> None:
    first = bells.add()
    with bells.add() as second:
        first.close()
        bells.ring()
        assert len(bells) == 1
        assert second.is_signaled()


def test_a_reader_that_never_looks_stops_nobody(bells: Doorbells) -> None:
    with bells.add() as deaf, bells.add() as second:
        for _ in range(2000):
            bells.ring()
            second.clear()
        assert len(bells) == 2
        deaf.clear()
        assert not deaf.is_signaled()


def test_there_are_only_so_many(bells: Doorbells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbells, "MAX_BELLS", 2)
    ends: list[EventPair] = [bells.add(), bells.add()]
    with pytest.raises(NoResources):
        bells.add()
    ends.pop().close()
    bells.ring()
    ends.append(bells.add())
    for end in ends:
        end.close()


def test_readers_are_told_when_the_writer_is_gone(bells: Doorbells) -> None:
    with bells.add() as end:
        bells.close()
        assert wait_one(end, Signals.PEER_CLOSED, 0) == Signals.PEER_CLOSED
    assert not bells
