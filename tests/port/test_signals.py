"""When each object's signals come up, waited for on every backend."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipcrt.errors import BadHandle, ShouldWait, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.objects.socket import Socket
from ipcrt.objects.timer import Timer
from ipcrt.port.signals import (
    IN,
    OUT,
    READ_HANGUP,
    Signals,
    events_for,
    interpret,
    look,
    observe,
    queued_bytes,
)
from tests.port.scene import Scene, story
from tests.support.processes import Spawner

KEY = 7
OTHER = 8

Pair = Callable[[], tuple[Any, Any]]


def send_event(end: EventPair) -> None:
    end.signal_peer()


def send_message(end: Channel) -> None:
    end.write(b"news")


def send_element(end: Fifo) -> None:
    end.write(b"news")


def send_bytes(end: Socket) -> None:
    end.write(b"news")


def take(end: Any) -> None:
    if isinstance(end, EventPair):
        end.clear()
    else:
        end.read()


QUEUES = pytest.mark.parametrize(
    "create,send,news",
    [
        pytest.param(Channel.create, send_message, Signals.READABLE, id="channel"),
        pytest.param(lambda: Fifo.create(4, 4), send_element, Signals.READABLE, id="fifo"),
        pytest.param(Socket.create, send_bytes, Signals.READABLE, id="socket"),
        pytest.param(EventPair.create, send_event, Signals.SIGNALED, id="eventpair"),
    ],
)


# ------------------------------------------------------------------------------------- peer closed


@QUEUES
@story
async def test_peer_closed_is_told(
    scene: Scene, create: Pair, send: Callable[[Any], None], news: Signals
) -> None:
    del send
    near, far = create()
    with near:
        scene.later(far.close)
        up = await scene.wait_one(near, news | Signals.PEER_CLOSED)
        assert up == Signals.PEER_CLOSED


@QUEUES
@story
async def test_peer_closed_is_held_back_while_something_is_queued(
    scene: Scene, create: Pair, send: Callable[[Any], None], news: Signals
) -> None:
    near, far = create()
    with near:
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        await scene.settle()
        send(far)
        far.close()
        await scene.settle()
        assert observe(near) == news
        before = scene.port.statistics()
        await scene.idle()
        after = scene.port.statistics()
        assert after["queued_packets"] == 0
        assert after["turns"] - before["turns"] < 10, "it spins"
        take(near)
        assert await scene.wait() == (KEY, Signals.PEER_CLOSED, None)


@QUEUES
@story
async def test_peer_closed_waits_for_the_last_of_several_messages(
    scene: Scene, create: Pair, send: Callable[[Any], None], news: Signals
) -> None:
    near, far = create()
    with near:
        for _ in range(3):
            send(far)
        far.close()
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        await scene.settle()
        seen: list[Signals] = []
        while not seen or seen[-1] == news:
            seen.append(await scene.wait_one(near, news | Signals.PEER_CLOSED))
            if seen[-1] == news:
                take(near)
        at_once = isinstance(near, EventPair | Socket | Fifo)  # they take all that is there
        assert seen == [news] * (1 if at_once else 3) + [Signals.PEER_CLOSED]
        assert await scene.wait() == (KEY, Signals.PEER_CLOSED, None)


@QUEUES
@story
async def test_waits_added_while_a_hang_up_is_held_back_are_told(
    scene: Scene, create: Pair, send: Callable[[Any], None], news: Signals
) -> None:
    near, far = create()
    with near:
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        send(far)
        far.close()
        await scene.settle()
        scene.port.wait_async(near, KEY + 1, news)
        assert await scene.wait() == (KEY + 1, news, None)
        take(near)
        assert await scene.wait() == (KEY, Signals.PEER_CLOSED, None)


@story
async def test_a_peer_that_left_our_messages_unread_is_told(scene: Scene) -> None:
    """The kernel then reports EPOLLERR, and ECONNRESET to the first read."""
    near, far = Channel.create()
    with near:
        near.write(b"never read")
        far.write(b"last words")
        far.close()
        up = await scene.wait_one(near, Signals.READABLE | Signals.PEER_CLOSED)
        assert up == Signals.READABLE
        assert near.read().data == b"last words"
        up = await scene.wait_one(near, Signals.READABLE | Signals.PEER_CLOSED)
        assert up == Signals.PEER_CLOSED


@story
async def test_a_killed_peer_is_told(scene: Scene, spawn_python: Spawner) -> None:
    near, far = EventPair.create()
    with near:
        child = spawn_python(
            "import sys; print('ready'); sys.stdin.read()", pass_fds=(far.fileno(),)
        )
        far.close()
        assert child.line() == "ready"
        scene.later(child.kill)
        up = await scene.wait_one(near, Signals.SIGNALED | Signals.PEER_CLOSED)
        assert up == Signals.PEER_CLOSED


# ------------------------------------------------------------------------------------- half-closed


@story
async def test_a_half_closed_socket_is_told_after_its_bytes(scene: Scene) -> None:
    near, far = Socket.create()
    with near, far:
        scene.port.wait_async(near, KEY, Signals.PEER_WRITE_DISABLED)
        far.write(b"last bytes")
        far.shutdown_write()
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 0
        assert observe(near) == Signals.READABLE | Signals.WRITABLE
        near.read(4)
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 0
        near.read()
        packet = await scene.wait()
        assert packet.signals == Signals.PEER_WRITE_DISABLED | Signals.WRITABLE


@story
async def test_a_half_closed_socket_can_still_be_written(scene: Scene) -> None:
    """A half-close that nobody waits for must not hide WRITABLE, nor make the port spin."""
    near, far = Socket.create()
    with near, far:
        far.shutdown_write()
        fill(near)
        scene.port.wait_async(near, KEY, Signals.WRITABLE | Signals.PEER_CLOSED)
        await scene.settle()
        before = scene.port.statistics()["turns"]
        await scene.idle()
        assert scene.port.statistics()["turns"] - before < 10, "it spins"
        drain(far)
        packet = await scene.wait()
        assert packet.signals == Signals.WRITABLE | Signals.PEER_WRITE_DISABLED


@story
async def test_a_half_closed_socket_that_closes_is_told(scene: Scene) -> None:
    near, far = Socket.create()
    with near:
        far.shutdown_write()
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 0
        scene.later(far.close)
        assert (await scene.wait()).signals == Signals.PEER_CLOSED


@story
async def test_readable_is_not_told_of_an_end_of_file(scene: Scene) -> None:
    near, far = Socket.create()
    with near:
        scene.port.wait_async(near, KEY, Signals.READABLE)
        far.shutdown_write()
        await scene.settle()
        far.close()
        await scene.settle()
        before = scene.port.statistics()
        await scene.idle()
        after = scene.port.statistics()
        assert after["queued_packets"] == 0
        assert after["turns"] - before["turns"] < 10, "it spins"
        scene.port.cancel(near, KEY)


# ---------------------------------------------------------------------------------------- writable


def fill(end: Channel | Socket) -> int:
    """Write until the peer's queue is full; answer how many writes that took."""
    for count in range(100_000):
        try:
            end.write(bytes(1000))
        except ShouldWait:
            return count
    raise AssertionError("it is never full")


