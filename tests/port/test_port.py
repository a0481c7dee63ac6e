"""The port's own behaviour, on every backend."""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import pytest

from ipcrt.errors import (
    AccessDenied,
    AlreadyExists,
    BadHandle,
    BadState,
    NotSupported,
    TimedOut,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from tests.port.scene import Scene, nothing, story

KEY = 7
OTHER = 8


# ------------------------------------------------------------------------------- once and repeating


@story
async def test_a_wait_fires_when_its_signal_comes_up(scene: Scene) -> None:
    near, far = Channel.create()
    with near, far:
        scene.port.wait_async(near, KEY, Signals.READABLE)
        scene.later(lambda: far.write(b"news"))
        packet = await scene.wait()
        assert packet == (KEY, Signals.READABLE | Signals.WRITABLE, None)


@story
async def test_a_wait_fires_at_once_where_its_signal_is_up(scene: Scene) -> None:
    near, far = Channel.create()
    with near, far:
        scene.port.wait_async(near, KEY, Signals.WRITABLE)
        assert (await scene.wait()).signals == Signals.WRITABLE


@story
async def test_a_wait_for_once_fires_once(scene: Scene) -> None:
    with Event.create() as event:
        event.signal()
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        assert await scene.wait() == (KEY, Signals.SIGNALED, None)
        await scene.settle()
        assert not scene.left_behind()


@story
async def test_a_repeating_wait_fires_for_as_long_as_the_state_lasts(scene: Scene) -> None:
    with Event.create() as event:
        event.signal()
        scene.port.wait_async(event, KEY, Signals.SIGNALED, once=False)
        for _ in range(3):
            assert await scene.wait() == (KEY, Signals.SIGNALED, None)
        event.clear()
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 0
        scene.later(event.signal)
        assert await scene.wait() == (KEY, Signals.SIGNALED, None)
        scene.port.cancel(event, KEY)


@story
async def test_a_repeating_wait_has_one_packet_in_the_queue_and_does_not_spin(
    scene: Scene,
) -> None:
    with Event.create() as event:
        event.signal()
        scene.port.wait_async(event, KEY, Signals.SIGNALED, once=False)
        await scene.settle()
        before = scene.port.statistics()
        await scene.idle()
        after = scene.port.statistics()
        assert after["queued_packets"] == 1
        assert after["turns"] - before["turns"] < 10
        assert scene.port.cancel(event, KEY)


@story
async def test_two_waits_on_one_handle_fire_each_for_its_own(scene: Scene) -> None:
    near, far = Channel.create()
    with near, far:
        scene.port.wait_async(near, KEY, Signals.READABLE)
        scene.port.wait_async(near, OTHER, Signals.WRITABLE)
        assert (await scene.wait()).key == OTHER
        scene.later(lambda: far.write(b"news"))
        assert (await scene.wait()).key == KEY


@story
async def test_many_handles_on_one_port(scene: Scene) -> None:
    events = [Event.create() for _ in range(500)]
    for key, event in enumerate(events):
        scene.port.wait_async(event, key, Signals.SIGNALED)
        event.signal()
    keys = {(await scene.wait()).key for _ in events}
    assert keys == set(range(500))
    for event in events:
        event.close()


# ------------------------------------------------------------------------------------------- cancel


@story
async def test_a_cancelled_wait_does_not_fire(scene: Scene) -> None:
    with Event.create() as event:
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        assert scene.port.cancel(event, KEY)
        assert not scene.port.cancel(event, KEY)
        event.signal()
        await scene.settle()
        assert not scene.left_behind()


@story
async def test_cancel_drops_the_packets_of_this_handle_and_key_only(scene: Scene) -> None:
    with Event.create() as event, Event.create() as other:
        for each in (event, other):
            each.signal()
            scene.port.wait_async(each, KEY, Signals.SIGNALED)
            scene.port.wait_async(each, OTHER, Signals.SIGNALED)
        scene.port.queue(Packet(KEY, payload="queued by hand"))
        await scene.settle()
        assert scene.port.statistics()["queued_packets"] == 5
        assert scene.port.cancel(event, KEY)
        packets = [await scene.wait() for _ in range(4)]
        assert sorted(packet.key for packet in packets) == [KEY, KEY, OTHER, OTHER]
        assert [p.payload for p in packets if p.payload] == ["queued by hand"]


@story
async def test_cancel_of_a_repeating_wait_leaves_nothing_armed(scene: Scene) -> None:
    with Event.create() as event:
        event.signal()
        scene.port.wait_async(event, KEY, Signals.SIGNALED, once=False)
        await scene.wait()
        await scene.settle()
        assert scene.port.cancel(event, KEY)
        await scene.settle()
        assert not scene.left_behind()


# -------------------------------------------------------------------------------------------- queue


@story
async def test_queue_wakes_the_port_from_another_thread(scene: Scene) -> None:
    scene.later(lambda: scene.port.queue(Packet(KEY, payload="from afar")))
    assert await scene.wait() == (KEY, Signals.NONE, "from afar")


@story
async def test_queue_from_many_threads_loses_nothing_and_keeps_each_threads_order(
    scene: Scene,
) -> None:
    threads, each = 8, 500
    together = threading.Barrier(threads)

    def send(number: int) -> None:
        together.wait()
        for count in range(each):
            scene.port.queue(Packet(number, payload=count))

    running = [threading.Thread(target=send, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    seen: dict[int, list[object]] = {number: [] for number in range(threads)}
    for _ in range(threads * each):
        packet = await scene.wait()
        seen[packet.key].append(packet.payload)
    for thread in running:
        thread.join()
    assert all(payloads == list(range(each)) for payloads in seen.values())


@story
async def test_a_packet_queued_by_a_receiver_is_served_in_a_later_turn(scene: Scene) -> None:
    """Else one that always queues the next would never let anybody else run."""
    turns: list[int] = []

    def again(packet: Packet) -> None:
        turns.append(scene.port.statistics()["turns"])
        if len(turns) < 3:
            scene.port.queue(packet)

    scene.port.bind(KEY, again)
    scene.port.queue(Packet(KEY))
    for _ in range(3):
        await scene.settle()
    assert len(set(turns)) == 3
    scene.port.unbind(KEY)


# ---------------------------------------------------------------------------------------- receivers


@story
async def test_a_receiver_gets_the_packets_of_its_key(scene: Scene) -> None:
    got: list[Packet] = []
    key = scene.port.new_key()
    with Event.create() as event:
        scene.port.bind(key, got.append)
        scene.port.wait_async(event, key, Signals.SIGNALED)
        scene.port.queue(Packet(key, payload=1))
        event.signal()
        await scene.settle()
        assert sorted(got, key=lambda packet: packet.signals) == [
            (key, Signals.NONE, 1),
            (key, Signals.SIGNALED, None),
        ]
        scene.port.unbind(key)
        scene.port.queue(Packet(key, payload=2))
        assert (await scene.wait()).payload == 2


def test_new_keys_are_never_the_users() -> None:
    with BlockingPort() as port:
        keys = [port.new_key() for _ in range(3)]
        assert len(set(keys)) == 3
        assert min(keys) >= 1 << 32


@story
async def test_a_receiver_that_raises_ends_its_wait_and_no_other(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def fail(packet: Packet) -> None:
        calls.append(packet.key)
        raise RuntimeError("a receiver's mistake")

    with Event.create() as event, Event.create() as other:
        for each in (event, other):
            each.signal()
        key = scene.port.new_key()
        scene.port.bind(key, fail)
        scene.port.wait_async(event, key, Signals.SIGNALED, once=False)
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        scene.port.wait_async(other, OTHER, Signals.SIGNALED)
        assert {(await scene.wait()).key for _ in range(2)} == {KEY, OTHER}
        await scene.settle()
        assert calls == [key]
        assert "a receiver's mistake" in caplog.text
        caplog.clear()
        scene.port.unbind(key)


@story
async def test_a_receiver_may_cancel_the_waits_behind_it(scene: Scene) -> None:
    got: list[int] = []
    with Event.create() as event:
        keys = [scene.port.new_key() for _ in range(2)]

        def receive(packet: Packet) -> None:
            got.append(packet.key)
            for key in keys:
                scene.port.cancel(event, key)

        for key in keys:
            scene.port.bind(key, receive)
            scene.port.wait_async(event, key, Signals.SIGNALED)
        event.signal()
        await scene.settle()
        assert got == keys[:1]
        for key in keys:
            scene.port.unbind(key)


@story
async def test_a_receiver_may_close_the_handle(scene: Scene) -> None:
    got: list[Packet] = []
    event = Event.create()
    keys = [scene.port.new_key() for _ in range(2)]

    def receive(packet: Packet) -> None:
        got.append(packet)
        event.close()

    for key in keys:
        scene.port.bind(key, receive)
        scene.port.wait_async(event, key, Signals.SIGNALED)
    event.signal()
    await scene.settle()
    assert got == [(keys[0], Signals.SIGNALED, None), (keys[1], Signals.HANDLE_CLOSED, None)]
    for key in keys:
        scene.port.unbind(key)


@story
async def test_a_receiver_cannot_arm_a_handle_that_is_closing(scene: Scene) -> None:
    refused: list[BaseException] = []
    event = Event.create()
    key = scene.port.new_key()

    def again(packet: Packet) -> None:
        assert packet.signals == Signals.HANDLE_CLOSED
        try:
            scene.port.wait_async(event, key, Signals.SIGNALED)
        except BadHandle as error:
            refused.append(error)

    scene.port.bind(key, again)
    scene.port.wait_async(event, key, Signals.SIGNALED)
    event.close()
    await scene.settle()
    assert len(refused) == 1
    scene.port.unbind(key)


# ------------------------------------------------------------------------------------------ readers


@story
async def test_a_reader_is_called_for_as_long_as_something_is_there(scene: Scene) -> None:
    near, far = Channel.create()
    got: list[bytes] = []
    with near, far:
        scene.port.add_reader(near, lambda: got.append(near.read().data))
        for data in (b"1", b"2", b"3"):
            far.write(data)
        await scene.settle()
        await scene.settle()
        assert got == [b"1", b"2", b"3"]
        scene.port.remove_reader(near)
        far.write(b"4")
        await scene.settle()
        assert len(got) == 3
        scene.port.remove_reader(near)


@story
async def test_a_reader_that_raises_is_stopped_and_told_and_the_others_go_on(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    near, far = Channel.create()
    ended: list[str] = []

    def fail() -> None:
        raise RuntimeError("a reader's mistake")

    with near, far, Event.create() as event:
        scene.port.add_reader(near, fail, lambda: ended.append("reader"))
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        far.write(b"news")
        event.signal()
        assert (await scene.wait()).key == KEY
        await scene.settle()
        assert ended == ["reader"]
        assert [r.getMessage() for r in caplog.records] == [f"the reader of {near!r} failed"]
        caplog.clear()


@story
async def test_a_reader_is_told_when_its_handle_goes(scene: Scene) -> None:
    ended: list[int] = []
    ends = [*Channel.create(), *Channel.create()]
    for number, end in enumerate(ends):
        scene.port.add_reader(end, nothing, functools.partial(ended.append, number))
    ends[0].close()
    os.close(ends[1].take())
    scene.port.remove_reader(ends[2])
    await scene.settle()
    assert ended == [0, 1]
    scene.port.remove_reader(ends[3])
    for end in ends:
        end.close()


@story
async def test_a_reader_reads_everything_of_a_peer_that_dies_with_our_messages_unread(
    scene: Scene,
) -> None:
    """The kernel then reports EPOLLERR, after which libuv polls no more."""
    near, far = Channel.create()
    got: list[bytes] = []
    waiter = scene.port.create_waiter()

    def read() -> None:
        try:
            got.append(near.read().data)
        except Exception as error:  # noqa: BLE001  (told to the story)
            scene.port.remove_reader(near)
            waiter.set_result(error)

    with near:
        scene.port.add_reader(near, read)
        await scene.settle()
        near.write(b"never read")
        for data in (b"1", b"2", b"3"):
            far.write(data)
        far.close()
        error = await scene.result(waiter)
        assert got == [b"1", b"2", b"3"]
        assert type(error).__name__ == "PeerClosed"


@story
async def test_a_reader_and_waits_share_a_handle(scene: Scene) -> None:
    near, far = Channel.create()
    got: list[bytes] = []
    with near:
        scene.port.add_reader(near, lambda: got.append(near.read().data))
        scene.port.wait_async(near, KEY, Signals.PEER_CLOSED)
        far.write(b"last words")
        await scene.settle()
        scene.port.remove_reader(near)
        far.close()
        assert (await scene.wait()).signals == Signals.PEER_CLOSED
        assert got == [b"last words"]


# --------------------------------------------------------------------------- what may be waited for


@story
async def test_one_port_at_a_time_watches_a_handle(scene: Scene) -> None:
    with Event.create() as event, BlockingPort() as other:
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        with pytest.raises(AlreadyExists):
            other.wait_async(event, KEY, Signals.SIGNALED)
        scene.port.cancel(event, KEY)
        other.wait_async(event, KEY, Signals.SIGNALED)
        other.cancel(event, KEY)


def use_as_reader(scene: Scene, handle: Handle) -> None:
    scene.port.add_reader(handle, nothing)


def use_as_wait(scene: Scene, handle: Handle) -> None:
    scene.port.wait_async(handle, KEY, Signals.READABLE)


USES = pytest.mark.parametrize("use", [use_as_reader, use_as_wait])


@USES
@story
async def test_a_file_cannot_be_waited_for(
    scene: Scene, use: Callable[[Scene, Handle], None]
) -> None:
    with Handle(os.open(__file__, os.O_RDONLY | os.O_CLOEXEC)) as file:
        with pytest.raises(NotSupported):
            use(scene, file)
        assert not scene.left_behind()


@USES
@story
async def test_a_closed_handle_cannot_be_waited_for(
    scene: Scene, use: Callable[[Scene, Handle], None]
) -> None:
    event = Event.create()
    event.close()
    with pytest.raises(BadHandle):
        use(scene, event)
    scene.port.remove_reader(event)


@USES
@story
async def test_waiting_needs_the_right_to_wait(
    scene: Scene, use: Callable[[Scene, Handle], None]
) -> None:
    with Event.create().replace(Rights.SIGNAL) as event, pytest.raises(AccessDenied):
        use(scene, event)


# --------------------------------------------------------------------------------------------- time


@story
async def test_a_wait_that_nothing_ends_times_out(scene: Scene) -> None:
    for timeout in (0, 0.001, 0.02):
        begin = scene.port.clock()
        with pytest.raises(TimedOut):
            await scene.wait(timeout)
        assert scene.port.clock() - begin >= timeout


@story
async def test_a_zero_timeout_looks_once(scene: Scene) -> None:
    with Event.create() as event:
        event.signal()
        scene.port.wait_async(event, KEY, Signals.SIGNALED)
        assert (await scene.wait(0)).key == KEY


@story
async def test_a_very_long_timeout_is_no_error(scene: Scene) -> None:
    for timeout in (1e8, float("inf")):
        scene.later(lambda: scene.port.queue(Packet(KEY)))
        assert (await scene.wait(timeout)).key == KEY


# ------------------------------------------------------------------------------------------ threads


@story
async def test_another_thread_may_only_queue(scene: Scene) -> None:
    port = scene.port
    refused: list[str] = []
    with Event.create() as event:
        uses: Sequence[Callable[[], object]] = [
            lambda: port.wait_async(event, KEY, Signals.SIGNALED),
            lambda: port.add_reader(event, nothing),
            lambda: port.cancel(event, KEY),
            port.check,
            port.dispatch,
            port.close,
        ]

        def try_all() -> None:
            for use in uses:
                with pytest.raises(BadState, match="own thread") as caught:
                    use()
                refused.append(str(caught.value))
            port.queue(Packet(KEY))

        thread = threading.Thread(target=try_all)
        thread.start()
        thread.join()
        assert len(refused) == len(uses)
        assert (await scene.wait()).key == KEY


@story
async def test_a_handle_closed_by_another_thread_ends_its_waits_here(scene: Scene) -> None:
    """A misuse, yet the number must not stay in the poller, nor the wait hang."""
    event = Event.create()
    near, far = Channel.create()
    ended: list[int] = []
    here = threading.get_ident()
    scene.port.wait_async(event, KEY, Signals.SIGNALED)
    scene.port.add_reader(near, nothing, lambda: ended.append(threading.get_ident()))

    def close() -> None:
        event.close()
        near.close()

    scene.later(close)
    assert await scene.wait() == (KEY, Signals.HANDLE_CLOSED, None)
    await scene.settle()
    await scene.settle()
    assert ended == [here]
    far.close()


def test_two_ports_on_two_threads() -> None:
    rounds = 200
    ends = Channel.create()
    got: list[list[int]] = [[], []]

    def play(me: int) -> None:
        with BlockingPort() as port, ends[me] as end:
            if me == 0:
                end.write(b"%d" % rounds)
            while True:
                port.wait_async(end, KEY, Signals.READABLE | Signals.PEER_CLOSED)
                if port.wait(20).signals & Signals.PEER_CLOSED:
                    return
                number = int(end.read().data)
                got[me].append(number)
                if number == 0:
                    return
                end.write(b"%d" % (number - 1))

    threads = [threading.Thread(target=play, args=(me,)) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got[0] + got[1], reverse=True) == list(range(rounds, -1, -1))


# ---------------------------------------------------------------------------------------------- end


@story
async def test_closing_ends_every_wait(scene: Scene) -> None:
    port = BlockingPort()
    got: list[Packet] = []
    with Event.create() as event, Event.create() as other:
        port.bind(KEY, got.append)
        port.wait_async(event, KEY, Signals.SIGNALED)
        port.wait_async(other, KEY, Signals.SIGNALED, once=False)
        port.deadlines.add(0, lambda: got.append(Packet(OTHER)))
        port.close()
        assert got == [(KEY, Signals.HANDLE_CLOSED, None)] * 2
        assert not scene.left_behind(port)
        scene.port.wait_async(event, KEY, Signals.SIGNALED)  # it is free for others
        scene.port.cancel(event, KEY)
    port.close()
    for use in (port.wait, port.dispatch, lambda: port.queue(Packet(KEY))):
        with pytest.raises(BadState, match="closed"):
            use()


def test_a_receiver_may_close_the_port() -> None:
    port = BlockingPort()
    with Event.create() as event:
        event.signal()
        port.bind(KEY, lambda _: port.close())
        for _ in range(3):
            port.queue(Packet(KEY))
        port.wait_async(event, OTHER, Signals.SIGNALED)
        port.dispatch()
        assert port.closed


def test_a_forgotten_port_says_so() -> None:
    BlockingPort()
    with pytest.warns(ResourceWarning, match="unclosed"):
        gc.collect()


def test_a_process_that_ends_with_an_open_port_says_nothing() -> None:
    """The port goes before the handles that it watches, in a cycle with them."""
    source = """if True:
        from ipcrt.objects.channel import Channel
        from ipcrt.port.blocking import BlockingPort
        from ipcrt.port.signals import Signals
        near, far = Channel.create()
        port = BlockingPort()
        port.add_reader(near, lambda: port, lambda: near)
        port.wait_async(far, 7, Signals.READABLE)
    """
    told = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True)
    assert told.stderr == b""
