"""Which way a wait goes; tests/_speedups compares the two."""

from __future__ import annotations

import types

import pytest

from ipcrt._speedups.chosen import ACTIVE
from ipcrt.port import blocking
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.blocking_ways import Surroundings, Ways
from ipcrt.port.fork import FORKS
from ipcrt.port.interrupts import SCOPE
from ipcrt.port.loop_here import loop_runs_here


def test_the_ways_are_in_c_where_that_is_in_use() -> None:
    kind = types.BuiltinFunctionType if ACTIVE else types.MethodType
    with BlockingPort() as port:
        assert {type(way) for way in (port.finish, port.dispatch)} == {kind}


def test_they_are_told_all_that_a_wait_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Surroundings] = []

    def make_ways(ways: Ways, port: object, around: Surroundings) -> Ways:
        told.append(around)
        return ways

    monkeypatch.setattr(blocking, "make_ways", make_ways)
    with BlockingPort() as port:
        around = told.pop()
        assert around.going is port._waits.going
        assert around.mailbox is port._mailbox
        assert (around.forks, around.scope) == (FORKS, SCOPE)
        assert around.loop_runs_here is loop_runs_here
