"""A client that is stopped: its server is told, keeps its memory, and serves the others."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.port.aport import AsyncPort, open_port
from tests.bindings.calc import ON_NOTE, Calc, CalcServer, Text, pair, serve
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

GROWTH_BYTES = 8 << 20
"""What a million events in memory would exceed many times; what an allocator keeps would not."""

# Hears events until the last one, and tells how many they were.
CLIENT = """
import asyncio, sys
from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from tests.bindings.calc import CalcProxy

class Listener:
    heard = []
    def on_note(self, text):
        self.heard.append(text)
        if text == "last":
            over.set()

async def main():
    global over
    over = asyncio.Event()
    end = ClientEnd(Channel(int(sys.argv[1])))
    async with open_port() as port, CalcProxy(end, port, Listener()):
        print("ready", flush=True)
        await over.wait()
        numbers = [int(text) for text in Listener.heard[:-1]]
        print(len(numbers), numbers == sorted(numbers), flush=True)

asyncio.run(main())
"""


def listening(spawn_python: Spawner, port: AsyncPort) -> tuple[Child, CalcServer]:
    """A client in a process of its own, and its server."""
    client, end = create_endpoints(Calc)
    with client:
        number = client.channel.fileno()
        os.set_inheritable(number, True)
        child = spawn_python(CLIENT, number, pass_fds=[number])
    server = serve(end, port)
    assert child.line() == "ready"
    return child, server


def stop(child: Child) -> None:
    child.kill(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)


def resident_bytes(pid: int) -> int:
    """What a process has in memory. Source: proc_pid_statm(5)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


async def all_sent(binding: ServerBinding[Calc]) -> None:
    """Wait for what has been taken and shares a packet: whoever blocks the loop keeps it here."""
    await anyio.lowlevel.checkpoint()
    await wait_until_async(lambda: binding.statistics()["backlog"] == 0)


async def bombard(spawn_python: Spawner, count: int) -> None:
    async with open_port() as port:
        child, server = listening(spawn_python, port)
        binding = server.binding
        assert binding is not None
        other, _ = pair(port)
        stop(child)
        sent = refused = 0
        before = resident_bytes(os.getpid())
        for number in range(count):
            try:
                binding.send_event(ON_NOTE, Text(str(number)))
                sent += 1
            except ShouldWait:
                refused += 1
            if number % (count // 10) == 0:
                assert await other.add(number, 1) == number + 1
        assert resident_bytes(os.getpid()) - before < GROWTH_BYTES
        assert sent + refused == count
        assert 0 < sent < 10_000, "what the kernel's queue takes"
        assert binding.statistics()["backlog"] <= 1, "events that shared a packet"
        child.kill(signal.SIGCONT)
        await binding.send_event_wait(ON_NOTE, Text("last"))
        await all_sent(binding)
        assert child.line() == f"{sent} True"
        await binding.wait_closed()
        other.close()


async def test_events_for_a_stopped_client_are_refused(spawn_python: Spawner) -> None:
    await bombard(spawn_python, 50_000)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_million_events_for_a_stopped_client_are_refused(spawn_python: Spawner) -> None:
    await bombard(spawn_python, 1_000_000)


async def feed(server: CalcServer, count: int, told: list[int]) -> None:
    """Send events and wait for room for each; `told` holds those that have left."""
    assert server.binding is not None
    for number in range(count):
        await server.binding.send_event_wait(ON_NOTE, Text(str(number)))
        told.append(number)
    await server.binding.send_event_wait(ON_NOTE, Text("last"))


async def test_who_waits_for_room_waits_until_the_client_goes_on(spawn_python: Spawner) -> None:
    count = 5_000
    async with open_port() as port:
        child, server = listening(spawn_python, port)
        binding = server.binding
        assert binding is not None
        stop(child)
        other, _ = pair(port)
        told: list[int] = []
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(feed, server, count, told)
                await wait_until_async(lambda: binding.statistics()["backlog"] > 0)
                stuck = len(told)
                for number in range(100):
                    assert await other.add(number, 1) == number + 1
                assert len(told) == stuck < count
                assert binding.statistics()["backlog"] <= 2, "a shared packet, and who waits"
                with pytest.raises(ShouldWait, match="messages wait"):
                    binding.send_event(ON_NOTE, Text("now"))
                child.kill(signal.SIGCONT)
        assert told == list(range(count))
        await all_sent(binding)
        assert child.line() == f"{count} True"
        await binding.wait_closed()
        other.close()


async def test_a_stopped_client_that_is_killed_frees_who_waits(spawn_python: Spawner) -> None:
    async with open_port() as port:
        child, server = listening(spawn_python, port)
        binding = server.binding
        assert binding is not None
        stop(child)
        told: list[int] = []

        async def run() -> None:
            with pytest.raises(PeerClosed):
                await feed(server, 5_000, told)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await wait_until_async(lambda: binding.statistics()["backlog"] > 0)
                child.kill()
            await binding.wait_closed()
        assert binding.statistics() == {"calls_in_flight": 0, "backlog": 0}
