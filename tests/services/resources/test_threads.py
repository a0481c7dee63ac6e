from __future__ import annotations

import os
import threading
from contextlib import closing

import anyio.lowlevel
import pytest

from ipcrt.errors import NotFound
from ipcrt.port.aport import open_port
from ipcrt_services.resources.threads import THREADS, Threads

pytestmark = pytest.mark.anyio


async def test_a_job_that_blocks_holds_up_only_its_thread() -> None:
    go = threading.Event()
    async with open_port() as port:
        with closing(Threads(port, "test")) as threads:
            async with anyio.create_task_group() as tasks:
                for _ in range(THREADS - 1):
                    tasks.start_soon(threads.lend().run, go.wait, "wait")
                    await anyio.lowlevel.checkpoint()
                    await anyio.lowlevel.checkpoint()
                assert await threads.lend().run(lambda: 7, "count") == 7
                go.set()


async def test_an_error_of_the_kernel_says_what_was_done() -> None:
    async with open_port() as port:
        with closing(Threads(port, "test")) as threads, pytest.raises(NotFound, match="look for"):
            await threads.lend().run(lambda: os.stat("/none"), "look for it")


async def test_what_is_posted_is_done_behind_what_was_submitted() -> None:
    done: list[int] = []
    async with open_port() as port:
        with closing(Threads(port, "test")) as threads:
            thread = threads.lend()
            with anyio.CancelScope() as scope:
                scope.cancel()
                await thread.run(lambda: done.append(1), "first")
            thread.post(lambda: done.append(2))
        thread.post(lambda: done.append(3))  # where all are closed: at once
    assert done in ([1, 2, 3], [2, 3])  # a task that was cancelled before it began asks for nothing
