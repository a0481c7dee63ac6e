from __future__ import annotations

import os

import pytest

from ipcrt.errors import BadHandle
from ipcrt.locator.lifetime import when_ended
from ipcrt.objects.process import Process
from ipcrt.port.aport import open_port
from tests.support.processes import Spawner
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

SLEEPER = "import sys; sys.stdin.readline()"


async def test_the_end_of_a_process(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEPER)
    ended: list[str] = []
    async with open_port() as port:
        with Process.of_child(child.process) as process:
            when_ended(port, process, lambda: ended.append("ended"))
            await port.sleep(0.01)
            assert ended == []
            child.kill()
            await wait_until_async(lambda: ended)
            await port.sleep(0.01)
        assert ended == ["ended"]
        assert not port.statistics()["receivers"]


async def test_a_process_that_has_ended_already(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEPER)
    ended: list[str] = []
    async with open_port() as port:
        with Process.of_child(child.process) as process:
            child.kill()
            child.wait()
            when_ended(port, process, lambda: ended.append("ended"))
            await wait_until_async(lambda: ended)


async def test_closing_the_handle_calls_it_off(spawn_python: Spawner) -> None:
    child = spawn_python(SLEEPER)
    ended: list[str] = []
    async with open_port() as port:
        with Process.of_child(child.process) as process:
            when_ended(port, process, lambda: ended.append("ended"))
        child.kill()
        await port.sleep(0.02)
        assert ended == []
        assert not port.statistics()["receivers"]


async def test_what_cannot_be_watched_leaves_nothing() -> None:
    async with open_port() as port:
        process = Process.open(os.getpid())
        process.close()
        with pytest.raises(BadHandle):
            when_ended(port, process, process.close)
        assert not port.statistics()["receivers"]