def drain(end: Channel | Socket) -> None:
    try:
        while True:
            end.read()
    except ShouldWait:
        return


@pytest.mark.parametrize("kind", [Channel, Socket])
@story
async def test_writable_is_told_when_a_full_queue_is_read(
    scene: Scene, kind: type[Channel | Socket]
) -> None:
    near, far = kind.create()
    with near, far:
        fill(near)
        assert not observe(near) & Signals.WRITABLE
        scene.port.wait_async(near, KEY, Signals.WRITABLE | Signals.PEER_CLOSED)
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 0
        scene.later(lambda: drain(far))
        assert (await scene.wait()).signals == Signals.WRITABLE
        near.write(b"room again")


@story
async def test_a_full_queue_whose_reader_dies_is_told_as_peer_closed(scene: Scene) -> None:
    near, far = Channel.create()
    with near:
        fill(near)
        scene.later(far.close)
        up = await scene.wait_one(near, Signals.WRITABLE | Signals.PEER_CLOSED)
        assert up == Signals.PEER_CLOSED


# --------------------------------------------------------------------- events, timers and processes


@story
async def test_an_event_is_signaled_until_it_is_cleared(scene: Scene) -> None:
    with Event.create() as event:
        scene.later(event.signal)
        assert await scene.wait_one(event, Signals.SIGNALED) == Signals.SIGNALED
        event.clear()
        with pytest.raises(TimedOut):
            await scene.wait_one(event, Signals.SIGNALED, 0)


@story
async def test_a_timer_fires_and_never_early(scene: Scene) -> None:
    with Timer.create() as timer:
        due = time.monotonic_ns() + 5_000_000
        timer.set(due)
        assert await scene.wait_one(timer, Signals.SIGNALED) == Signals.SIGNALED
        assert time.monotonic_ns() >= due
        assert timer.read() == 1
        assert observe(timer) == Signals.NONE


