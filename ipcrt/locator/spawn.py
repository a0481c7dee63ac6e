"""Start a child with a namespace that its parent has prepared for it.

    grant = Grant(["example/Echo"], source=incoming_namespace())
    async with await spawn(["./worker"], namespace=grant, port=port) as worker:
        status = await worker.wait()

1. The child is known by its pidfd, never by SIGCHLD or its number. It is waited for as soon as it
   has ended, so that it is no zombie while its port is served, and its grants end there.
2. Whoever closes a child before it has ended kills it: a child has an owner.
3. In a plain thread nobody serves grants meanwhile; a thread of their own does, with its own loop,
   for as long as the child lives. Servers that were offered run there.
How a child is started, and what reaches it, is told in `spawn_start`.
Source: zx_process_start, zx_task_kill; pidfd_open(2).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Final, Self, Unpack

import anyio

from ipcrt.bindings.ends import ServerEnd
from ipcrt.errors import BadState, IpcError, NotFound
from ipcrt.locator.namespace_grant import Grant, ServedGrant
from ipcrt.locator.protocol import Identity, Locator
from ipcrt.locator.spawn_start import Baggage, SpawnOptions, end, start
from ipcrt.objects.process import Process
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.executor_thread import ExecutorThread
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter
from ipcrt.port.waiting import wait_one

_SIGKILL: Final = 9


async def spawn(
    argv: Sequence[str | os.PathLike[str]], *, port: AsyncPort, **options: Unpack[SpawnOptions]
) -> ChildProcess:
    """Start a child, and serve what it was granted on `port`; the caller owns it.

    What `options` passes is moved, whether or not it works; see `SpawnOptions`. It blocks until
    the child has been executed, a millisecond or so: another thread's end would be the child's,
    with `die_with_parent`.
    Raises: NotFound: no such command, or directory. AccessDenied. NoResources. InvalidArgs.
    OutOfRange: more than 64 handles. LocalProtocolError: a name too long, or too many.
    """
    with Baggage(options) as baggage:
        port.check()
        await port.checkpoint()
        return ChildProcess(start(argv, options, baggage), port, baggage.served)


def spawn_blocking(
    argv: Sequence[str | os.PathLike[str]], **options: Unpack[SpawnOptions]
) -> BlockingChildProcess:
    """Start a child from a plain thread; see `spawn`."""
    with Baggage(options) as baggage:
        return BlockingChildProcess(start(argv, options, baggage), baggage.served)


def _reap(process: Process) -> int:
    return process.wait_status(reap=True)


class _Child:
    """What both kinds know of their child."""

    def __init__(self, process: Process) -> None:
        self.process = process
        """Its pidfd, owned here, and closed when it has ended."""
        self.pid = process.pid
        """Its number, for messages; it may be another's once it has ended."""
        self._status: int | IpcError | None = None

    @property
    def ended(self) -> bool:
        """True once it has ended and was waited for."""
        return self._status is not None

    def kill(self, number: int = _SIGKILL) -> None:
        """Send a signal. Raises: NotFound: it has ended. InvalidArgs: no signal's number."""
        if self.ended:
            raise NotFound(f"child {self.pid} has ended")
        self.process.kill(number)

    def close(self) -> None:
        """Kill it if it runs still, and wait for as long as the kernel takes; idempotent."""
        if not self.ended:
            self._end(end)

    def _end(self, wait: Callable[[Process], int] = _reap) -> None:
        """Take note of how it ended, which the kernel tells once."""
        with self.process as process:
            try:
                self._status = wait(process)
            except BadState as error:
                self._status = error
        self._over()

    def _over(self) -> None:
        """Give back what there is as long as it runs."""
        raise NotImplementedError

    def _result(self) -> int:
        assert self._status is not None
        if isinstance(self._status, IpcError):
            raise BadState(f"child {self.pid}: {self._status}")
        return self._status

    def __repr__(self) -> str:
        state = f"ended {self._status}" if self.ended else "running"
        return f"<{type(self).__name__} {self.pid} {state}>"


