from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import anyio
import pytest

from ipcrt.errors import BadHandle, Canceled, PeerClosed, RemoteProtocolError, TimedOut, WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.shm.sync import TimelineSync
from ipcrt.shm.sync_page import PAGE_BYTES, create_page
from ipcrt.shm.sync_waiter import TimelineWaiter
from tests.support.processes import Spawner

HANG = 20.0

SIGNALLER = """
import sys
from ipcrt.objects.channel import Channel
from ipcrt.shm.sync import TimelineSync
line = TimelineSync.create()
end = Channel(int(sys.argv[1]))
end.write(b"timeline", line.share())
for value in sys.stdin:
    line.signal(int(value))
"""

WAITER = """
import sys
from ipcrt.objects.channel import Channel
from ipcrt.port.waiting import wait_one
from ipcrt.port.signals import Signals
from ipcrt.shm.sync_waiter import TimelineWaiter
end = Channel(int(sys.argv[1]))
wait_one(end, Signals.READABLE)
waiter = TimelineWaiter.attach(*end.read().handles)
for value in range(1, 201):
    waiter.wait(value, 20)
    assert waiter.value >= value
    print("reached", value)
"""


@pytest.fixture
def line() -> Iterator[TimelineSync]:
    with TimelineSync.create() as made:
        yield made


@pytest.fixture
def waiter(line: TimelineSync) -> Iterator[TimelineWaiter]:
    with TimelineWaiter.attach(*line.share()) as made:
        yield made


def test_what_was_reached_is_not_waited_for(line: TimelineSync, waiter: TimelineWaiter) -> None:
    waiter.wait(0, 0)
    line.signal(5)
    assert waiter.value == 5
    for value in (5, 1, 4):
        waiter.wait(value, 0)
    with pytest.raises(TimedOut, match=r"value 6 has not come within 0\.01 seconds"):
        waiter.wait(6, 0.01)


def test_a_bell_that_rang_in_vain_wakes_nobody_for_good(
    line: TimelineSync, waiter: TimelineWaiter
) -> None:
    for value in range(1, 5):
        line.signal(value)
    with pytest.raises(TimedOut):
        waiter.wait(5, 0)
    line.signal(7)
    waiter.wait(5, 0)


def test_another_process_hears_every_value(line: TimelineSync, spawn_python: Spawner) -> None:
    ours, theirs = Channel.create()
    with ours, theirs:
        child = spawn_python(WAITER, theirs.fileno(), pass_fds=[theirs.fileno()])
        theirs.close()
        ours.write(b"timeline", line.share())
        for value in range(1, 201):
            line.signal(value)
            if value % 50:
                continue  # it may fall behind, and catch up
            while child.line() != f"reached {value}":
                pass
        child.finish()


def test_what_was_reached_before_a_death_counts(spawn_python: Spawner) -> None:
    ours, theirs = Channel.create()
    with ours:
        child = spawn_python(SIGNALLER, theirs.fileno(), pass_fds=[theirs.fileno()])
        theirs.close()
        wait_one(ours, Signals.READABLE, HANG)
        with TimelineWaiter.attach(*ours.read().handles) as waiter:
            child.send("7")
            waiter.wait(7, HANG)
            child.send("8")
            with pytest.raises(TimedOut):
                waiter.wait(9, 0.05)
            child.kill()
            child.wait()
            waiter.wait(8, HANG)
            with pytest.raises(PeerClosed, match="gone at 8, before 9"):
                waiter.wait(9)


def test_what_is_reached_in_the_moment_of_death_counts(
    line: TimelineSync, waiter: TimelineWaiter
) -> None:
    steps = waiter._waiting(1)
    next(steps)
    line.signal(1)
    line.close()
    with pytest.raises(StopIteration):
        steps.send([Signals.PEER_CLOSED])


@pytest.mark.anyio
async def test_tasks_wait_on_their_own_values(line: TimelineSync, waiter: TimelineWaiter) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        reached: list[int] = []

        async def wait(value: int) -> None:
            await waiter.wait_on(port, value, HANG)
            reached.append(value)

        for value in (3, 1, 2):
            tasks.start_soon(wait, value)
        await port.sleep(0.01)
        for value in (1, 2, 3):
            line.signal(value)
            while len(reached) < value:
                await port.sleep(0.001)
        assert reached == [1, 2, 3]
        with pytest.raises(TimedOut, match="value 4"):
            await waiter.wait_on(port, 4, 0.01)
        line.close()
        with pytest.raises(PeerClosed):
            await waiter.wait_on(port, 4, HANG)


@pytest.mark.anyio
async def test_closing_ends_the_tasks_wait(waiter: TimelineWaiter) -> None:
    async with open_port() as port, anyio.create_task_group() as tasks:
        ended: list[str] = []

        async def wait() -> None:
            with pytest.raises(Canceled):
                await waiter.wait_on(port, 1, HANG)
            ended.append("ended")

        tasks.start_soon(wait)
        await port.sleep(0.01)
        waiter.close()
        while not ended:
            await port.sleep(0.001)


def test_closed_is_closed(waiter: TimelineWaiter) -> None:
    waiter.close()
    waiter.close()
    with pytest.raises(BadHandle):
        waiter.wait(0, 0)


# ----------------------------------------------------------------------------------------- hostile


def test_a_value_that_goes_back_is_an_offence() -> None:
    vmo, page = create_page(9)
    ours, theirs = EventPair.create()
    with ours, TimelineWaiter.attach(vmo, theirs) as waiter:
        waiter.wait(9, 0)
        page.value = 4
        ours.signal_peer()
        for _ in range(2):
            with pytest.raises(RemoteProtocolError, match="went back from 9 to 4"):
                waiter.wait(10, HANG)
        with pytest.raises(RemoteProtocolError, match="went back"):
            _ = waiter.value


def test_a_bell_that_rings_for_ever_ends_with_the_timeout() -> None:
    vmo, _ = create_page(0)
    ours, theirs = EventPair.create()
    with ours, TimelineWaiter.attach(vmo, theirs) as waiter:
        clear = EventPair.clear

        def ring_again(bell: EventPair) -> None:
            clear(bell)
            ours.signal_peer()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(EventPair, "clear", ring_again)
            ours.signal_peer()
            with pytest.raises(TimedOut):
                waiter.wait(1, 0.02)


def a_page() -> Handle:
    return create_page(0)[0]


def a_bell() -> Handle:
    ours, theirs = EventPair.create()
    ours.close()
    return theirs


@pytest.mark.parametrize(
    "page, bell, error",
    [
        (lambda: Vmo.create(PAGE_BYTES), a_bell, RemoteProtocolError),
        (Event.create, a_bell, WrongType),
        (lambda: Handle(os.open("/", os.O_RDONLY | os.O_CLOEXEC)), a_bell, WrongType),
        (a_page, Event.create, WrongType),
        (a_page, a_page, WrongType),
    ],
)
def test_what_is_no_timeline_is_refused_and_closed(
    page: Callable[[], Handle], bell: Callable[[], Handle], error: type[Exception]
) -> None:
    given = page(), bell()
    with pytest.raises(error):
        TimelineWaiter.attach(*given)
    assert [handle.closed for handle in given] == [True, True]
