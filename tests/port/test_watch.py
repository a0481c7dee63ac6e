"""What happens to waits when their handle goes, and what the poller is told."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from ipcrt.errors import Canceled
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.port.packet import Packet
from ipcrt.port.poller import OUTSIDE
from ipcrt.port.signals import Signals
from ipcrt.port.slots import watch_of
from ipcrt.port.waiter import Waiter
from ipcrt.port.watch import HandleWatch
from tests.port.scene import AsyncScene, Scene, nothing, story

KEY = 7
OTHER = 8


def close(handle: Handle) -> None:
    handle.close()


def move(handle: Handle) -> None:
    os.close(handle.take())


def send_away(handle: Handle) -> None:
    near, far = Channel.create()
    with near, far:
        near.write(b"take it", [handle])
        far.read().close()


def replace(handle: Handle) -> None:
    handle.replace().close()


GOING = pytest.mark.parametrize("go", [close, move, send_away, replace])


@GOING
@story
async def test_every_wait_ends_when_the_handle_goes(
    scene: Scene, go: Callable[[Handle], None]
) -> None:
    event = Event.create()
    scene.port.wait_async(event, KEY, Signals.SIGNALED)
    scene.port.wait_async(event, OTHER, Signals.SIGNALED, once=False)
    scene.later_here(lambda: go(event))
    packets = [await scene.wait() for _ in range(2)]
    assert packets == [
        (KEY, Signals.HANDLE_CLOSED, None),
        (OTHER, Signals.HANDLE_CLOSED, None),
    ]
    assert not scene.left_behind()


@GOING
@story
async def test_a_task_that_waits_is_told(
    loop_scene: AsyncScene, go: Callable[[Handle], None]
) -> None:
    with Event.create() as other:
        event = Event.create()
        loop_scene.later_here(lambda: go(event))
        items: list[tuple[Handle, Signals]] = [
            (event, Signals.SIGNALED),
            (other, Signals.SIGNALED),
        ]
        with pytest.raises(Canceled, match="closed"):
            await loop_scene.wait_many(items)


@story
async def test_a_repeating_waits_packet_outlives_its_handle(scene: Scene) -> None:
    event = Event.create()
    event.signal()
    scene.port.wait_async(event, KEY, Signals.SIGNALED, once=False)
    await scene.settle()
    event.close()
    assert [(await scene.wait()).signals for _ in range(2)] == [
        Signals.SIGNALED,
        Signals.HANDLE_CLOSED,
    ]


def wait_for(scene: Scene, event: Event, told: Callable[[], None]) -> None:
    key = scene.port.new_key()

    def receive(packet: Packet) -> None:
        scene.port.unbind(key)
        if packet.signals == Signals.SIGNALED:
            told()

    scene.port.bind(key, receive)
    scene.port.wait_async(event, key, Signals.SIGNALED)


def read(scene: Scene, event: Event, told: Callable[[], None]) -> None:
    def reader() -> None:
        scene.port.remove_reader(event)
        told()

    scene.port.add_reader(event, reader)


@pytest.mark.parametrize("second", [wait_for, read])
@pytest.mark.parametrize("first", [wait_for, read])
@story
async def test_a_number_that_is_used_again_is_a_new_handle(
    scene: Scene,
    first: Callable[[Scene, Event, Callable[[], None]], None],
    second: Callable[[Scene, Event, Callable[[], None]], None],
) -> None:
    """A poller that was not told keeps the old registration, and never fires again."""
    waiter: Waiter[None] = scene.port.create_waiter()
    old = Event.create()
    number = old.fileno()
    first(scene, old, nothing)
    await scene.settle()
    old.close()
    with Event.create() as new:
        assert new.fileno() == number
        second(scene, new, lambda: waiter.set_result(None))
        scene.later_here(new.signal)
        await scene.result(waiter)


@story
async def test_news_of_a_number_that_changed_hands_in_the_same_turn_is_dropped(
    scene: Scene,
) -> None:
    """The poller's list is older than the handle that has the number now."""
    port = scene.port
    events = {port.new_key(): Event.create() for _ in range(2)}
    new: list[Event] = []

    def swap(packet: Packet) -> None:
        """Whichever of the two is served first closes the other, and takes its number."""
        if packet.signals == Signals.SIGNALED:
            assert not new, "the loser was told all the same"
            next(event for key, event in events.items() if key != packet.key).close()
            new.append(Event.create())
            port.wait_async(new[0], KEY, Signals.SIGNALED)

    for key, event in events.items():
        port.bind(key, swap)
        port.wait_async(event, key, Signals.SIGNALED)
        event.signal()
    await scene.settle()
    assert len(new) == 1
    assert port.statistics()["queued_packets"] == 0, "the new event was never signaled"
    port.cancel(new[0], KEY)
    new[0].close()
    for key, event in events.items():
        port.unbind(key)
        event.close()


