from __future__ import annotations

import itertools

from ipcrt_services.monado.bindings import Refusal
from ipcrt_services.monado.pacing import Display, Pacing
from tests.services.monado.refusing import refused

MS = 1_000_000
PERIOD = 10 * MS
DISPLAY = Display(epoch_ns=1000 * MS, period_ns=PERIOD, compose_ns=3 * MS)


def play(pacing: Pacing, start_ns: int, draw_ns: int) -> tuple[int, int]:
    """One whole frame; answer when it is shown, and when it was delivered."""
    frame = pacing.predict(start_ns)
    woke = max(frame.wake_up_ns, start_ns)
    pacing.woke(frame.frame_id)
    pacing.begin(frame.frame_id, woke)
    pacing.deliver(frame.frame_id, woke + draw_ns)
    return frame.display_ns, woke + draw_ns


def test_the_display_keeps_its_pace() -> None:
    assert DISPLAY.next_after(1000 * MS) == 1010 * MS
    assert DISPLAY.next_after(1010 * MS - 1) == 1010 * MS
    assert DISPLAY.next_after(0) == 10 * MS
    assert DISPLAY.deadline_of(1010 * MS) == 1007 * MS


def test_each_period_gets_one_frame_and_none_is_missed() -> None:
    pacing, now = Pacing(DISPLAY), 2000 * MS
    shown: list[int] = []
    for _ in range(50):
        display_ns, now = play(pacing, now, 2 * MS)
        shown.append(display_ns)
    assert [b - a for a, b in itertools.pairwise(shown)] == [PERIOD] * 49
    assert (pacing.frames, pacing.missed) == (50, 0)


def test_a_client_wakes_early_enough_to_draw() -> None:
    pacing, now, display_ns = Pacing(DISPLAY), 2000 * MS, 0
    for draw_ns in [1 * MS] * 30 + [5 * MS] * 60:
        display_ns, now = play(pacing, now, draw_ns)
    assert now <= DISPLAY.deadline_of(display_ns)
    frame = pacing.predict(now)
    assert DISPLAY.deadline_of(frame.display_ns) - frame.wake_up_ns == PERIOD
    assert frame.wake_up_ns == DISPLAY.deadline_of(display_ns), "when the one before was due"


def test_a_client_that_draws_fast_wakes_late_and_has_time_to_spare() -> None:
    pacing, now = Pacing(DISPLAY), 2000 * MS
    for _ in range(30):
        _, now = play(pacing, now, 1 * MS)
    frame = pacing.predict(now)
    assert DISPLAY.deadline_of(frame.display_ns) - frame.wake_up_ns == 5 * MS


def test_a_client_may_take_all_of_a_period_now_and_then() -> None:
    pacing, now = Pacing(DISPLAY), 2000 * MS
    for number in range(60):
        _, now = play(pacing, now, (9 if number % 10 == 9 else 3) * MS)
    assert (pacing.frames, pacing.missed) == (60, 0)


def test_one_slow_frame_does_not_slow_down_the_next() -> None:
    pacing, now = Pacing(DISPLAY), 2000 * MS
    for _ in range(30):
        _, now = play(pacing, now, 1 * MS)
    late, now = play(pacing, now, 9 * MS)
    following, _ = play(pacing, now, 1 * MS)
    assert following - late == PERIOD


def test_what_comes_late_and_what_is_left_out_is_missed() -> None:
    pacing = Pacing(DISPLAY)
    display_ns, _ = play(pacing, 2000 * MS, 1 * MS)
    assert pacing.missed == 0
    late = pacing.predict(display_ns)
    pacing.begin(late.frame_id, display_ns)
    pacing.deliver(late.frame_id, DISPLAY.deadline_of(late.display_ns) + 1)
    assert pacing.missed == 1
    play(pacing, late.display_ns + 3 * PERIOD, 1 * MS)
    assert pacing.missed == 1 + 2


def test_a_pause_misses_nothing() -> None:
    pacing = Pacing(DISPLAY)
    display_ns, _ = play(pacing, 2000 * MS, 1 * MS)
    pacing.pause()
    play(pacing, display_ns + 50 * PERIOD, 1 * MS)
    assert (pacing.frames, pacing.missed) == (2, 0)


def test_frames_have_their_order() -> None:
    pacing = Pacing(DISPLAY)
    first = pacing.predict(2000 * MS).frame_id
    assert refused(pacing.woke, first + 1) is Refusal.BAD_FRAME
    assert refused(pacing.deliver, first, 0) is Refusal.BAD_FRAME
    pacing.woke(first)
    assert refused(pacing.woke, first) is Refusal.BAD_FRAME
    pacing.begin(first, 0)
    assert refused(pacing.begin, first, 0) is Refusal.BAD_FRAME
    second = pacing.predict(2000 * MS).frame_id  # two under way
    assert refused(pacing.begin, second, 0) is Refusal.BAD_FRAME
    pacing.deliver(first, 0)
    assert refused(pacing.deliver, first, 0) is Refusal.BAD_FRAME
    pacing.discard(second)
    assert refused(pacing.discard, second) is Refusal.BAD_FRAME


def test_no_two_predictions_are_for_one_period() -> None:
    pacing = Pacing(DISPLAY)
    shown = [pacing.predict(2000 * MS).display_ns for _ in range(5)]
    assert shown == sorted(set(shown))


def test_who_only_predicts_is_not_kept_for_ever() -> None:
    pacing = Pacing(DISPLAY)
    first = pacing.predict(2000 * MS).frame_id
    last = max(pacing.predict(2000 * MS).frame_id for _ in range(1000))
    assert refused(pacing.begin, first, 0) is Refusal.BAD_FRAME
    assert len(pacing._under_way) < 10
    pacing.begin(last, 0)
