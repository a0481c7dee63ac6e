from __future__ import annotations

import pytest

from ipcrt.errors import BadState, TimedOut
from ipcrt.objects.event import Event
from ipcrt.port.aport import open_port
from ipcrt.port.signals import Signals
from ipcrt.shm.sync_steps import Steps, await_steps, run_steps


def count(event: Event, seen: list[Signals], times: int, error: Exception | None = None) -> Steps:
    """Wait for `event` so many times."""
    for _ in range(times):
        (found,) = yield [(event, Signals.SIGNALED)]
        seen.append(found)
    if error is not None:
        raise error


def test_a_thread_takes_every_step() -> None:
    with Event.create() as event:
        event.signal()
        for times in (0, 1, 3):
            seen: list[Signals] = []
            run_steps(count(event, seen, times), 20, "it")
            assert seen == [Signals.SIGNALED] * times


@pytest.mark.anyio
async def test_a_loop_takes_every_step() -> None:
    async with open_port() as port:
        with Event.create() as event:
            event.signal()
            for times in (0, 1, 3):
                seen: list[Signals] = []
                await await_steps(port, count(event, seen, times), 20, "it")
                assert seen == [Signals.SIGNALED] * times


@pytest.mark.parametrize("timeout", [0, 0.01])
def test_a_thread_names_what_does_not_come(timeout: float) -> None:
    with (
        Event.create() as event,
        pytest.raises(TimedOut, match=f"the thing has not come within {timeout} seconds"),
    ):
        run_steps(count(event, [], 1), timeout, "the thing")


@pytest.mark.anyio
@pytest.mark.parametrize("timeout", [0, 0.01])
async def test_a_loop_names_what_does_not_come(timeout: float) -> None:
    with Event.create() as event:
        async with open_port() as port:
            with pytest.raises(TimedOut, match=f"the thing has not come within {timeout} s"):
                await await_steps(port, count(event, [], 1), timeout, "the thing")


def test_a_thread_raises_what_a_step_raises() -> None:
    with Event.create() as event:
        event.signal()
        for times in (0, 2):
            with pytest.raises(BadState, match="mine"):
                run_steps(count(event, [], times, BadState("mine")), 20, "it")


@pytest.mark.anyio
async def test_a_loop_raises_what_a_step_raises() -> None:
    with Event.create() as event:
        event.signal()
        async with open_port() as port:
            for times in (0, 2):
                with pytest.raises(BadState, match="mine"):
                    await await_steps(port, count(event, [], times, BadState("mine")), 20, "it")