@story
async def test_a_descriptor_closed_behind_our_back_can_be_waited_for_again(scene: Scene) -> None:
    """While a duplicate keeps the object alive, the poller still has the old registration."""
    event = Event.create()
    number = event.fileno()
    keeper = os.dup(number)
    scene.port.wait_async(event, KEY, Signals.SIGNALED)
    stranger = Event.create()
    os.dup2(keeper, number)  # the same object, and the same number, opened anew
    os.close(keeper)
    scene.port.cancel(event, KEY)
    scene.port.wait_async(event, KEY, Signals.SIGNALED)
    event.signal()
    assert (await scene.wait()).key == KEY
    event.close()
    stranger.close()


@story
async def test_a_wait_for_nothing_ends_with_its_handle_only(scene: Scene) -> None:
    near, far = Channel.create()
    scene.port.wait_async(near, KEY, Signals.HANDLE_CLOSED)
    far.write(b"news")
    far.close()
    await scene.settle()
    assert scene.port.statistics()["queued_packets"] == 0
    near.close()
    assert (await scene.wait()).signals == Signals.HANDLE_CLOSED


@story
async def test_the_last_wait_frees_the_handle(scene: Scene) -> None:
    with Event.create() as event:
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        scene.port.wait_async(event, OTHER, Signals.SIGNALED)
        assert scene.port.statistics()["watched_handles"] == 1
        scene.port.cancel(event, KEY)
        assert scene.port.statistics()["waits"] == 1
        scene.port.cancel(event, OTHER)
        assert not scene.left_behind()


@story
async def test_a_reader_that_does_not_read_does_not_hide_the_waits(scene: Scene) -> None:
    near, far = Channel.create()
    called: list[int] = []
    with near, far:
        scene.port.add_reader(near, lambda: called.append(1))
        scene.port.wait_async(near, KEY, Signals.READABLE)
        far.write(b"news")
        assert (await scene.wait()).signals & Signals.READABLE
        await scene.settle()
        assert called
        scene.port.remove_reader(near)


@story
async def test_a_reader_goes_on_beside_a_wait_that_nothing_satisfies(scene: Scene) -> None:
    near, far = Channel.create()
    got: list[bytes] = []
    with near, far:
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        for data in (b"1", b"2", b"3"):
            far.write(data)
        scene.port.add_reader(near, lambda: got.append(near.read().data))
        await scene.settle()
        await scene.settle()
        assert got == [b"1", b"2", b"3"]
        scene.port.remove_reader(near)
        scene.port.cancel(near, KEY)


@story
async def test_a_wait_that_nothing_satisfies_does_not_spin_beside_a_reader(scene: Scene) -> None:
    with Event.create() as event:
        scene.port.add_reader(event, event.clear)
        scene.port.wait_async(event, KEY, Signals.WRITABLE)  # an event never is
        await scene.settle()
        before = scene.port.statistics()["turns"]
        await scene.idle()
        assert scene.port.statistics()["turns"] - before < 10
        scene.port.remove_reader(event)
        scene.port.cancel(event, KEY)


@story
async def test_a_read_that_leaves_messages_behind_does_not_wake_the_port(scene: Scene) -> None:
    near, far = Channel.create()
    with near:
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        for _ in range(2):
            far.write(b"news")
        far.close()
        await scene.settle()
        watch = watch_of(near)
        assert isinstance(watch, HandleWatch)
        assert watch._armed == OUTSIDE
        near.read()
        assert watch._armed == OUTSIDE
        near.read()
        assert watch._armed != OUTSIDE
        assert (await scene.wait()).signals == Signals.PEER_CLOSED


@story
async def test_a_number_that_was_closed_behind_our_back_is_a_new_handle(scene: Scene) -> None:
    stale = Event.create()
    scene.port.wait_async(stale, KEY, Signals.SIGNALED)
    await scene.settle()
    os.close(stale.fileno())
    with Event.create() as new:
        assert new.fileno() == stale.fileno()
        scene.port.wait_async(new, OTHER, Signals.SIGNALED)
        new.signal()
        assert (await scene.wait()).key == OTHER
    stale._fd = -1  # it owns nothing any more
