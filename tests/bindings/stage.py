"""A stage for what is interrupted in the middle: a client, a server, and what they may do.

Client and server share a loop, so that the steps between are those of request, handler and reply.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.completer import Completer
from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import ShouldWait
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.port import Port
from tests.bindings.calc import (
    NOTE,
    ON_NOTE,
    Blob,
    Calc,
    CalcFailed,
    CalcProxy,
    CalcServer,
    File,
    Number,
    Text,
    serve,
)
from tests.bindings.hand import null


async def until(predicate: Callable[[], bool], what: str) -> None:
    """Let others run until it is so; they need little more than their turns."""
    with anyio.move_on_after(10):
        while not predicate():
            await anyio.lowlevel.checkpoint()
        return
    raise AssertionError(f"left: {what}")


class Stage:
    """A client and its server."""

    def __init__(self, port: AsyncPort, kind: type[CalcServer] = CalcServer) -> None:
        near, far = create_endpoints(Calc)
        self.client = CalcProxy(near, port)
        self.server = kind(port)
        self.binding = self.server.binding = ServerBinding(far, self.server, port)
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
        await self.nothing_left()

    async def nothing_left(self) -> None:
        """Neither side keeps an entry for anything."""
        await until(lambda: not any(self.binding.statistics().values()), "handlers")
        assert not self.binding._running
        assert not self.binding._closers
        assert not any(self.client.statistics().values())
        assert not self.client._client._calls
        assert not self.client._client._mourners
        memory = self.port.spill_memory
        memory.close()  # else it keeps descriptors; a deadline of its own it may keep
        few = int(memory._armed)
        await until(lambda: len(self.port.deadlines) <= few, "deadlines")  # a handler's, at most

    async def close(self) -> None:
        self.client.close()
        await self.binding.wait_closed()


# ------------------------------------------------------------------------------ who answers later


class SlowServer(CalcServer):
    """Every handler is a coroutine that waits, for the loop, for its client or for another."""

    def __init__(self, port: Port, limits: Limits | None = None) -> None:
        super().__init__(port, limits)
        assert isinstance(port, AsyncPort)
        self.loop = port

    async def divide(self, a: int, b: int) -> Number:
        await self.loop.checkpoint()
        return await super().divide(a, b)

    async def echo(self, data: bytes) -> Blob:
        await self.loop.checkpoint()
        return Blob(data)

    async def sum(self, vmo: Vmo, tag: int) -> Number:
        with vmo:
            await self.loop.sleep(0)
            return Number(tag + sum(vmo.read(0, vmo.content_size)))

    async def reverse(self, file: Handle) -> File:
        """Ask another server, which the file is moved to and comes back from."""
        near, far = create_endpoints(Calc)
        async with CalcProxy(near, self.loop) as helper:
            serve(far, self.loop)
            await self.loop.checkpoint()
            back = await helper.reverse(file)
        try:
            await self.loop.checkpoint()
        except BaseException:
            back.close()
            raise
        return File(back)

    async def note(self, text: str) -> None:
        assert self.binding is not None
        await self.binding.send_event_wait(ON_NOTE, Text(text))
        self.notes.append(text)


class LateServer(CalcServer):
    """What comes with a handle is answered by a task that holds the call's completer."""

    def __init__(self, port: Port, limits: Limits | None = None) -> None:
        super().__init__(port, limits)
        assert isinstance(port, AsyncPort)
        self.loop = port

    def sum(self, vmo: Vmo, tag: int) -> Answer[Number]:
        completer = Completer[Number](vmo.close)
        self.loop.spawn(self._sum(completer, vmo, tag), "sum")
        return completer

    async def _sum(self, completer: Completer[Number], vmo: Vmo, tag: int) -> None:
        await self.loop.checkpoint()
        if not completer.canceled:
            with vmo:
                completer.reply(Number(tag + sum(vmo.read(0, vmo.content_size))))

    def reverse(self, file: Handle) -> Answer[File]:
        completer = Completer[File]()
        file.close()
        self.loop.spawn(self._reverse(completer), "reverse")
        return completer

    async def _reverse(self, completer: Completer[File]) -> None:
        await self.loop.checkpoint()
        completer.reply(File(null()))  # also where nobody takes it any more


# ------------------------------------------------------------------------------------ what is done


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
    with Vmo.from_bytes(b"\1\2") as vmo:  # it stays where the client is closed
        assert await stage.client.sum(vmo) == 4


async def get_a_file(stage: Stage) -> None:
    file = Handle(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    with file, await stage.client.reverse(file) as back:
        assert not back.closed


async def say(stage: Stage) -> None:
    await stage.client.note("hello")


async def pipeline(stage: Stage) -> None:
    near, far = create_endpoints(Calc)
    with far:
        async with CalcProxy(near, stage.port) as other:
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

TIMED: tuple[Act, ...] = (add, divide, fail, hang, echo, lend_a_vmo, get_a_file)
"""What has a deadline."""
SLOW: tuple[Act, ...] = (divide, fail, echo, lend_a_vmo, get_a_file, say)
"""What a `SlowServer` does in another way."""
LATE: tuple[Act, ...] = (lend_a_vmo, get_a_file)
"""What a `LateServer` does."""
