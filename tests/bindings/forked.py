"""Forked processes, and a server to run in one: for the benchmarks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Generator
from typing import Any

import uvloop

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.port.aport import open_port
from tests.bindings.calc import Calc, CalcServer


@contextlib.contextmanager
def processes() -> Generator[Callable[..., int], None, None]:
    """Answer what runs a function in a forked process; all are killed in the end."""
    pids: list[int] = []

    def start(function: Callable[..., None], *arguments: Any) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                function(*arguments)
            finally:
                os._exit(0)
        pids.append(pid)
        return pid

    try:
        yield start
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def serve(kind: type[CalcServer], ends: list[ServerEnd[Calc]]) -> None:
    async def main() -> None:
        async with open_port() as port:
            for end in ends:
                server = kind(port)
                server.binding = ServerBinding(end, server, port)
            await asyncio.Event().wait()

    uvloop.run(main())
