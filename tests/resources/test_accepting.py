"""Accepting in a task; `test_net` and `test_open` have real listeners."""

from __future__ import annotations

import anyio
import pytest

from ipcrt.errors import BadHandle, Canceled, PeerClosed, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.accepting import Accepting
from ipcrt.resources.control import send_connect
from ipcrt.resources.data import DataChannel

pytestmark = pytest.mark.anyio


async def test_each_who_comes_is_a_data_channel() -> None:
    near, far = Channel.create()
    async with open_port() as port, Accepting(near, port) as accepting:
        with pytest.raises(TimedOut):
            await accepting.accept(timeout=0.01)
        assert accepting.statistics() == {"arrived": 0, "waiters": 0}
        with far:
            ends = [send_connect(far) for _ in range(3)]
        for end in ends:
            async with await accepting.accept() as data, DataChannel(end, port) as other:
                await data.send_stream(b"hello")
                assert (await other.recv()).data == b"hello"
        with pytest.raises(PeerClosed):
            await accepting.accept()


async def test_who_waits_is_told_of_the_closing() -> None:
    near, far = Channel.create()
    with far:
        async with open_port() as port, anyio.create_task_group() as tasks:
            accepting = Accepting(near, port)

            async def wait() -> None:
                with pytest.raises(Canceled):
                    await accepting.accept()

            tasks.start_soon(wait)
            while not accepting.statistics()["waiters"]:
                await port.checkpoint()
            accepting.close()
            with pytest.raises(BadHandle):
                await accepting.accept()
