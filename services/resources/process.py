"""Processes: `process:///PROGRAM?arg=A&arg=B` starts one, with its stdio on a data channel.

1. StreamData to the client is its stdout; StreamData from the client is its stdin, which an empty
   frame ends (`incoming`), or at the latest the channel's closing.
2. Frames to the client are MessagePack arrays: ["stderr", bytes] as it comes, and the last of all:
   ["exit", status], its exit status or the negative number of the signal that ended it. Before
   that an empty frame tells that stdout has ended.
3. The process leads a session of its own. When it has ended, or the channel closes, everything in
   its process group is killed.
4. Only programs that fit a pattern of the command line are started; without one, none is. They get
   the server's user, directory and nothing else: no descriptor, no variable but PATH and LANG.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
from typing import IO, Final

import msgspec

from ipcrt.errors import AccessDenied, NoResources, PeerClosed, from_oserror
from ipcrt.locator.resources import LocatedApp
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.resources.data import DataChannel
from ipcrt.resources.limits import MAX_STREAM_BYTES
from ipcrt.resources.requests import Opened, OpenRequest
from ipcrt_services.resources.incoming import END, Incoming
from ipcrt_services.resources.owning import Owning
from ipcrt_services.resources.patterns import ProgramPatterns
from ipcrt_services.resources.query import Query
from ipcrt_services.resources.streams import READING, pump_in, run_all, run_beside

URI: Final = "process:///{path:path}"
MAX_PROCESSES: Final = 64
"""Processes at once, over all clients."""

_log: Final = logging.getLogger("ipcrt.services")
_ENVIRONMENT: Final = {"PATH": os.defpath, "LANG": "C.UTF-8"}


class Processes:
    """The server's handlers."""

    def __init__(self, allowed: ProgramPatterns, directory: str) -> None:
        """`directory` is where the processes begin."""
        self._allowed = allowed
        self._directory = directory
        self._running: set[Running] = set()

    def add_to(self, app: LocatedApp) -> None:
        """Have an app start processes."""
        app.open(URI)(self.open)

    def open(self, request: OpenRequest, path: str) -> Opened:
        """Handle an Open."""
        program = f"/{path}"
        if not self._allowed.allow(program):
            raise AccessDenied(f"{program!r:.80} is not allowed; see --allow")
        arguments = Query(request.uri, frozenset(("arg",))).all("arg")
        if len(self._running) >= MAX_PROCESSES:
            raise NoResources(f"{MAX_PROCESSES} processes run already")
        running = Running([program, *arguments], self._directory, request.port)
        self._running.add(running)

        def close() -> None:
            self._running.discard(running)
            running.close()

        return Owning(running.serve, close)


class Running:
    """One process, and our ends of its stdio; owns them."""

    def __init__(self, command: list[str], directory: str, port: AsyncPort) -> None:
        """Start it. Raises: NotFound, AccessDenied, NoResources, other IpcErrors."""
        self._port = port
        with contextlib.ExitStack() as stack:
            try:
                self._child = subprocess.Popen(
                    command,
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=directory,
                    env=_ENVIRONMENT,
                    start_new_session=True,
                )
            except OSError as error:
                raise from_oserror(error, f"start {command[0]!r:.80}") from error
            stack.callback(self._kill)
            files = self._child.stdin, self._child.stdout, self._child.stderr
            self._in, self._out, self._err = (
                stack.enter_context(_handle_of(file)) for file in files
            )
            self._process = stack.enter_context(Process.of_child(self._child))
            self._resources = stack.pop_all()

    async def serve(self, data: DataChannel) -> None:
        """Carry its stdio until it has ended and its output is sent, or the client has gone."""
        incoming = Incoming(data)

        async def inward() -> None:
            with contextlib.suppress(PeerClosed):  # who is gone is told again below
                await pump_in(self._port, incoming, self._in)
            self._in.close()
            while await incoming.take() is not None:
                pass  # the process reads no more, which is its own business
            await incoming.wait_gone()

        await run_beside(lambda: self._outward(data), inward)

    async def _outward(self, data: DataChannel) -> None:
        async def out() -> None:
            while part := await self._read(self._out):
                await data.send_stream(part)
            await data.send_frame(END)

        async def err() -> None:
            while part := await self._read(self._err):
                await data.send_frame(msgspec.msgpack.encode(("stderr", part)))

        await run_all(out, err)
        await self._port.wait_one(self._process, Signals.TERMINATED)
        status = self._process.wait_status()
        await data.send_frame(msgspec.msgpack.encode(("exit", status)))

    async def _read(self, handle: Handle) -> bytes:
        """Await output; none at its end, or when the process has ended and all of it is read."""
        ended = self._process.is_terminated()
        while True:
            try:
                return os.read(handle.fileno(), MAX_STREAM_BYTES)
            except BlockingIOError:
                if ended:
                    return b""
            except OSError as error:
                raise from_oserror(error, "read a process's output") from error
            both = [(handle, READING), (self._process, Signals.TERMINATED)]
            if (await self._port.wait_many(both))[1]:
                ended = True
                self._kill_group()  # rule 3: what it left behind says no more

    def _kill_group(self) -> bool:
        """Kill whoever is left; False where we may not."""
        try:
            os.killpg(self._child.pid, signal.SIGKILL)  # not reaped, so the number is still ours
        except ProcessLookupError:
            pass
        except PermissionError as error:
            _log.error("cannot kill process %d: %s", self._child.pid, error)
            return False
        return True

    def _kill(self) -> None:
        if self._kill_group():
            self._child.wait()

    def close(self) -> None:
        """Kill it with its group, and close our ends; waits for its end. Idempotent."""
        self._resources.close()


def _handle_of(file: IO[bytes] | None) -> Handle:
    """Move a file's descriptor into a handle that does not block."""
    assert file is not None
    with file:
        handle = Handle(os.dup(file.fileno()))
    os.set_blocking(handle.fileno(), False)
    return handle
