"""Some of the crowd: `python -m ipcrt_services.demo.crowd_player NAME FD`."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

import anyio

from ipcrt.bindings.ends import ClientEnd
from ipcrt.locator.connect import LocatorClient, connect
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt_services.demo.bindings import Director, DirectorProxy
from ipcrt_services.demo.crowd import AGAIN, CALLED, CALLS_EACH, CONNECTED, START
from ipcrt_services.demo.player import reason

_AT_ONCE: Final = 64


def main() -> None:
    """Be as many clients as the conductor wishes."""
    fd = int(sys.argv[2])
    os.set_inheritable(fd, False)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    end = ClientEnd[Director](Channel(fd))
    anyio.run(_run, end, backend="asyncio", backend_options={"use_uvloop": True})


async def _run(end: ClientEnd[Director]) -> None:
    async with open_port() as port, DirectorProxy(end, port) as director:
        plan = await director.get_plan()
        try:
            async with AsyncExitStack() as stack:
                await director.arrive(START, timeout=None)
                clients: list[LocatorClient] = []

                async def come() -> None:
                    client = await stack.enter_async_context(connect(plan.locator, port=port))
                    await client.proxy.get_identity()
                    clients.append(client)

                await _several(come for _ in range(plan.count))
                await _tell(director, CONNECTED)
                await _all_call(clients, CALLS_EACH)
                await _tell(director, CALLED)
                await _all_call(clients, 1)
                await _tell(director, AGAIN)
        except Exception as error:  # noqa: BLE001  (what is a defect is raised again)
            await director.report("failed", reason(error), False, time.monotonic_ns(), [])


async def _several(jobs: Iterator[Callable[[], Awaitable[None]]]) -> None:
    """Do all jobs, some at a time."""

    async def work() -> None:
        for job in jobs:
            await job()

    async with anyio.create_task_group() as tasks:
        for _ in range(_AT_ONCE):
            tasks.start_soon(work)


async def _all_call(clients: list[LocatorClient], times: int) -> None:
    """Have every client call, all at once."""

    async def call(client: LocatorClient) -> None:
        for _ in range(times):
            await client.proxy.get_identity()

    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(call, client)


async def _tell(director: DirectorProxy, stage: str) -> None:
    """Say when a stage was reached, and wait for the others."""
    await director.report(stage, "", True, time.monotonic_ns(), [])
    await director.arrive(stage, timeout=None)


if __name__ == "__main__":
    main()
