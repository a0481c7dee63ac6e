from __future__ import annotations

import logging
import time

import pytest

from ipcrt.errors import BadHandle, BadState, OutOfRange
from ipcrt.inspect.inspector import Inspector
from ipcrt.inspect.snapshot import Snapshot
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort


def read(inspector: Inspector) -> Snapshot:
    with inspector.duplicate_vmo() as vmo:
        return Snapshot.read(vmo)


def test_lazy_nodes_are_as_old_as_the_last_refresh() -> None:
    with Inspector() as inspector:
        numbers = {"n": 1}
        lazy = inspector.lazy("l", lambda: numbers)
        numbers["n"] = 2
        before = read(inspector)
        assert (before.root.find("l", "n"), before.age_ns()) == (1, None)
        inspector.refresh()
        after = read(inspector)
        assert after.root.find("l", "n") == 2
        age = after.age_ns()
        assert age is not None
        assert 0 <= age < 20e9
        lazy.close()
        inspector.refresh()
        assert not read(inspector).root.children


def test_a_lazy_node_ends_with_the_node_above() -> None:
    with Inspector() as inspector:
        pulled: list[int] = []

        def pull() -> dict[str, int]:
            pulled.append(1)
            return {"n": len(pulled)}

        above = inspector.root.child("above")
        inspector.lazy("l", pull, under=above)
        assert read(inspector).root.find("above", "l", "n") == 1
        above.close()
        inspector.refresh()
        assert pulled == [1]


def test_a_pull_that_fails_shows_why_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with Inspector() as inspector, caplog.at_level(logging.ERROR, "ipcrt.inspect"):
        zero = 0
        inspector.lazy("bad", lambda: {"x": 1 // zero})
        inspector.lazy("good", lambda: {"x": 1})
        inspector.refresh()
        root = read(inspector).root
        assert str(root.find("bad", "error")).startswith("ZeroDivisionError")
        assert root.find("good", "x") == 1
        assert len(caplog.records) == 1, "told once, not at every refresh"
        zero = 1
        inspector.refresh()
        assert read(inspector).root.find("bad", "x") == 1


def test_refreshes_while_the_port_is_served() -> None:
    with BlockingPort() as port, Inspector() as inspector:
        inspector.lazy("port", port.statistics)
        inspector.refresh_every(port, 0.01)
        first = read(inspector)
        assert first.period_ns == 10_000_000
        waiter = port.create_waiter()
        port.deadlines.add(0.1, lambda: waiter.set_result(None))
        port.run_until(waiter)
        second = read(inspector)
        assert second.refreshed_ns > first.refreshed_ns
        assert second.root.find("port", "turns") != first.root.find("port", "turns")
        inspector.refresh_every(port, 60)
        assert port.statistics()["deadlines"] == 1, "the old rate ended"
        inspector.close()
        assert port.statistics()["deadlines"] == 0


@pytest.mark.anyio
async def test_refreshes_on_every_loop() -> None:
    async with open_port() as port:
        with Inspector() as inspector:
            inspector.lazy("port", port.statistics)
            inspector.refresh_every(port, 0.01)
            first = read(inspector).refreshed_ns
            await port.sleep(0.1)
            assert read(inspector).refreshed_ns > first


def test_a_rate_that_makes_no_sense_is_refused() -> None:
    port = BlockingPort()
    with Inspector() as inspector:
        for seconds in (0, -1, float("nan"), 1e9):
            with pytest.raises(OutOfRange):
                inspector.refresh_every(port, seconds)
        port.close()
        with pytest.raises(BadState):
            inspector.refresh_every(port, 1)


def test_atomic_changes_are_seen_together() -> None:
    with Inspector() as inspector:
        first, second = inspector.root.int("a"), inspector.root.int("b")
        with inspector.duplicate_vmo() as vmo:
            before = Snapshot.read(vmo).generation
            with inspector.atomic():
                first.add()
                with inspector.atomic():
                    second.add()
                inside = Snapshot.read(vmo, 0)
                assert inside.torn
            after = Snapshot.read(vmo)
            assert (after.generation, after.torn) == (before + 2, False)


def test_a_full_tree_raises_nothing_and_says_so() -> None:
    with Inspector(max_bytes=256) as inspector:
        handles = [inspector.root.int(f"n{index}") for index in range(20)]
        for handle in handles:
            handle.add()
        assert handles[-1].value == 1
        inspector.lazy("l", lambda: {"x": 1})
        inspector.refresh()
        snapshot = read(inspector)
        assert snapshot.dropped == 14 + 2
        assert len(snapshot.root.properties) == 6
        assert snapshot.used_bytes == inspector.statistics()["used_bytes"] == 256


def test_closing_leaves_the_last_state_to_those_who_hold_it() -> None:
    inspector = Inspector()
    node = inspector.root.child("n")
    number = node.int("i", 3)
    vmo = inspector.duplicate_vmo()
    with inspector.atomic(), pytest.raises(BadState):
        inspector.close()
    inspector.close()
    inspector.close()
    number.set(4)
    number.add()
    node.string("late", "x").set("y")
    node.close()
    inspector.lazy("late", lambda: {"x": 1})
    inspector.refresh()
    with pytest.raises(BadHandle):
        inspector.duplicate_vmo()
    with vmo:
        assert Snapshot.read(vmo).root.find("n", "i") == 3


def test_the_age_is_on_the_clock_of_all_processes() -> None:
    with Inspector() as inspector:
        before = time.monotonic_ns()
        inspector.refresh()
        snapshot = read(inspector)
        assert before <= snapshot.refreshed_ns <= time.monotonic_ns()
        assert snapshot.age_ns(snapshot.refreshed_ns + 5) == 5
        assert snapshot.age_ns(0) == 0, "never negative, whatever a writer claims"
