from __future__ import annotations

import collections
from collections.abc import Callable, Iterator

import pytest

from ipcrt.errors import InvalidArgs
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port import busy_poll
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.busy_poll import MAX_US, SLICE_US, VARIABLE, Backoff, LoopSpinner, busy_poll_us
from tests.port.test_blocking import Direct

LONG_US = 1_000
ROUNDING_S = 1e-9
BAD = ["-1", "1.5", "fast", "1000001"]


def test_what_is_given_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert (busy_poll_us(None), busy_poll_us(7)) == (0, 7)
    monkeypatch.setenv(VARIABLE, " 50 ")
    assert (busy_poll_us(None), busy_poll_us(7), busy_poll_us(0)) == (50, 7, 0)
    monkeypatch.setenv(VARIABLE, "")
    assert busy_poll_us(None) == 0


@pytest.mark.parametrize("text", BAD)
def test_a_bad_value_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(InvalidArgs, match=f"IPCRT_BUSY_POLL_US is '{text}'; it takes micro"):
        BlockingPort()
    BlockingPort(0).close()
    monkeypatch.delenv(VARIABLE)
    for number in (-1, MAX_US + 1):
        with pytest.raises(InvalidArgs, match=f"busy_poll_us is {number}; it takes microseconds"):
            BlockingPort(busy_poll_us=number)


@pytest.mark.anyio
async def test_a_bad_value_makes_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgs):
        async with open_port(busy_poll_us=-1):
            pass


# ------------------------------------------------------------------------------------- backing off


def skipped(backoff: Backoff) -> int:
    """How many messages pass until a spin is tried."""
    count = 0
    while not backoff.ready():
        count += 1
    return count


def test_spins_that_fail_are_tried_less_and_less() -> None:
    backoff = Backoff()
    pauses: list[int] = []
    for _ in range(81):
        pauses.append(skipped(backoff))
        backoff.learn(found=False)
    assert pauses[::8] == [0, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024, 1024]
    assert sum(pauses) == sum(pauses[::8])
    backoff.learn(found=True)
    for _ in range(8):
        assert skipped(backoff) == 0
        backoff.learn(found=False)
    assert skipped(backoff) == 16
    assert (backoff.spins, backoff.found) == (90, 1)


# ---------------------------------------------------------------------------------------- on a loop


class Loop:
    """Calls back when it is told to, and counts turns. Its time passes in spins only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ready: collections.deque[Callable[[], object]] = collections.deque()
        self.backoff = Backoff()
        self.spinner = LoopSpinner(LONG_US, self.ready.append, self.backoff)

    def turn(self) -> bool:
        """Run what was ready when the turn began; False: nothing was."""
        count = len(self.ready)
        for _ in range(count):
            self.ready.popleft()()
        return count > 0

    def turns(self) -> int:
        count = 0
        while self.turn():
            count += 1
        return count


class Spun:
    """A reader that finds nothing, or what `find` answers, and notes how long it was to look."""

    def __init__(self, loop: Loop) -> None:
        self.received = 0
        self.spins: list[float] = []
        self._loop = loop
        self.find: Callable[[], bool] = lambda: False

    def nap(self) -> bool:
        raise NotImplementedError

    def spin(self, until: float) -> bool:
        self.spins.append(until - self._loop.now)
        self.received += 1
        if self.find():
            return True
        self.received -= 1
        self._loop.now = until
        return False


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    made = Loop()
    monkeypatch.setattr(busy_poll, "monotonic", lambda: made.now)
    yield made
    assert not made.ready


def test_a_spin_lets_others_run_between_slices_and_ends(loop: Loop) -> None:
    reader = Spun(loop)
    loop.spinner.expect(reader)
    assert reader.spins == [], "whatever is ready goes first"
    turns = loop.turns()
    assert turns == len(reader.spins)
    assert turns == pytest.approx(LONG_US / SLICE_US, abs=1)
    assert all(spin <= SLICE_US / 1e6 + ROUNDING_S for spin in reader.spins)
    assert sum(reader.spins) <= LONG_US / 1e6 + ROUNDING_S
    assert (loop.backoff.spins, loop.backoff.found) == (1, 0)


def test_what_a_spin_finds_ends_it(loop: Loop) -> None:
    reader = Spun(loop)
    reader.find = lambda: True
    loop.spinner.expect(reader)
    assert loop.turns() == 1
    assert (len(reader.spins), loop.backoff.found) == (1, 1)


def test_what_the_loop_reads_meanwhile_ends_a_spin(loop: Loop) -> None:
    reader = Spun(loop)
    loop.spinner.expect(reader)
    loop.turn()
    reader.received += 1
    count = len(reader.spins)
    loop.turns()
    assert (len(reader.spins), loop.backoff.found) == (count, 1)


def test_whoever_answers_at_once_is_looked_at_again_in_its_slice(loop: Loop) -> None:
    reader = Spun(loop)

    def answer() -> bool:
        loop.spinner.expect(reader)
        loop.now += SLICE_US / 1e6 / 4
        return True

    reader.find = answer
    loop.spinner.expect(reader)
    assert loop.turn()
    assert len(reader.spins) == loop.backoff.found == pytest.approx(4, abs=1)
    loop.spinner.stop()
    loop.turns()


def test_a_reader_that_cannot_look_now_is_left_alone(loop: Loop) -> None:
    class Unable(Spun):
        def spin(self, until: float) -> bool:
            self.spins.append(until)
            return False

    reader = Unable(loop)
    loop.spinner.expect(reader)
    assert loop.turns() == 1
    assert (len(reader.spins), loop.backoff.spins) == (1, 0)


def test_who_stops_looks_no_more(loop: Loop) -> None:
    reader = Spun(loop)
    loop.spinner.expect(reader)
    loop.spinner.stop()
    loop.turns()
    assert reader.spins == []


def test_spins_that_fail_stop(loop: Loop) -> None:
    reader = Spun(loop)
    for _ in range(100):
        loop.spinner.expect(reader)
        loop.turns()
    assert 8 <= loop.backoff.spins < 30


# -------------------------------------------------------------------------------- on a plain thread


def test_a_plain_thread_looks_before_it_sleeps() -> None:
    near, far = Channel.create()
    with BlockingPort(busy_poll_us=MAX_US) as port, near, far:
        reader = Direct(near, port)
        far.write(b"news")
        port.dispatch(-1)
        assert (reader.got, reader.naps) == ([b"news"], 0)
        with Event.create() as event:
            port.add_reader(event, event.clear)
            event.signal()
            port.dispatch(-1)
            assert not event.is_signaled()
        assert port.statistics()["spins_found"] == 2


def test_a_plain_thread_stops_to_look_when_nothing_comes() -> None:
    near, far = Channel.create()
    with BlockingPort(busy_poll_us=1) as port, near, far:
        reader = Direct(near, port)

        def nap() -> bool:
            far.write(b"late")
            return reader.read()

        reader.nap = nap  # type: ignore[method-assign]
        for _ in range(100):
            port.dispatch(-1)
        assert 8 <= port.statistics()["spins"] < 30
        assert len(reader.got) == 100


def test_who_does_not_ask_for_it_never_spins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with BlockingPort() as port:
        assert "spins" not in port.statistics()
