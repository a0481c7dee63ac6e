"""Every operation, cancelled at each of its steps: nothing leaks, and the channel is still good.

An operation runs beside a driver that lets it take one more step each time before it cancels it,
until it comes to its end by itself. Client and server share the loop, so that the steps in
between are those of request, handler and reply as well.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import NoReturn

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import ShouldWait
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from tests.bindings.calc import (
    NOTE,
    ON_NOTE,
    Calc,
    CalcFailed,
    CalcProxy,
    Text,
    pair,
)
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

MANY_STEPS = 500
"""More than any operation here takes."""


class Stage:
    """A client and its server."""

    def __init__(self, port: AsyncPort) -> None:
        self.client, self.server = pair(port)
        assert self.server.binding is not None
        self.binding = self.server.binding
        self.port = port
        for channel in (self.binding.channel, self.client._client.connection.channel):
            with socket.socket(fileno=os.dup(channel.fileno())) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # a handful of messages

    def clog(self) -> None:
        """Fill both queues: the server does not read until `relieve`, the client not at all."""
        self.binding._connection.pause()
        with contextlib.suppress(ShouldWait):
            while True:
                self.client._send_now(NOTE, Text("x"))
        with contextlib.suppress(ShouldWait):
            while True:
                self.binding.send_event(ON_NOTE, Text("x"))

    def relieve(self) -> None:
        """Let the server read on, and those who hang in it go on."""
        self.binding._regulate()
        for waiter in self.server.hanging:
            if not waiter.done():
                waiter.set_result(None)

    async def settle(self) -> None:
        """Wait for late replies; the channel is still good."""
        self.relieve()
        while any(self.client.statistics().values()):
            self.relieve()
            assert await self.client.add(20, 22) == 42
        assert await self.client.add(1, 1) == 2
        await wait_until_async(lambda: not any(self.binding.statistics().values()))
        assert not self.binding._running
        assert not self.binding._closers
        assert not self.client._client._calls

    async def close(self) -> None:
        self.client.close()
        await self.binding.wait_closed()


Act = Callable[[Stage], Awaitable[None]]


async def add(stage: Stage) -> None:
    assert await stage.client.add(1, 2) == 3


async def add_without_a_deadline(stage: Stage) -> None:
    assert await stage.client.add(1, 2, timeout=None) == 3


async def divide(stage: Stage) -> None:
    assert await stage.client.divide(6, 2) == 3


async def fail(stage: Stage) -> None:
    with pytest.raises(CalcFailed):
        await stage.client.divide(6, 0)


async def hang(stage: Stage) -> None:
    await stage.client.hang()


async def echo(stage: Stage) -> None:
    data = bytes(1 << 20)
    assert await stage.client.echo(data) == data


async def lend_a_vmo(stage: Stage) -> None:
    vmo = Vmo.from_bytes(b"\1\2")
    assert await stage.client.sum(vmo) == 4


async def get_a_file(stage: Stage) -> None:
    file = Handle(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    with file, await stage.client.reverse(file) as back:
        assert not back.closed


async def say(stage: Stage) -> None:
    await stage.client.note("hello")


async def pipeline(stage: Stage) -> None:
    near, far = create_endpoints(Calc)
    async with CalcProxy(near, stage.port) as other:
        with far:
            await stage.client.clone(far)
        assert await other.add(3, 4) == 7


async def send_an_event(stage: Stage) -> None:
    await stage.binding.send_event_wait(ON_NOTE, Text("news"))


async def wait_for_the_end(stage: Stage) -> None:
    with anyio.move_on_after(0.001):
        await stage.binding.wait_closed()


ACTS: tuple[Act, ...] = (
    add,
    add_without_a_deadline,
    divide,
    fail,
    hang,
    echo,
    lend_a_vmo,
    get_a_file,
    say,
    pipeline,
    send_an_event,
    wait_for_the_end,
)


def refuse(a: int, b: int) -> NoReturn:
    raise AssertionError(f"add({a}, {b}) was withdrawn")


async def play(stage: Stage, act: Act, steps: int, *, relieve: bool = True) -> bool:
    """Cancel `act` after so many steps; True where it has come to its end before."""
    done: list[bool] = []

    async def run() -> None:
        try:
            await act(stage)
        except BaseException:
            done.append(False)
            raise
        done.append(True)

    await anyio.lowlevel.checkpoint()
    # Not by anyio: it never cancels an asyncio task that is about to wake up with a result.
    cancel = stage.port.spawn(run(), act.__name__)
    await anyio.lowlevel.checkpoint()
    for step in range(steps):
        if step >= 3 and relieve:
            stage.relieve()
        await anyio.lowlevel.checkpoint()
    cancel()
    await wait_until_async(lambda: done)
    return done[0]


@pytest.mark.parametrize("clogged", [False, True], ids=["", "clogged"])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_cancelled_at_every_step(act: Act, clogged: bool) -> None:
    async with open_port() as port:
        stage = Stage(port)
        await stage.settle()
        steps, ended = -1, False
        before = open_fds()
        while not ended:
            steps += 1
            assert steps < MANY_STEPS
            if clogged:
                stage.clog()
            ended = await play(stage, act, steps)
            await stage.settle()
            assert open_fds() == before, f"after {steps} steps"
        assert steps > 0 or act in (say, send_an_event), "it never waited"
        await stage.close()


@pytest.mark.parametrize(
    "act", [add, echo, lend_a_vmo, say, pipeline, send_an_event], ids=lambda act: act.__name__
)
async def test_what_was_withdrawn_is_never_sent(act: Act) -> None:
    async with open_port() as port:
        stage = Stage(port)
        stage.client._client.connection.pause()
        stage.clog()
        before = open_fds()
        for steps in range(6):
            assert not await play(stage, act, steps, relieve=False)
            assert not any(stage.client.statistics().values())
            assert not any(stage.binding.statistics().values())
            assert open_fds() == before
        stage.server.add = refuse  # type: ignore[method-assign]
        stage.client._client.connection.resume()
        stage.relieve()
        await port.sleep(0.02)
        assert await stage.client.divide(6, 2) == 3
        assert set(stage.server.notes) == {"x"}
        await stage.close()
