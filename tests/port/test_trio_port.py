"""What only trio can get wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from ipcrt.errors import TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.channel import AsyncChannel
from ipcrt.port.signals import Signals


def play(act: Callable[[AsyncPort], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_port() as port:
            await act(port)
            counts = port.statistics()
            del counts["turns"]
            assert not any(counts.values()), counts

    trio.run(main)


def test_trio_wants_every_await_to_let_others_run() -> None:
    async def act(port: AsyncPort) -> None:
        assert port.strict
        assert not AsyncPort.strict
        with trio.testing.assert_checkpoints():
            await port.checkpoint()

    play(act)


def test_cancel_scopes_end_waits() -> None:
    async def act(port: AsyncPort) -> None:
        near, far = Channel.create()
        with Event.create() as event, far:
            async with AsyncChannel(near, port) as channel:
                for wait in (
                    lambda: port.wait_one(event, Signals.SIGNALED, 3600),
                    port.wait,
                    channel.read,
                    lambda: channel.call(b"...."),
                    lambda: port.sleep(3600),
                ):
                    with trio.move_on_after(0.005) as scope:
                        await wait()
                    assert scope.cancelled_caught
                with pytest.raises(trio.TooSlowError), trio.fail_after(0.005):
                    await port.wait_one(event, Signals.SIGNALED)

    play(act)


def test_a_dead_scope_around_the_port_lets_it_serve_until_the_end() -> None:
    spoken: list[bytes] = []

    async def main() -> None:
        near, far = Channel.create()
        with far, trio.CancelScope() as scope:
            async with open_port() as port, AsyncChannel(near, port) as channel:
                scope.cancel()
                try:
                    await channel.read()
                finally:
                    with trio.CancelScope(shield=True):
                        far.write(b"last words")
                        spoken.append((await channel.read()).data)
                        with pytest.raises(TimedOut):
                            await channel.read(0.005)
        assert scope.cancelled_caught

    trio.run(main)
    assert spoken == [b"last words"]


def test_errors_in_a_nursery_inside_end_waits() -> None:
    async def act(port: AsyncPort) -> None:
        async def fail() -> None:
            await trio.sleep(0.005)
            raise LookupError("a mistake")

        async def work(event: Event) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(port.wait_one, event, Signals.SIGNALED)
                nursery.start_soon(fail)

        with Event.create() as event, pytest.raises(ExceptionGroup) as caught:
            await work(event)
        assert caught.group_contains(LookupError)

    play(act)


def test_a_port_that_is_closed_before_its_task_ran() -> None:
    async def main() -> None:
        async with open_port() as port:
            port.close()
        await trio.testing.wait_all_tasks_blocked()

    trio.run(main)


def test_what_is_started_while_the_port_is_being_left_is_cancelled_too() -> None:
    started: list[str] = []

    async def hang() -> None:
        await trio.sleep_forever()

    async def start_another(port: AsyncPort) -> None:
        try:
            await trio.sleep_forever()
        finally:
            started.append("another")
            port.spawn(hang(), "another")

    async def main() -> None:
        with trio.fail_after(20):
            async with open_port() as port:
                port.spawn(start_another(port), "first")
                await trio.lowlevel.checkpoint()
        assert started == ["another"]

    trio.run(main)


def test_deadlines_follow_trios_clock() -> None:
    """An hour passes in no time under trio's clock for tests."""

    async def main() -> None:
        async with open_port() as port:
            with Event.create() as event, pytest.raises(TimedOut):
                await port.wait_one(event, Signals.SIGNALED, 3600)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
