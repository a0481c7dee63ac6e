from __future__ import annotations

import pytest

from ipcrt_services.monado.bindings import (
    MAX_CLIENTS,
    Refusal,
    SessionEvent,
    SessionInfo,
    SessionKind,
)
from ipcrt_services.monado.roster import Member, Roster
from tests.services.monado.refusing import refused

SHOWN = SessionEvent(True, True)
HIDDEN = SessionEvent(False, False)
UNFOCUSED = SessionEvent(True, False)


@pytest.fixture
def roster() -> Roster:
    return Roster()


def run(roster: Roster, kind: SessionKind = SessionKind.MAIN, z_order: int = 0) -> Member:
    member = roster.add(1)
    roster.create(member, SessionInfo(kind, z_order))
    roster.begin(member)
    return member


def test_a_session_has_its_order(roster: Roster) -> None:
    member = roster.add(1)
    for call in (roster.begin, roster.end, roster.destroy):
        assert refused(call, member) is Refusal.NO_SESSION
    roster.create(member, SessionInfo(SessionKind.MAIN, 0))
    assert refused(roster.end, member) is Refusal.SESSION_NOT_RUNNING
    info = SessionInfo(SessionKind.MAIN, 0)
    assert refused(roster.create, member, info) is Refusal.SESSION_EXISTS
    roster.begin(member)
    assert refused(roster.begin, member) is Refusal.SESSION_RUNNING
    roster.end(member)
    roster.begin(member)
    roster.destroy(member)
    roster.create(member, info)


def test_the_first_to_begin_is_primary_until_it_ends(roster: Roster) -> None:
    first, second = run(roster), run(roster)
    assert roster.primary is first
    assert [roster.is_visible(each) for each in (first, second)] == [True, False]
    roster.end(first)
    assert roster.primary is second
    roster.begin(first)
    assert roster.primary is second


def test_whoever_is_named_is_primary_while_it_runs(roster: Roster) -> None:
    first, second = run(roster), run(roster)
    roster.set_primary(second.id)
    assert roster.shown() == [second]
    roster.end(second)
    assert roster.shown() == [first]
    roster.begin(second)
    assert roster.shown() == [second]


def test_overlays_lie_above_in_their_order(roster: Roster) -> None:
    high = run(roster, SessionKind.OVERLAY, 5)
    low = run(roster, SessionKind.OVERLAY, -1)
    main, other = run(roster), run(roster)
    assert roster.shown() == [main, low, high]
    assert other not in roster.shown()
    low.z_order = 9
    assert roster.shown() == [main, high, low]


def test_the_focus_is_the_primarys_unless_named(roster: Roster) -> None:
    main, overlay = run(roster), run(roster, SessionKind.OVERLAY)
    assert roster.is_focused(main)
    roster.set_focused(overlay.id)
    assert roster.is_focused(overlay)
    assert not roster.is_focused(main)
    roster.remove(overlay)
    assert roster.is_focused(main)


def test_each_is_told_of_what_changes(roster: Roster) -> None:
    first, second = run(roster), run(roster)
    assert roster.take_events(first) == [SHOWN]
    assert roster.take_events(first) == []
    roster.set_primary(second.id)
    assert roster.take_events(first) == [HIDDEN]
    assert roster.take_events(second) == [SHOWN]
    roster.set_focused(first.id)
    assert roster.take_events(first) == [SessionEvent(False, True)]
    assert roster.take_events(second) == [UNFOCUSED]


def test_who_never_asks_is_told_the_newest(roster: Roster) -> None:
    first, second = run(roster), run(roster)
    for _ in range(100):
        roster.set_primary(second.id)
        roster.set_primary(first.id)
    events = roster.take_events(first)
    assert len(events) == 16
    assert events[-1] == SHOWN


def test_numbers_are_never_used_again(roster: Roster) -> None:
    first = roster.add(1)
    roster.remove(first)
    assert roster.add(1).id != first.id
    for call in (roster.get, roster.set_primary, roster.set_focused, roster.toggle_io):
        assert refused(call, first.id) is Refusal.NO_SUCH_CLIENT


def test_devices_are_taken_away_and_given_back(roster: Roster) -> None:
    member = roster.add(1)
    assert [roster.toggle_io(member.id) for _ in range(2)] == [False, True]


def test_only_so_many_numbers_are_told(roster: Roster) -> None:
    for _ in range(MAX_CLIENTS + 5):
        roster.add(1)
    assert len(roster.ids()) == MAX_CLIENTS
