"""Every operation, interrupted at each of its steps: nothing leaks, and the channel is still good.

An operation runs beside a driver that lets it take one more step each time before it interrupts it,
until it comes to its end by itself, and its server too.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable
from typing import NoReturn

import anyio.lowlevel
import pytest

from ipcrt.errors import IpcError, Status
from ipcrt.port.aport import open_port
from tests.bindings import stage as acts
from tests.bindings.calc import CalcServer
from tests.bindings.stage import ACTS, Act, LateServer, SlowServer, Stage, until
from tests.support.proc import open_fds

pytestmark = pytest.mark.anyio

MANY_STEPS = 500
"""More than any operation here takes."""

CASES = [
    pytest.param(kind, act, id=f"{kind.__name__}-{act.__name__}")
    for kind, done in ((CalcServer, ACTS), (SlowServer, acts.SLOW), (LateServer, acts.LATE))
    for act in done
]
"""Who serves, and what is done."""
TIMED = [case for case in CASES if case.values[1] in acts.TIMED]
Cancel = Callable[[], object]
Interrupt = Callable[[Stage, Cancel], None]


def refuse(a: int, b: int) -> NoReturn:
    raise AssertionError(f"add({a}, {b}) was withdrawn")


# ---------------------------------------------------------------------------------- interruptions


def give_up(stage: Stage, cancel: Cancel) -> None:
    cancel()


def expire(stage: Stage, cancel: Cancel) -> None:
    """All deadlines pass now, whatever else this turn of the loop has in store."""
    deadlines = stage.port.deadlines
    deadlines._clock = lambda: time.monotonic() + 3600
    try:
        deadlines.run()
    finally:
        deadlines._clock = stage.port.clock
        deadlines._ends = -math.inf  # no clock goes back but this one


def expire_and_give_up(stage: Stage, cancel: Cancel) -> None:
    expire(stage, cancel)
    cancel()


def give_up_and_expire(stage: Stage, cancel: Cancel) -> None:
    cancel()
    expire(stage, cancel)


def close_client(stage: Stage, cancel: Cancel) -> None:
    stage.client.close()


def close_server(stage: Stage, cancel: Cancel) -> None:
    stage.binding.close(Status.UNAVAILABLE)


def hang_up(stage: Stage, cancel: Cancel) -> None:
    """Both sides learn of it from the kernel, as when the other was killed."""
    with socket.socket(fileno=os.dup(stage.binding.channel.fileno())) as sock:
        sock.shutdown(socket.SHUT_RDWR)


def close_port(stage: Stage, cancel: Cancel) -> None:
    stage.port.close()


async def play(
    stage: Stage, act: Act, steps: int, interrupt: Interrupt = give_up, *, relieve: bool = True
) -> bool:
    """Interrupt `act` after so many steps; True where all had come to its end before."""
    done: list[bool] = []

    async def run() -> None:
        try:
            await act(stage)
        except BaseException as error:
            done.append(False)
            if not isinstance(error, IpcError):
                raise
        else:
            done.append(True)

    await anyio.lowlevel.checkpoint()
    # Not by anyio: it never cancels an asyncio task that is about to wake up with a result.
    cancel = stage.port.spawn(run(), act.__name__)
    await anyio.lowlevel.checkpoint()
    for step in range(steps):
        if step >= 3 and relieve:
            stage.relieve()
        await anyio.lowlevel.checkpoint()
    over = done == [True] and not any(stage.binding.statistics().values())
    interrupt(stage, cancel)
    while not done:
        if relieve:
            stage.relieve()
        await anyio.lowlevel.checkpoint()
    return over


@pytest.mark.parametrize("clogged", [False, True], ids=["", "clogged"])
@pytest.mark.parametrize("kind, act", CASES)
async def test_cancelled_at_every_step(kind: type[CalcServer], act: Act, clogged: bool) -> None:
    await interrupt_at_every_step(kind, act, give_up, clogged=clogged)


@pytest.mark.parametrize("clogged", [False, True], ids=["", "clogged"])
@pytest.mark.parametrize("interrupt", [expire, expire_and_give_up, give_up_and_expire])
@pytest.mark.parametrize("kind, act", TIMED)
async def test_out_of_time_at_every_step(
    kind: type[CalcServer], act: Act, interrupt: Interrupt, clogged: bool
) -> None:
    await interrupt_at_every_step(kind, act, interrupt, clogged=clogged)


async def interrupt_at_every_step(
    kind: type[CalcServer], act: Act, interrupt: Interrupt, *, clogged: bool
) -> None:
    async with open_port() as port:
        stage = Stage(port, kind)
        await stage.settle()
        steps, ended = -1, False
        before = open_fds()
        while not ended:
            steps += 1
            assert steps < MANY_STEPS
            if clogged:
                stage.clog()
            ended = await play(stage, act, steps, interrupt)
            await stage.settle()
            await until(lambda: open_fds() == before, f"descriptors after {steps} steps")
        assert steps > 0 or act in (acts.say, acts.send_an_event), "it never waited"
        await stage.close()


@pytest.mark.parametrize("interrupt", [close_client, close_server, hang_up, close_port])
@pytest.mark.parametrize("kind, act", CASES)
async def test_ended_at_every_step(kind: type[CalcServer], act: Act, interrupt: Interrupt) -> None:
    before = open_fds()
    steps, ended = -1, False
    while not ended:
        steps += 1
        assert steps < MANY_STEPS
        async with open_port() as port:
            stage = Stage(port, kind)
            ended = await play(stage, act, steps, interrupt)
            await stage.close()
            await stage.nothing_left()
        assert open_fds() == before, f"after {steps} steps"


@pytest.mark.parametrize(
    "act",
    [acts.add, acts.echo, acts.lend_a_vmo, acts.say, acts.pipeline, acts.send_an_event],
    ids=lambda act: act.__name__,
)
async def test_what_was_withdrawn_is_never_sent(act: Act) -> None:
    async with open_port() as port:
        stage = Stage(port)
        stage.client._client.connection.pause()
        stage.clog()
        before = open_fds()
        waiting = stage.client.statistics(), stage.binding.statistics()  # the last of what clogs
        for steps in range(6):
            assert not await play(stage, act, steps, relieve=False)
            assert (stage.client.statistics(), stage.binding.statistics()) == waiting
            port.spill_memory.close()  # it keeps what a long message was to travel through
            assert open_fds() == before
        stage.server.add = refuse  # type: ignore[method-assign]
        stage.client._client.connection.resume()
        stage.relieve()
        await port.sleep(0.02)
        assert await stage.client.divide(6, 2) == 3
        assert set(stage.server.notes) == {"x"}
        await stage.close()
