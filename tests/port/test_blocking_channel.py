"""Reads, writes and calls on a channel: what `BlockingChannel` and `AsyncChannel` share."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest

from ipcrt.errors import (
    BadHandle,
    BadState,
    Canceled,
    InvalidArgs,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    TimedOut,
)
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.event import Event
from ipcrt.port.blocking_channel import BlockingChannel
from ipcrt.port.calls import MAX_INBOX
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from tests.port.scene import HANG, Scene, SceneChannel, story
from tests.support.proc import open_fds
from tests.support.waiting import apart, wait_until


def channel_of(scene: Scene) -> tuple[SceneChannel, Channel]:
    near, far = Channel.create()
    return scene.channel(near), far


def fill(end: Channel) -> int:
    for count in range(100_000):
        try:
            end.write(bytes(1000))
        except ShouldWait:
            return count
    raise AssertionError("it is never full")


def drain(end: Channel) -> int:
    for count in range(100_000):
        try:
            end.read().close()
        except ShouldWait:
            return count
    raise AssertionError("it is never empty")


def read_request(far: Channel) -> Message:
    """Read the request that was written, or on a plain thread is about to be."""
    apart(wait_one, far, Signals.READABLE, HANG)
    return far.read()


def answer(far: Channel, *replies: bytes, before: tuple[bytes, ...] = ()) -> None:
    """Read one request; write some messages, then replies with its txid."""
    request = read_request(far)
    for message in before:
        far.write(message)
    for reply in replies:
        far.write(request.data[:4] + reply)


# -------------------------------------------------------------------------------------------- read


@story
async def test_the_oldest_message_is_read_first(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        for data in (b"1", b"2"):
            far.write(data)
        assert (await near.read()).data == b"1"
        assert (await near.read()).data == b"2"
        scene.later(lambda: far.write(b"3"))
        assert (await near.read()).data == b"3"
        near.inner.close()


@story
async def test_what_a_dead_peer_sent_is_read_before_its_end(scene: Scene) -> None:
    near, far = channel_of(scene)
    await near.write(b"never read")
    far.write(b"last words")
    far.close()
    assert (await near.read()).data == b"last words"
    with pytest.raises(PeerClosed):
        await near.read()
    near.inner.close()
    with pytest.raises(BadHandle):
        await near.read()


@story
async def test_a_reader_is_told_when_the_peer_goes(scene: Scene) -> None:
    near, far = channel_of(scene)
    scene.later(far.close)
    with pytest.raises(PeerClosed):
        await near.read()
    near.inner.close()


@story
async def test_a_read_times_out(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        for timeout in (0, 0.001, 0.02):
            begin = time.monotonic()
            with pytest.raises(TimedOut):
                await near.read(timeout)
            assert time.monotonic() - begin >= timeout
        near.inner.close()


@story
async def test_handles_and_long_messages_arrive(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        event = Event.create()
        scene.later(lambda: far.write(b"x" * 200_000, [event]))
        message = await near.read()
        assert message.data == b"x" * 200_000
        assert len(message.handles) == 1
        message.close()
        near.inner.close()


# ------------------------------------------------------------------------------------------- write


@story
async def test_a_writer_waits_for_room(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        before = fill(near.inner.channel)
        read: list[int] = []
        scene.later(lambda: read.append(drain(far)))
        await near.write(b"at last")
        await scene.settle()
        assert read[0] + drain(far) == before + 1
        near.inner.close()


@story
async def test_a_write_times_out_and_closes_its_handles(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        fill(near.inner.channel)
        event = Event.create()
        number = event.fileno()
        with pytest.raises(TimedOut):
            await near.write(b"no room", [event], 0.01)
        assert number not in open_fds()
        near.inner.close()


@story
async def test_a_waiting_writer_is_told_when_the_peer_goes(scene: Scene) -> None:
    near, far = channel_of(scene)
    fill(near.inner.channel)
    event = Event.create()
    number = event.fileno()
    scene.later(far.close)
    with pytest.raises(PeerClosed):
        await near.write(b"too late", [event])
    assert number not in open_fds()
    near.inner.close()


@story
async def test_what_can_never_be_written_is_refused(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        with pytest.raises(InvalidArgs):
            await near.write(b"")
        with pytest.raises(OutOfRange):
            await near.write(b"x", [Event.create() for _ in range(65)])
        near.inner.close()


# -------------------------------------------------------------------------------------------- call


@story
async def test_a_call_gets_its_reply_and_leaves_other_messages_to_read(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        scene.later(lambda: answer(far, b"reply", before=(b"\1\0\0\0a", b"tiny", b"b")))
        reply = await near.call(b"....request")
        assert reply.data[4:] == b"reply"
        assert [(await near.read()).data for _ in range(3)] == [b"\1\0\0\0a", b"tiny", b"b"]
        near.inner.close()


@story
async def test_the_request_carries_its_handles_and_a_fresh_txid(scene: Scene) -> None:
    near, far = channel_of(scene)
    requests: list[Message] = []

    def reply() -> None:
        requests.append(read_request(far))
        far.write(requests[-1].data[:4], [Event.create()])

    with far:
        for _ in range(2):
            scene.later(reply)
            answered = await near.call(b"\1\2\3\4request", [Event.create()])
            assert len(answered.handles) == 1
            answered.close()
        assert [request.data[4:] for request in requests] == [b"request"] * 2
        assert requests[0].data[:4] != requests[1].data[:4]
        assert [len(request.handles) for request in requests] == [1, 1]
        for request in requests:
            request.close()
        near.inner.close()


@story
async def test_a_call_times_out_and_its_late_reply_is_closed(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        with pytest.raises(TimedOut):
            await near.read(0.001)  # a plain thread's channel keeps a descriptor for its waits
        before = open_fds()
        with pytest.raises(TimedOut):
            await near.call(b"....late", timeout=0.01)
        assert near.inner.statistics()["calls_given_up"] == 1
        request = far.read()
        far.write(request.data[:4], [Event.create()])
        far.write(b"for the reader")
        assert (await near.read()).data == b"for the reader"
        assert near.inner.statistics()["calls_given_up"] == 0
        assert open_fds() == before
        near.inner.close()


@story
async def test_the_timeout_of_a_call_is_for_both_ways_together(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        fill(near.inner.channel)
        scene.later(lambda: drain(far))
        with pytest.raises(TimedOut):
            await near.call(b"....", timeout=0.05)
        near.inner.close()


@story
async def test_a_call_fails_at_once_when_the_peer_dies(scene: Scene) -> None:
    near, far = channel_of(scene)
    far.write(b"last words")
    scene.later(far.close)
    with pytest.raises(PeerClosed):
        await near.call(b"....request")
    assert near.inner.statistics()["calls_given_up"] == 0, "nobody owes a reply any more"
    assert (await near.read()).data == b"last words"
    near.inner.close()


@story
async def test_a_call_that_was_not_sent_owes_no_reply(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        fill(near.inner.channel)
        for data, error in ((b"....", TimedOut), (b"...", InvalidArgs)):
            with pytest.raises(error):
                await near.call(data, timeout=0.01)
        assert near.inner.statistics()["calls_given_up"] == 0
        near.inner.close()


@story
async def test_bytes_that_break_the_format_fail_the_call(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        handles = [Event.create() for _ in range(66)]

        def misbehave() -> None:
            """Send more descriptors than a message may have."""
            with socket.socket(fileno=os.dup(far.fileno())) as raw:
                raw.sendmsg([b"x"], [(1, 1, fds(handles))])

        scene.later(misbehave)
        with pytest.raises(RemoteProtocolError):
            await near.call(b"....")
        for handle in handles:
            handle.close()
        near.inner.close()


def fds(handles: list[Event]) -> bytes:
    return b"".join(handle.fileno().to_bytes(4, "little") for handle in handles)


# --------------------------------------------------------------------------------------- the end


@story
async def test_the_channel_can_be_given_away(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        far.write(b"unread")
        with near.inner.into_channel() as channel:
            assert channel.read().data == b"unread"
        near.inner.close()
        with pytest.raises(BadHandle):
            await near.read()


@story
async def test_a_channel_that_was_read_ahead_is_not_given_away(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        scene.later(lambda: answer(far, b"reply", before=(b"other",)))
        await near.call(b"....")
        assert near.inner.statistics()["unread_messages"] == 1
        with pytest.raises(BadState, match="1 messages"):
            near.inner.into_channel()
        await near.read()
        near.inner.into_channel().close()


@story
async def test_closing_closes_what_was_read_ahead(scene: Scene) -> None:
    near, far = channel_of(scene)
    with far:
        before = open_fds()

        def send() -> None:
            request = read_request(far)
            far.write(b"other", [Event.create()])
            far.write(request.data[:4])

        scene.later(send)
        await near.call(b"....")
        near.inner.close()
        near.inner.close()
        assert open_fds().keys() < before.keys()


def test_a_blocking_call_says_that_its_inbox_is_full() -> None:
    end, far = Channel.create()
    with BlockingChannel(end) as near, far:
        for _ in range(MAX_INBOX):
            far.write(b"unread")
        far.write(b"one more")
        with pytest.raises(ShouldWait, match="64 messages"):
            near.call(b"....", timeout=HANG)
        far.read()
        with pytest.raises(ShouldWait, match="64 messages"):
            near.call(b"....", timeout=HANG)
        with pytest.raises(ShouldWait):
            far.read()
        for _ in range(MAX_INBOX):
            assert near.read().data == b"unread"
        assert near.read().data == b"one more"


# ------------------------------------------------------------------------------------ interrupted


def interrupt_soon(near: BlockingChannel) -> threading.Thread:
    thread = threading.Thread(target=wait_until, args=(near.interrupt,))
    thread.start()
    return thread


def test_another_thread_interrupts_a_read_and_a_write() -> None:
    end, far = Channel.create()
    with BlockingChannel(end) as near, far:
        assert not near.interrupt()
        thread = interrupt_soon(near)
        with pytest.raises(Canceled, match="interrupted by another thread"):
            near.read()
        thread.join()
        fill(near.channel)
        thread = interrupt_soon(near)
        with Event.create() as event, pytest.raises(Canceled):
            near.write(bytes(1000), [event.duplicate()])
        thread.join()
        drain(far)
        far.write(b"news")
        assert near.read(HANG).data == b"news"


def test_an_interrupted_call_leaves_the_channel_usable() -> None:
    end, far = Channel.create()
    with BlockingChannel(end) as near, far:
        thread = interrupt_soon(near)
        with pytest.raises(Canceled):
            near.call(b"....first")
        thread.join()
        assert near.statistics() == {"calls_given_up": 1, "unread_messages": 0}
        before = open_fds()
        far.write(far.read().data[:4] + b"late", [Event.create()])
        answering = threading.Thread(target=answer_next, args=(far,))
        answering.start()
        assert near.call(b"....second", timeout=HANG).data[4:] == b"second"
        answering.join()
        assert near.statistics() == {"calls_given_up": 0, "unread_messages": 0}
        assert open_fds() == before


def answer_next(far: Channel) -> None:
    wait_one(far, Signals.READABLE, HANG)
    far.write(far.read().data)


def test_a_call_that_found_no_room_is_owed_nothing() -> None:
    end, far = Channel.create()
    with BlockingChannel(end) as near, far:
        fill(near.channel)
        thread = interrupt_soon(near)
        with pytest.raises(Canceled):
            near.call(b"....")
        thread.join()
        assert near.statistics()["calls_given_up"] == 0
