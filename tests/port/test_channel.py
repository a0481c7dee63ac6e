"""Tasks on one channel: cancelled, concurrent, many.

What it shares with plain threads stands in test_blocking_channel.py.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ipcrt.errors import Canceled, PeerClosed, ShouldWait, TimedOut
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.event import Event
from ipcrt.port.calls import MAX_INBOX
from ipcrt.port.channel import AsyncChannel
from ipcrt.port.signals import Signals, observe
from tests.port.scene import AsyncScene, story
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async


def channel_of(scene: AsyncScene) -> tuple[AsyncChannel, Channel]:
    near, far = Channel.create()
    return AsyncChannel(near, scene.port), far


def fill(end: Channel) -> None:
    try:
        while True:
            end.write(bytes(1000))
    except ShouldWait:
        return


def at_rest(near: AsyncChannel) -> bool:
    return not any(near.statistics().values())


# ----------------------------------------------------------------------------------- cancellation


@story
async def test_a_cancelled_reader_loses_no_message(loop_scene: AsyncScene) -> None:
    """Cancelled after any number of turns: the message is its, or still there."""
    near, far = channel_of(loop_scene)
    with far:
        for turns in range(12):
            reader = loop_scene.start(near.read())
            await loop_scene.settle()
            far.write(b"%d" % turns)
            for _ in range(turns):
                await loop_scene.port.checkpoint()
            got = await reader.stop()
            if not got:
                got = [await near.read()]
            assert [message.data for message in got] == [b"%d" % turns]
            assert at_rest(near)
        near.close()


@story
async def test_a_cancelled_reader_passes_the_news_on(loop_scene: AsyncScene) -> None:
    """Two wait; the first is woken and cancelled before it runs: the second gets the message."""
    near, far = channel_of(loop_scene)
    with far:
        for turns in range(8):
            first, second = (loop_scene.start(near.read()) for _ in range(2))
            await loop_scene.settle()
            far.write(b"news")
            for _ in range(turns):
                await loop_scene.port.checkpoint()
            got = await first.stop()
            if not got:
                assert (await second.join()).data == b"news"
            else:
                await second.cancel()
        near.close()


@story
async def test_a_message_read_ahead_wakes_the_next_when_its_reader_is_cancelled(
    loop_scene: AsyncScene,
) -> None:
    near, far = channel_of(loop_scene)
    with far:
        for turns in range(8):
            call = loop_scene.start(near.call(b"...."))
            first, second = (loop_scene.start(near.read()) for _ in range(2))
            await loop_scene.settle()
            request = far.read()
            far.write(b"for a reader")
            for _ in range(turns):
                await loop_scene.port.checkpoint()
            if not await first.stop():
                assert (await second.join()).data == b"for a reader"
            else:
                await second.cancel()
            far.write(request.data[:4])
            await call.join()
            assert at_rest(near)
        near.close()


@story
async def test_a_cancelled_call_leaves_nothing_behind(loop_scene: AsyncScene) -> None:
    """Cancelled after any number of turns, with its reply under way, handles and all."""
    near, far = channel_of(loop_scene)
    with far:
        for turns in range(12):
            before = open_fds()
            call = loop_scene.start(near.call(b"....", [Event.create()]))
            await loop_scene.settle()
            request = far.read()
            far.write(request.data[:4], [Event.create()])
            for _ in range(turns):
                await loop_scene.port.checkpoint()
            for reply in await call.stop():
                reply.close()
            request.close()
            far.write(b"marker")
            assert (await near.read()).data == b"marker"
            assert at_rest(near)
            assert open_fds() == before
        near.close()


@story
async def test_a_call_cancelled_as_its_peer_dies(loop_scene: AsyncScene) -> None:
    for turns in range(8):
        near, far = channel_of(loop_scene)
        calls = [loop_scene.start(near.call(b"....")) for _ in range(2)]
        await loop_scene.settle()
        far.close()
        for _ in range(turns):
            await loop_scene.port.checkpoint()
        with contextlib.suppress(PeerClosed):
            await calls[0].stop()
        with pytest.raises(PeerClosed):
            await calls[1].join()
        near.close()


@pytest.mark.parametrize("what", ["read", "write", "call", "call before it is sent", "wait"])
@story
async def test_a_task_that_waits_can_be_cancelled(loop_scene: AsyncScene, what: str) -> None:
    near, far = channel_of(loop_scene)
    with far:
        before = open_fds()
        if what in ("write", "call before it is sent"):
            fill(near.channel)
        handles = [Event.create()] if what in ("write", "call before it is sent") else []
        acts: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "read": lambda: near.read(HOUR),
            "write": lambda: near.write(b"....", handles, HOUR),
            "call": lambda: near.call(b"....", timeout=HOUR),
            "call before it is sent": lambda: near.call(b"....", handles, HOUR),
            "wait": lambda: near.wait(Signals.PEER_CLOSED, HOUR),
        }
        started = loop_scene.start(acts[what]())
        await loop_scene.settle()
        assert loop_scene.left_behind()
        await started.cancel()
        counts = near.statistics()
        assert counts.pop("calls_given_up") == (what == "call")
        assert not any(counts.values())
        near.close()  # it may still be read
        await loop_scene.settle()
        assert not loop_scene.left_behind()
        assert open_fds().keys() < before.keys()


HOUR = 3600.0


# ------------------------------------------------------------------------------------ many tasks


@story
async def test_concurrent_calls_each_get_their_own_reply(loop_scene: AsyncScene) -> None:
    near, far = channel_of(loop_scene)
    with far:
        calls = [loop_scene.start(near.call(b"....%d" % number)) for number in range(50)]
        await loop_scene.settle()
        requests = [far.read() for _ in calls]
        random.Random(7).shuffle(requests)
        for request in requests:
            far.write(request.data)
            far.write(b"in between")
        for number, call in enumerate(calls):
            assert (await call.join()).data[4:] == b"%d" % number
        for _ in calls:
            assert (await near.read()).data == b"in between"
        assert at_rest(near)
        near.close()


@story
async def test_a_reader_never_takes_a_reply_from_a_call(loop_scene: AsyncScene) -> None:
    near, far = channel_of(loop_scene)
    got: list[bytes] = []

    async def read_all() -> None:
        while True:
            got.append((await near.read()).data)

    with far:
        reader = loop_scene.start(read_all())
        for number in range(50):
            call = loop_scene.start(near.call(b"...."))
            await loop_scene.port.checkpoint()
            if number % 2:
                await loop_scene.settle()
            await wait_until_async(lambda: readable(far))
            request = far.read()
            far.write(b"event %d" % number)
            far.write(request.data[:4] + b"reply %d" % number)
            assert (await call.join()).data[4:] == b"reply %d" % number
        await wait_until_async(lambda: len(got) == 50)
        assert got == [b"event %d" % number for number in range(50)]
        await reader.cancel()
        near.close()


def readable(end: Channel) -> bool:
    return bool(observe(end) & Signals.READABLE)


@story
async def test_several_readers_share_what_comes(loop_scene: AsyncScene) -> None:
    near, far = channel_of(loop_scene)
    with far:
        readers = [loop_scene.start(near.read()) for _ in range(20)]
        await loop_scene.settle()
        for number in range(20):
            far.write(b"%d" % number)
        got = {(await reader.join()).data for reader in readers}
        assert got == {b"%d" % number for number in range(20)}
        near.close()


@story
async def test_every_reader_and_call_is_told_when_the_peer_dies(loop_scene: AsyncScene) -> None:
    near, far = channel_of(loop_scene)
    readers = [loop_scene.start(near.read()) for _ in range(3)]
    calls = [loop_scene.start(near.call(b"....")) for _ in range(3)]
    await loop_scene.settle()
    far.close()
    for each in (*readers, *calls):
        with pytest.raises(PeerClosed):
            await each.join()
    assert at_rest(near)
    near.close()


@story
async def test_several_writers_wait_for_room(loop_scene: AsyncScene) -> None:
    near, far = channel_of(loop_scene)
    with far:
        fill(near.channel)
        writers = [loop_scene.start(near.write(b"%d" % number)) for number in range(10)]
        await loop_scene.settle()
        got: list[bytes] = []
        while len(got) < 10:
            try:
                message = far.read()
            except ShouldWait:
                await loop_scene.settle()
                continue
            if len(message.data) < 10:
                got.append(message.data)
        assert sorted(got) == [b"%d" % number for number in range(10)]
        for writer in writers:
            await writer.join()
        near.close()


# ---------------------------------------------------------------------------------- backpressure


@story
async def test_a_stalled_peer_stops_the_writer_and_memory_is_bounded(
    loop_scene: AsyncScene,
) -> None:
    near, far = channel_of(loop_scene)
    written: list[int] = []

    async def flood() -> None:
        while True:
            await near.write(bytes(1000))
            written.append(1)

    with far:
        writer = loop_scene.start(flood())
        await wait_until_async(lambda: loop_scene.port.statistics()["waiters"])
        stalled_at = len(written)
        await loop_scene.idle()
        assert len(written) == stalled_at < 1000
        for _ in range(stalled_at):
            far.read()
        await wait_until_async(lambda: len(written) > stalled_at)
        await writer.cancel()
        near.close()


@story
async def test_a_full_inbox_stays_bounded_and_goes_on_when_it_is_read(
    loop_scene: AsyncScene,
) -> None:
    """Nobody reads the events while a call waits: the peer is stopped, not our memory filled."""
    near, far = channel_of(loop_scene)
    with far:
        call = loop_scene.start(near.call(b"...."))
        await loop_scene.settle()
        request = far.read()
        sent = 0
        for _ in range(50):
            while True:
                try:
                    far.write(b"event")
                except ShouldWait:
                    break
                sent += 1
            await loop_scene.settle()
            assert near.statistics()["unread_messages"] <= MAX_INBOX
        assert not call.ended
        with pytest.raises(ShouldWait):
            far.write(request.data[:4])
        for _ in range(sent):
            assert (await near.read()).data == b"event"
        far.write(request.data[:4] + b"reply")
        assert (await call.join()).data[4:] == b"reply"
        assert at_rest(near)
        near.close()


@story
async def test_a_call_behind_a_full_inbox_gets_its_reply_once_there_is_room(
    loop_scene: AsyncScene,
) -> None:
    near, far = channel_of(loop_scene)
    with far:
        call = loop_scene.start(near.call(b"...."))
        await loop_scene.settle()
        request = far.read()
        for _ in range(MAX_INBOX):
            far.write(b"event")
        far.write(request.data[:4])
        while near.statistics()["unread_messages"] < MAX_INBOX:
            await loop_scene.settle()
        await loop_scene.settle()
        assert not call.ended
        assert near.read_nowait().data == b"event"
        await call.join()
        near.close()


@story
async def test_a_flood_does_not_keep_others_from_running(loop_scene: AsyncScene) -> None:
    """A task that never has to wait would else have the loop for itself."""
    near, far = channel_of(loop_scene)
    ran: list[int] = []
    done: list[int] = []

    async def other() -> None:
        while not done:
            ran.append(1)
            await loop_scene.port.checkpoint()

    async def flood() -> None:
        for _ in range(500):
            await near.write(b"x")
            far.read()
            far.write(b"y")
            await near.read()
        done.append(1)

    with far:
        beside = loop_scene.start(other())
        await loop_scene.start(flood()).join()
        await beside.join()
        assert len(ran) > 10
        near.close()


@story
async def test_a_message_that_nobody_waits_for_does_not_spin(loop_scene: AsyncScene) -> None:
    called: list[int] = []

    class Counting(AsyncChannel):
        def _readable(self) -> None:
            called.append(1)
            super()._readable()

    near, far = Channel.create()
    counting = Counting(near, loop_scene.port)
    with far:
        reader = loop_scene.start(counting.read())
        await loop_scene.settle()
        await reader.cancel()
        far.write(b"news")
        await loop_scene.settle()
        await loop_scene.idle()
        assert len(called) <= 2
        assert (await counting.read()).data == b"news"
        counting.close()


@story
async def test_a_message_costs_a_waiting_reader_one_waking(loop_scene: AsyncScene) -> None:
    """The loop may tell of a message twice: before and after its reader has taken it."""
    end, far = Channel.create()
    tries: list[int] = []

    class Counting(AsyncChannel):
        def read_nowait(self) -> Message:
            tries.append(1)
            return super().read_nowait()

    counting = Counting(end, loop_scene.port)

    async def read_all() -> None:
        for _ in range(100):
            await counting.read()

    with far:
        reader = loop_scene.start(read_all())
        for _ in range(100):
            await loop_scene.settle()
            far.write(b"news")
        await reader.join()
        assert len(tries) <= 210, "each message: one look that finds it, one that finds nothing"
        counting.close()


# ---------------------------------------------------------------------------------------- the end


@pytest.mark.parametrize("how", ["close", "into_channel", "channel.close", "moved"])
@story
async def test_tasks_that_wait_are_told_when_the_channel_goes(
    loop_scene: AsyncScene, how: str
) -> None:
    near, far = channel_of(loop_scene)
    with far:
        started = [
            loop_scene.start(near.read()),
            loop_scene.start(near.read(HOUR)),
            loop_scene.start(near.call(b"....")),
            loop_scene.start(void_wait(near)),
        ]
        await loop_scene.settle()
        if how == "close":
            near.close()
        elif how == "into_channel":
            near.into_channel().close()
        elif how == "channel.close":
            near.channel.close()
        else:
            first, second = Channel.create()
            with first, second:
                first.write(b"x", [near.channel])
        for each in started:
            with pytest.raises(Canceled):
                await each.join()
        counts = near.statistics()
        assert not any(counts.values())
        near.close()


async def void_wait(near: AsyncChannel) -> Message:
    await near.wait(Signals.PEER_CLOSED)
    raise AssertionError("the peer lives")


@story
async def test_a_spurious_waking_does_not_lengthen_a_timeout(loop_scene: AsyncScene) -> None:
    near, far = channel_of(loop_scene)
    stop: list[int] = []

    async def steal() -> None:
        """Wake the reader again and again, and take what it was woken for."""
        while not stop:
            far.write(b"bait")
            await loop_scene.settle()
            try:
                near.read_nowait()
            except ShouldWait:
                stolen.append(0)

    stolen: list[int] = []
    with far:
        reader = loop_scene.start(near.read(0.05))
        thief = loop_scene.start(steal())
        with contextlib.suppress(TimedOut):
            await reader.join()
        stop.append(1)
        await thief.join()
        near.close()
