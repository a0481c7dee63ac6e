"""The claims about processes, with real ones: death, blocking threads, ends that move."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import anyio
import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import PeerClosed, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.bindings.calc import Calc, CalcBlockingProxy, CalcFailed, CalcProxy
from tests.support.processes import Spawner

SERVER = """
import asyncio, sys
from ipcrt.bindings.ends import ServerEnd
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from tests.bindings.calc import serve

async def main():
    async with open_port() as port:
        server = serve(ServerEnd(Channel(int(sys.argv[1]))), port)
        print("ready", flush=True)
        await server.binding.wait_closed()

asyncio.run(main())
"""


def _server(spawn_python: Spawner) -> tuple[Channel, int]:
    """Start a server in a process of its own: our end, and its pid."""
    ours, theirs = Channel.create()
    os.set_inheritable(theirs.fileno(), True)
    child = spawn_python(SERVER, str(theirs.fileno()), pass_fds=(theirs.fileno(),))
    theirs.close()
    assert child.line() == "ready"
    return ours, child.pid


@pytest.mark.anyio
@pytest.mark.parametrize("count", [1, 100, 1000, 5000])
async def test_a_killed_server_fails_all_calls_at_once(spawn_python: Spawner, count: int) -> None:
    """Also those that it has not read yet, and those that have found no room."""
    channel, pid = _server(spawn_python)
    failed: list[PeerClosed] = []
    async with open_port() as port, CalcProxy(ClientEnd[Calc](channel), port) as client:
        assert await client.add(1, 2) == 3

        async def hang() -> None:
            with pytest.raises(PeerClosed) as caught:
                await client.hang(timeout=3600)
            failed.append(caught.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(hang)
            while client.statistics()["calls"] < count:
                await port.sleep(0)
            if count != 1000:  # which may find room, where several share a packet
                assert (client.statistics()["backlog"] > 0) is (count == 5000)
            os.kill(pid, signal.SIGKILL)
        assert len(failed) == count
        assert len({id(error) for error in failed}) == count, "each has an error of its own"
        assert not any(client.statistics().values())
        assert len(port.deadlines) == 0
        with pytest.raises(PeerClosed):
            await client.add(1, 2)


def test_a_server_that_is_killed_wakes_a_thread_that_is_blocked(spawn_python: Spawner) -> None:
    channel, pid = _server(spawn_python)
    with BlockingPort() as port, CalcBlockingProxy(ClientEnd[Calc](channel), port) as client:
        assert client.add(1, 2) == 3
        pending: list[dict[str, int]] = []

        def kill() -> None:  # within the call: its thread serves the port's deadlines meanwhile
            pending.append(client.statistics())
            os.kill(pid, signal.SIGKILL)

        port.deadlines.add(0.01, kill)
        with pytest.raises(PeerClosed):
            client.hang(timeout=None)
        assert pending == [{"calls": 1, "calls_given_up": 0, "backlog": 0}]
        assert not any(client.statistics().values())


def test_a_plain_thread_calls_without_an_event_loop(spawn_python: Spawner) -> None:
    channel, pid = _server(spawn_python)
    with BlockingPort() as port, CalcBlockingProxy(ClientEnd[Calc](channel), port) as client:
        assert client.add(20, 22) == 42
        with pytest.raises(CalcFailed):
            client.divide(1, 0)
        with pytest.raises(TimedOut):
            client.hang(timeout=0.02)
        assert client.echo(bytes(200_000)) == bytes(200_000)
        assert client.add(1, 1) == 2
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(PeerClosed):
            client.hang(timeout=None)


def test_threads_have_their_own_channels_and_ports(spawn_python: Spawner) -> None:
    channels = [_server(spawn_python)[0] for _ in range(2)]
    results: list[int] = []

    def work(channel: Channel) -> None:
        with BlockingPort() as port, CalcBlockingProxy(ClientEnd[Calc](channel), port) as client:
            results.extend(client.add(number, 1) for number in range(50))

    threads = [threading.Thread(target=work, args=(channel,)) for channel in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([*range(1, 51), *range(1, 51)])


HOSTILE = [
    pytest.param(b"", id="nothing at all"),
    pytest.param(b"garbage", id="short of a header"),
    pytest.param(bytes(16), id="version 0"),
    pytest.param(os.urandom(4096), id="noise"),
    pytest.param(bytes.fromhex("01000000050000200100000000000000"), id="truncated body"),
    pytest.param(bytes.fromhex("01000000000000200100000000000000"), id="no such method"),
]


@pytest.mark.parametrize("data", HOSTILE)
def test_bad_bytes_close_their_own_channel_only(data: bytes, spawn_python: Spawner) -> None:
    good, pid = _server(spawn_python)
    with BlockingPort() as port, CalcBlockingProxy(ClientEnd[Calc](good), port) as client:
        before = len(os.listdir(f"/proc/{pid}/fd"))
        ours, theirs = Channel.create()
        from ipcrt.bindings.ends import ServerEnd
        from tests.bindings.calc import CLONE, Clone

        client._send(CLONE, Clone(ServerEnd[Calc](theirs)))
        raw = socket.socket(fileno=ours.take())
        with raw:
            raw.settimeout(10)
            if data:
                raw.send(data)
            else:
                raw.shutdown(socket.SHUT_WR)
            assert raw.recv(100) == b""
        assert client.add(1, 2) == 3
        for _ in range(500):
            if len(os.listdir(f"/proc/{pid}/fd")) == before:
                break
            time.sleep(0.01)
        assert len(os.listdir(f"/proc/{pid}/fd")) == before
        os.kill(pid, signal.SIGKILL)
