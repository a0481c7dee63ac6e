from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import anyio
import pytest

from ipcrt.errors import (
    BadHandle,
    InvalidArgs,
    NoResources,
    OutOfRange,
    PeerClosed,
    TimedOut,
    WrongType,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.process import Process
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt.port.signals import Signals
from ipcrt.shm import sync
from ipcrt.shm.sync import BinarySync, TimelineSync
from ipcrt.shm.sync_waiter import TimelineWaiter
from tests.support.proc import open_fds
from tests.support.processes import Spawner

HANG = 20.0

SIGNALLER = """
import sys
from ipcrt.objects.event import Event
from ipcrt.shm.sync import BinarySync
with BinarySync(Event(int(sys.argv[1]))) as sync:
    print("ready")
    for _ in sys.stdin:
        sync.signal()
        print("signaled")
"""


@pytest.fixture
def bit() -> Iterator[BinarySync]:
    with BinarySync.create() as made:
        yield made


# ------------------------------------------------------------------------------------------ binary


def test_a_signal_is_consumed_once(bit: BinarySync) -> None:
    assert not bit.consume()
    bit.signal()
    bit.signal()
    assert bit.consume()
    assert not bit.consume()
    bit.signal()
    bit.wait(0)
    with pytest.raises(TimedOut, match="a signal has not come within 0 seconds"):
        bit.wait(0)


def test_what_is_shared_is_the_same_bit(bit: BinarySync) -> None:
    sent: Handle = bit.share()
    with BinarySync.from_handle(sent) as other:
        assert sent.closed
        other.signal()
        assert bit.consume()
        assert not other.consume()


def test_what_is_no_eventfd_stays_the_callers() -> None:
    with Vmo.create(1) as vmo, pytest.raises(WrongType):
        BinarySync.from_handle(vmo)
    assert vmo.closed  # by the test


def test_closed_is_closed(bit: BinarySync) -> None:
    bit.close()
    bit.close()
    for step in (bit.signal, bit.consume, bit.wait, bit.share):
        with pytest.raises(BadHandle):
            step()


def test_one_of_several_consumes_it(bit: BinarySync) -> None:
    got: list[str] = []

    def wait() -> None:
        bit.wait(HANG)
        got.append("got")

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in threads:
        before = len(got)
        bit.signal()
        while len(got) == before:
            os.sched_yield()
        assert len(got) == before + 1
    for thread in threads:
        thread.join()
    assert not bit.consume()


def test_another_process_signals(bit: BinarySync, spawn_python: Spawner) -> None:
    with bit.share() as sent:
        child = spawn_python(SIGNALLER, sent.fileno(), pass_fds=[sent.fileno()])
    for _ in range(3):
        child.send("signal")
        bit.wait(HANG)
        assert not bit.consume()


@pytest.mark.parametrize("how", ["channel", "process"])
def test_the_death_of_the_signaller_ends_the_wait(
    bit: BinarySync, spawn_python: Spawner, how: str
) -> None:
    ours, theirs = Channel.create()
    with ours, bit.share() as sent:
        fds = [sent.fileno(), theirs.fileno()]
        child = spawn_python(SIGNALLER, *fds, pass_fds=fds)
        theirs.close()
        with Process.open(child.pid) as process:
            alive = ours if how == "channel" else process
            assert child.line() == "ready"
            with pytest.raises(TimedOut):
                bit.wait(0.01, alive)
            child.send("signal")
            assert child.line() == "signaled"
            child.kill()  # and nobody has waited for it: a dead process is not reaped yet
            bit.wait(HANG, alive)  # what was signaled before counts
            with pytest.raises(PeerClosed, match="has not signaled"):
                bit.wait(HANG, alive)


def test_a_signal_in_the_moment_of_death_counts(bit: BinarySync) -> None:
    with Event.create() as alive:
        steps = bit._waiting(alive)
        next(steps)
        bit.signal()
        with pytest.raises(StopIteration):
            steps.send([Signals.NONE, Signals.PEER_GONE])
    assert not bit.consume()


def test_who_finds_it_consumed_by_another_waits_on(bit: BinarySync) -> None:
    with Event.create() as alive:
        for handle, found in ((None, []), (alive, [Signals.NONE])):
            steps = bit._waiting(handle)
            assert next(steps) == steps.send([Signals.SIGNALED, *found])
            bit.signal()
            with pytest.raises(StopIteration):
                steps.send([Signals.SIGNALED, *found])


@pytest.mark.anyio
async def test_a_task_waits_without_stopping_others(bit: BinarySync) -> None:
    ours, theirs = EventPair.create()
    async with open_port() as port, anyio.create_task_group() as tasks:
        with ours, theirs:
            ended: list[str] = []

            async def wait() -> None:
                await bit.wait_on(port, HANG, ours)
                with pytest.raises(PeerClosed):
                    await bit.wait_on(port, HANG, ours)
                ended.append("ended")

            with pytest.raises(TimedOut):
                await bit.wait_on(port, 0.01, ours)
            tasks.start_soon(wait)
            await port.sleep(0.01)
            bit.signal()
            await port.sleep(0.01)
            assert not bit.consume()
            theirs.close()
            while not ended:
                await port.sleep(0.001)


# ---------------------------------------------------------------------------------------- timeline


@pytest.fixture
def line() -> Iterator[TimelineSync]:
    with TimelineSync.create(3) as made:
        yield made


def test_a_timeline_goes_on_only(line: TimelineSync) -> None:
    assert line.value == 3
    line.signal(9)
    for value in (9, 8, 0):
        with pytest.raises(InvalidArgs, match=f"from 9 to {value}"):
            line.signal(value)
    for value in (-1, 1 << 64):
        with pytest.raises(OutOfRange, match=f"value {value}"):
            line.signal(value)
        with pytest.raises(OutOfRange):
            TimelineSync.create(value)
    line.signal((1 << 64) - 1)
    assert line.value == (1 << 64) - 1


def test_every_waiter_is_woken(line: TimelineSync) -> None:
    waiters = [TimelineWaiter.attach(*line.share()) for _ in range(3)]
    assert line.waiters == 3
    line.signal(4)
    for waiter in waiters:
        waiter.wait(4, 0)
        waiter.close()


def test_who_is_gone_is_forgotten(line: TimelineSync) -> None:
    fds = len(open_fds())
    for _ in range(3):
        close_all(line.share())
    assert len(open_fds()) == fds + 1  # the last one's: a share looks for the dead
    line.signal(4)
    assert line.waiters == 0
    assert len(open_fds()) == fds


def test_a_waiter_that_never_listens_holds_nobody_up(line: TimelineSync) -> None:
    deaf = line.share()
    with TimelineWaiter.attach(*line.share()) as waiter:
        for value in range(4, 1000):
            line.signal(value)
        waiter.wait(999, 0)
    close_all(deaf)


def test_waiters_are_limited(line: TimelineSync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "MAX_WAITERS", 2)
    kept = [line.share(), line.share()]
    fds = len(open_fds())
    with pytest.raises(NoResources, match="2 waiters are the limit"):
        line.share()
    assert len(open_fds()) == fds
    close_all(kept.pop())
    kept.append(line.share())
    for pair in kept:
        close_all(pair)


def test_without_descriptors_nothing_is_left(
    line: TimelineSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise NoResources("no more")

    fds = len(open_fds())
    monkeypatch.setattr(EventPair, "create", fail)
    with pytest.raises(NoResources):
        line.share()
    assert (len(open_fds()), line.waiters) == (fds, 0)


def test_what_is_shared_can_only_be_read(line: TimelineSync) -> None:
    page, bell = line.share()
    with page, bell:
        assert page.rights & (Rights.WRITE | Rights.READ) == Rights.READ
        again = Handle(os.open(f"/proc/self/fd/{page.fileno()}", os.O_RDWR))
        with again, pytest.raises(PermissionError):
            os.pwrite(again.fileno(), b"x", 64)


def test_after_the_end_nothing_goes_on(line: TimelineSync) -> None:
    with TimelineWaiter.attach(*line.share()) as waiter:
        line.close()
        line.close()
        with pytest.raises(PeerClosed):
            waiter.wait(4, HANG)
    with pytest.raises(BadHandle):
        line.signal(4)
    with pytest.raises(BadHandle):
        line.share()
    assert line.value == 3