class ChildProcess(_Child):
    """A child of a task's; made by `spawn`, on its port's thread."""

    def __init__(
        self, process: Process, port: AsyncPort, served: Sequence[tuple[Grant, ServerEnd[Locator]]]
    ) -> None:
        """Move `process` and the ends here. On error the child is killed."""
        super().__init__(process)
        self._port = port
        self._waiters: list[Waiter[None]] = []
        self._grants: list[ServedGrant] = []
        self._key = port.new_key()
        try:
            port.bind(self._key, self._news)
            port.wait_async(process, self._key, Signals.TERMINATED)
            self._grants.extend(_serve(port, process, self.pid, served))
        except BaseException:
            self.close()
            raise

    async def wait(self, timeout: float | None = None) -> int:
        """Await its end; answer its exit status, or the negative number of a signal.

        `timeout` in seconds; None: for ever. Raises: TimedOut: it runs still. BadState: somebody
        else in this process waited for it. Canceled: the port was closed.
        """
        if self.ended:
            await self._port.checkpoint()
            return self._result()
        waiter: Waiter[None] = self._port.create_waiter()
        self._waiters.append(waiter)
        try:
            await self._port.wait_result(waiter, timeout)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return self._result()

    def _news(self, packet: Packet) -> None:
        if packet.signals & Signals.TERMINATED and not self.ended:
            self._end()

    def _over(self) -> None:
        self._port.unbind(self._key)
        while self._grants:
            self._grants.pop().close()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def aclose(self) -> None:
        """Kill it if it runs still, and wait for it; idempotent."""
        if not self.ended and not self._port.closed:
            with contextlib.suppress(NotFound):
                self.kill()
            with anyio.CancelScope(shield=True):
                await self.wait()
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class BlockingChildProcess(_Child):
    """A child of a plain thread's; made by `spawn_blocking`. One thread at a time may use it."""

    def __init__(
        self, process: Process, served: Sequence[tuple[Grant, ServerEnd[Locator]]]
    ) -> None:
        """Move `process` and the ends here. On error the child is killed."""
        super().__init__(process)
        self._server: ExecutorThread[None] | None = None
        if not served:
            return
        ends = [(grant, ServerEnd[Locator](end.take_channel())) for grant, end in served]
        try:
            self._server = _grants_thread(process.duplicate(), self.pid, ends)
        except BaseException:
            self.close()
            raise

    def wait(self, timeout: float | None = None, interrupter: Interrupter | None = None) -> int:
        """Block until its end; see `ChildProcess.wait`. Ctrl-C ends the wait, and not the child.

        Raises, too: Canceled: another thread interrupted. BadState: an event loop runs here.
        """
        if not self.ended:
            wait_one(self.process, Signals.TERMINATED, timeout, interrupter)
            self._end()
        return self._result()

    def _over(self) -> None:
        if self._server is not None:
            self._server.join()
            self._server.spawned.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(
    port: AsyncPort, process: Process, pid: int, served: Sequence[tuple[Grant, ServerEnd[Locator]]]
) -> list[ServedGrant]:
    """Serve a child's grants; the ends are moved, and `process` is lent."""
    identity = Identity(pid, os.geteuid(), os.getegid())
    grants: list[ServedGrant] = []
    try:
        for grant, server_end in served:
            grants.append(ServedGrant(port, grant, identity, process))
            grants[-1].admit(server_end)
    except BaseException:
        for each in grants:
            each.close()
        raise
    return grants


def _grants_thread(
    process: Process, pid: int, served: Sequence[tuple[Grant, ServerEnd[Locator]]]
) -> ExecutorThread[None]:
    """Serve a child's grants in a thread until it has ended; all is moved (rule 3)."""

    async def main(thread: ExecutorThread[None]) -> None:
        del thread  # it ends with the child, and with nothing else
        with process, contextlib.ExitStack() as stack:
            for _, server_end in served:
                stack.enter_context(server_end)
            async with open_port() as port:
                for grant in _serve(port, process, pid, served):
                    stack.callback(grant.close)
                await port.wait_one(process, Signals.TERMINATED)
                stack.close()

    server: ExecutorThread[None] = ExecutorThread(main, f"ipcrt grants of {pid}")
    try:
        server.start("asyncio")
    except BaseException as error:
        process.close()
        for _, server_end in served:
            server_end.close()
        server.spawned.fail(error)
        raise
    return server