@story
async def test_the_end_of_a_process_is_told(scene: Scene, spawn_python: Spawner) -> None:
    child = spawn_python("import sys; sys.stdin.read()")
    with Process.of_child(child.process) as process:
        assert observe(process) == Signals.NONE
        scene.later(child.kill)
        assert await scene.wait_one(process, Signals.TERMINATED) == Signals.TERMINATED


@story
async def test_the_end_of_a_process_is_told_after_it_was_reaped_too(
    scene: Scene, spawn_python: Spawner
) -> None:
    """A pidfd hangs up, then, which must not be taken for a peer's."""
    child = spawn_python("")
    with Process.of_child(child.process) as process:
        scene.port.wait_async(process, KEY, Signals.TERMINATED, once=False)
        assert (await scene.wait()).signals == Signals.TERMINATED
        child.wait()
        assert (await scene.wait()).signals == Signals.TERMINATED
        scene.port.cancel(process, KEY)


# ---------------------------------------------------------------------------------- other handles


@story
async def test_a_pipe_is_readable_and_then_its_writer_is_gone(scene: Scene) -> None:
    read, write = os.pipe2(os.O_CLOEXEC)
    with Handle(read) as near:
        os.write(write, b"news")
        os.close(write)
        wanted = Signals.READABLE | Signals.PEER_CLOSED
        assert await scene.wait_one(near, wanted) == Signals.READABLE
        os.read(near.fileno(), 100)
        assert await scene.wait_one(near, wanted) == Signals.PEER_CLOSED


@story
async def test_a_pipe_that_nobody_reads_is_peer_closed_to_its_writer(scene: Scene) -> None:
    read, write = os.pipe2(os.O_CLOEXEC)
    with Handle(write) as near:
        scene.later(lambda: os.close(read))
        assert await scene.wait_one(near, Signals.PEER_CLOSED) == Signals.PEER_CLOSED


@story
async def test_a_listening_socket_is_readable_when_a_client_comes(scene: Scene) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(b"")
        listener.listen()
        address = listener.getsockname()
        with Handle(os.dup(listener.fileno())) as near:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            scene.later(lambda: client.connect(address))
            assert await scene.wait_one(near, Signals.READABLE) & Signals.READABLE
            client.close()


@story
async def test_signals_of_another_kind_never_come_and_do_not_spin(scene: Scene) -> None:
    near, far = Channel.create()
    with near, far, Event.create() as event:
        event.signal()
        far.write(b"news")
        scene.port.wait_async(event, KEY, Signals.READABLE | Signals.WRITABLE)
        scene.port.wait_async(near, KEY, Signals.SIGNALED)
        await scene.settle()
        before = scene.port.statistics()
        await scene.idle()
        after = scene.port.statistics()
        assert after["queued_packets"] == 0
        assert after["turns"] - before["turns"] < 10, "it spins"
        scene.port.cancel(event, KEY)
        scene.port.cancel(near, KEY)


# ---------------------------------------------------------------------------------------- wait_many


@story
async def test_wait_many_tells_which_handles_came_up(scene: Scene) -> None:
    events = [Event.create() for _ in range(3)]
    near, far = Channel.create()
    items: list[tuple[Handle, Signals]] = [(event, Signals.SIGNALED) for event in events]
    items.append((near, Signals.READABLE))
    scene.later(events[1].signal)
    up = await scene.wait_many(items)
    assert [bool(each & Signals.SIGNALED) for each in up] == [False, True, False, False]
    for event in events:
        event.close()
    near.close()
    far.close()


@story
async def test_wait_many_may_have_a_handle_twice(scene: Scene) -> None:
    with Event.create() as event:
        scene.later(event.signal)
        up = await scene.wait_many([(event, Signals.SIGNALED)] * 2)
        assert up == [Signals.SIGNALED] * 2


@story
async def test_wait_many_may_have_a_handle_for_several_signals(scene: Scene) -> None:
    near, far = Channel.create()
    with near, far:
        one, other = (near, Signals.READABLE), (near, Signals.WRITABLE)
        for items in ([one, other], [other, one]):
            up = await scene.wait_many(items)
            assert Signals.WRITABLE in up


@story
async def test_wait_many_times_out_and_leaves_nothing(scene: Scene) -> None:
    with Event.create() as event, Event.create() as other:
        items = [(event, Signals.SIGNALED), (other, Signals.SIGNALED)]
        for timeout in (0, 0.001, 0.02):
            begin = scene.port.clock()
            with pytest.raises(TimedOut):
                await scene.wait_many(items, timeout)
            assert scene.port.clock() - begin >= timeout
            assert not scene.left_behind()


