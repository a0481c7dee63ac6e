"""A player: `python -m ipcrt_services.demo.player NAME LOOP FD`.

NAME begins its keys; LOOP is uvloop, trio or thread (no loop at all: plain blocking calls). FD is
its end of the channel to the conductor, who tells what to do and is told how it went.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final, cast

import anyio

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import IpcError
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.demo.bindings import Director, DirectorBlockingProxy, DirectorProxy
from ipcrt_services.demo.material import CheckFailed
from ipcrt_services.demo.play_async import AsyncPlay
from ipcrt_services.demo.play_blocking import BlockingPlay

_MAX_REASON: Final = 200
"""Characters; a text may take four times as many bytes."""


def main() -> int:
    """Play one part; answer 0 when it was played, however it went."""
    name, loop, fd = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.set_inheritable(fd, False)
    end = ClientEnd[Director](Channel(fd))
    if loop == "thread":
        _run_blocking(name, end)
    else:
        backend = "trio" if loop == "trio" else "asyncio"
        options = {"use_uvloop": True} if loop == "uvloop" else {}
        anyio.run(_run, name, end, backend=backend, backend_options=options)
    return 0


async def _run(name: str, end: ClientEnd[Director]) -> None:
    async with open_port() as port, DirectorProxy(end, port) as director:
        plan = await director.get_plan()
        try:
            await AsyncPlay(name, port, director, plan).run()
        except Exception as error:  # noqa: BLE001  (what is a defect is raised again)
            await director.report("failed", reason(error), False, time.monotonic_ns(), [])


def _run_blocking(name: str, end: ClientEnd[Director]) -> None:
    with BlockingPort() as port, DirectorBlockingProxy(end, port) as director:
        plan = director.get_plan()
        try:
            BlockingPlay(name, port, director, plan).run()
        except (IpcError, CheckFailed) as error:
            director.report("failed", reason(error), False, time.monotonic_ns(), [])


def reason(error: BaseException) -> str:
    """Say in one line what went wrong; task groups wrap even a single error. A defect is raised."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if not isinstance(error, IpcError | CheckFailed):
        raise error
    text = str(error)[:_MAX_REASON]
    if isinstance(error, IpcError) and error.status.name not in text:
        text += f" ({error.status.name})"
    return text


if __name__ == "__main__":
    sys.exit(main())
