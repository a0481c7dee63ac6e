"""Ends that move between processes with messages in them: none is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import os
import threading

import anyio
import msgspec
import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import BadHandle, BadState
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from tests.bindings.moving import Counter, CounterBlockingProxy, CounterProxy, CounterServer
from tests.support.processes import Spawner

MESSAGES = 3000
STEPS = 40
PROCESSES = 3


class Heard:
    """The client's listener."""

    def __init__(self) -> None:
        self.events: list[int] = []

    def on_count(self, number: int) -> None:
        self.events.append(number)


def _stations(spawn_python: Spawner) -> list[Channel]:
    controls: list[Channel] = []
    for _ in range(PROCESSES):
        ours, theirs = Channel.create()
        fd = theirs.fileno()
        os.set_inheritable(fd, True)
        spawn_python.module("tests.bindings.moving", fd, STEPS, pass_fds=[fd])
        theirs.close()
        controls.append(ours)
    return controls


def _say_all(client: ClientEnd[Counter], events: list[int], answers: list[int]) -> None:
    """One-way messages and calls, as fast as the queue takes them."""
    listener = Heard()
    with BlockingPort() as port, CounterBlockingProxy(client, port, listener) as proxy:
        for number in range(MESSAGES):
            if number % 10:
                proxy.count(number)
            else:
                answers.append(proxy.get(number))
    events += listener.events


def test_a_server_end_goes_round_while_its_client_talks(spawn_python: Spawner) -> None:
    client, server = create_endpoints(Counter)
    controls = _stations(spawn_python)
    heard, events, answers = list[int](), list[int](), list[int]()
    thread = threading.Thread(target=_say_all, args=(client, events, answers))
    thread.start()
    end = server.take_channel()
    hops = 0
    while len(heard) < MESSAGES - STEPS * PROCESSES:
        control = controls[hops % PROCESSES]
        control.write(b"serve", [end])
        wait_one(control, Signals.READABLE, 30)
        message = control.read()
        heard += msgspec.msgpack.decode(message.data, type=list[int])
        end = Channel.from_handle(message.handles[0])
        hops += 1
    for control in controls:
        control.close()
    asyncio.run(_serve_here(ServerEnd[Counter](end), heard))
    thread.join()
    assert heard == list(range(MESSAGES))
    assert answers == list(range(0, MESSAGES, 10))
    assert events == [number for number in range(answers[-1]) if number % 10]
    assert hops >= PROCESSES * 2


async def _serve_here(end: ServerEnd[Counter], heard: list[int]) -> None:
    async with open_port() as port:
        server = CounterServer(MESSAGES)
        await ServerBinding(end, server, port).wait_closed()
        heard += server.heard


class BusyServer(CounterServer):
    """Tries to move its end while it handles a request."""

    def __init__(self) -> None:
        super().__init__(1)
        self.refused = ""

    def count(self, number: int) -> None:
        assert self.binding is not None
        with pytest.raises(BadState) as caught:
            self.binding.into_server_end()
        self.refused = str(caught.value)


@pytest.mark.anyio
async def test_an_end_at_work_stays_and_one_that_is_gone_cannot_go() -> None:
    client, end = create_endpoints(Counter)
    server = BusyServer()
    async with open_port() as port, CounterProxy(client, port) as proxy:
        binding = ServerBinding(end, server, port)
        await proxy.count(1)
        assert await proxy.get(2) == 2
        assert server.refused == "test/Counter: cannot move the channel: requests in flight 1"
        closed = anyio.Event()
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                await binding.wait_closed()
                closed.set()

            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            with binding.into_server_end():
                await closed.wait()
                with pytest.raises(BadHandle, match="moved out"):
                    binding.into_server_end()
        assert server.gone == []