@story
async def test_a_zero_timeout_looks_once(scene: Scene) -> None:
    with Event.create() as event:
        event.signal()
        assert await scene.wait_one(event, Signals.SIGNALED, 0) == Signals.SIGNALED


@story
async def test_wait_one_tells_all_that_is_up(scene: Scene) -> None:
    near, far = Channel.create()
    with near, far:
        far.write(b"news")
        up = await scene.wait_one(near, Signals.READABLE)
        assert up == Signals.READABLE | Signals.WRITABLE


@story
async def test_wait_many_wants_handles_that_are_open(scene: Scene) -> None:
    with Event.create() as event:
        closed = Event.create()
        closed.close()
        with pytest.raises(BadHandle):
            await scene.wait_many([(event, Signals.SIGNALED), (closed, Signals.SIGNALED)])
        assert not scene.left_behind()


@story
async def test_who_does_not_read_may_ask_whether_the_peer_is_gone(scene: Scene) -> None:
    near, far = Channel.create()
    with near:
        scene.port.wait_async(near, KEY, Signals.PEER_GONE)
        scene.port.wait_async(near, OTHER, Signals.WRITABLE | Signals.PEER_GONE, once=False)
        far.write(b"last words")
        await scene.settle()
        assert (await scene.wait()).key == OTHER
        scene.port.cancel(near, OTHER)
        scene.port.wait_async(near, OTHER, Signals.PEER_CLOSED)
        scene.later(far.close)
        packet = await scene.wait()
        assert packet == (KEY, Signals.READABLE | Signals.PEER_GONE, None)
        before = scene.port.statistics()["turns"]
        await scene.idle()
        assert scene.port.statistics()["turns"] - before < 10, "it spins"
        assert near.read().data == b"last words"
        assert await scene.wait() == (OTHER, Signals.PEER_CLOSED, None)


@story
async def test_a_peer_that_left_nothing_is_gone_too(scene: Scene) -> None:
    near, far = Channel.create()
    with near:
        far.close()
        scene.port.wait_async(near, KEY, Signals.PEER_GONE)
        assert await scene.wait() == (KEY, Signals.PEER_CLOSED | Signals.PEER_GONE, None)
        both = Signals.PEER_CLOSED | Signals.PEER_GONE
        assert await scene.wait_one(near, Signals.PEER_GONE) == both
        assert await scene.wait_one(near, Signals.PEER_GONE, 0) == both
        assert await scene.wait_one(near, Signals.PEER_CLOSED) == Signals.PEER_CLOSED


# ---------------------------------------------------------------------------------------- the parts


def test_events_for_asks_for_no_more_than_is_waited_for() -> None:
    assert events_for(Signals.NONE) == 0
    assert events_for(Signals.HANDLE_CLOSED) == 0
    assert events_for(Signals.READABLE) == IN
    assert events_for(Signals.SIGNALED) == IN
    assert events_for(Signals.WRITABLE) == OUT
    assert events_for(Signals.PEER_CLOSED) == READ_HANGUP
    assert events_for(Signals.PEER_GONE) == READ_HANGUP
    assert events_for(Signals.PEER_WRITE_DISABLED | Signals.WRITABLE) == READ_HANGUP | OUT


def test_numbers_are_zircons() -> None:
    assert (Signals.READABLE, Signals.WRITABLE, Signals.PEER_CLOSED) == (1, 2, 4)
    assert (Signals.SIGNALED, Signals.TERMINATED, Signals.HANDLE_CLOSED) == (8, 8, 1 << 23)


def test_look_asks_for_everything() -> None:
    near, far = Socket.create()
    with near, far:
        far.write(b"x")
        far.shutdown_write()
        assert look(near.fileno()) == IN | OUT | READ_HANGUP
        far.close()
        assert look(near.fileno()) & select.EPOLLHUP
        assert interpret(near.TYPE, near.fileno(), look(near.fileno())) == Signals.READABLE


def test_queued_bytes_counts_what_is_unread() -> None:
    near, far = Channel.create()
    with near, far, Event.create() as event:
        assert queued_bytes(near.fileno()) == 0
        far.write(b"123")
        far.write(b"45")
        assert queued_bytes(near.fileno()) == 5
        assert queued_bytes(event.fileno()) == 0


def test_a_closed_handle_cannot_be_observed() -> None:
    event = Event.create()
    event.close()
    with pytest.raises(BadHandle):
        observe(event)
