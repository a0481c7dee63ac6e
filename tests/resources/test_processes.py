"""The claims about processes, with real ones: channels that move with messages in them, death."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ipcrt.errors import BadState, PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.link import LOOK_AHEAD
from tests.support.processes import Child, Spawner

SERVER = """
import asyncio, sys
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from tests.resources.world import make_app

async def main():
    async with open_port() as port:
        print("ready", flush=True)
        await make_app().serve(port, Channel(int(sys.argv[1])))

asyncio.run(main())
"""

READER = """
import sys
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_data import BlockingDataChannel

with BlockingPort() as port, BlockingDataChannel(Channel(int(sys.argv[1])), port) as data:
    for message in data:
        print(type(message).__name__, message.data.decode(), flush=True)
"""


def _start(end: Channel, spawn_python: Spawner, program: str) -> Child:
    """Start a process that has `end`, which is closed here."""
    os.set_inheritable(end.fileno(), True)
    with end:
        return spawn_python(program, str(end.fileno()), pass_fds=(end.fileno(),))


@pytest.mark.anyio
async def test_a_channel_moves_to_another_process_with_messages_in_it(
    spawn_python: Spawner,
) -> None:
    near, far = Channel.create()
    async with open_port() as port, DataChannel(near, port) as ours:
        theirs = DataChannel(far, port)
        for number in range(20):
            ours.try_send_frame(str(number).encode())
        assert (await theirs.recv()).data == b"0"
        while theirs.statistics()["read_ahead"] < LOOK_AHEAD:
            await port.sleep(0.001)
        with pytest.raises(BadState, match="read ahead 16"):
            theirs.into_channel()
        for number in range(1, 17):  # nothing more is read ahead meanwhile
            assert theirs.try_recv().data == str(number).encode()
        with pytest.raises(ShouldWait):
            theirs.try_recv()
        moved = theirs.into_channel()
        assert theirs.closed
        child = _start(moved, spawn_python, READER)
        await ours.send_stream(b"on the way")
        for number in range(17, 20):
            assert child.line() == f"FramedData {number}"
        assert child.line() == "StreamData on the way"
        ours.close()
        assert child.finish() == ""


def test_a_data_channel_that_a_server_opened_moves_on(spawn_python: Spawner) -> None:
    """What the server sent before, and what it sends after, arrive in the other process."""
    near, far = Channel.create()
    server = _start(far, spawn_python, SERVER)
    assert server.line() == "ready"
    with BlockingPort() as port, BlockingResourceClient(near, port) as client:
        with client.open("echo://x") as data:
            data.send_frame(b"one")
            data.send_frame(b"two")
            moved = data.into_channel()
        with BlockingDataChannel(moved, port) as still_here:
            reader = _start(still_here.clone_sender(), spawn_python, READER)
            still_here.send_frame(b"three")
        assert [reader.line() for _ in range(3)] == [
            "FramedData one",
            "FramedData two",
            "FramedData three",
        ]
        assert client.invoke(None, "version") == b"1"
        client.close()
        assert server.finish() == "", "the server ended with its client"
        assert reader.finish() == "", "the data channel ended with its server"


@pytest.mark.anyio
async def test_a_killed_server_ends_calls_and_data_channels_at_once(spawn_python: Spawner) -> None:
    near, far = Channel.create()
    child = _start(far, spawn_python, SERVER)
    async with open_port() as port, ResourceClient(near, port) as client:
        async with await client.open("echo://x") as data:
            port.spawn(_kill(child.pid), "kill")
            with pytest.raises(PeerClosed):
                await client.invoke("echo://x", "hang", timeout=None)
            with pytest.raises(PeerClosed):
                await data.recv()
        assert not any(client.statistics().values())


async def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_threads_call_beside_each_other(spawn_python: Spawner) -> None:
    """A control channel each; none waits for another's reply."""
    ends: list[Channel] = []
    for _ in range(4):
        near, far = Channel.create()
        _start(far, spawn_python, SERVER)
        ends.append(near)
    answers: list[bytes] = []

    def call(end: Channel) -> None:
        with BlockingPort() as port, BlockingResourceClient(end, port) as client:
            answers.extend(
                client.invoke("echo://t", "shout", str(each).encode()) for each in range(100)
            )

    threads = [threading.Thread(target=call, args=(end,)) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"t: {each}".encode() for each in range(100) for _ in ends)
