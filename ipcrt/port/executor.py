"""Executor: run coroutines on a loop from any thread, and give threads loops of their own.

Which one, when something has to be called or served?

- In a plain thread, and the thread may wait: a blocking proxy; no executor.
- Beside everything else, the usual case: `spawn` onto the main loop.
- Work that mixes blocking and waiting, and must not hold the main loop up: `spawn_thread`.
- A blocking call from a coroutine: `call_blocking`.

1. Everything that was spawned ends before its executor has closed: aborted, and waited for.
2. A coroutine that never got to run is closed, and its `Spawned` ends with Canceled.
3. What changes on the loop is done on the loop's own thread, in the order it was asked for.
Source: Starnix, "Selecting FIDL bindings".
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextvars
import functools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import anyio

from ipcrt.errors import BadState, Canceled
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.executor_thread import ExecutorThread
from ipcrt.port.interrupts import Scope
from ipcrt.port.loops import Backend
from ipcrt.port.packet import Packet
from ipcrt.port.running_coroutine import RunningCoroutine
from ipcrt.port.spawned import Spawned

T = TypeVar("T")

MAX_BLOCKING_CALLS: Final = 32
"""Threads that `call_blocking` uses at once; more calls wait for one."""


class Executor:
    """Runs coroutines on the loop of `port`; made by `open_executor`, on that loop's thread."""

    def __init__(self, port: AsyncPort) -> None:
        """Borrow `port`: close the executor first."""
        self.port = port
        self._thread = threading.get_ident()
        self._key = port.new_key()
        self._lock = threading.Lock()
        self._closed = False
        self._todo: collections.deque[Callable[[], object]] = collections.deque()
        self._alive: set[Spawned[Any]] = set()
        self._threads: set[ExecutorThread[Any]] = set()
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        port.bind(self._key, self._serve)

    # ---- onto this loop

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str | None = None) -> Spawned[T]:
        """Run a coroutine on this loop, beside all others; from any thread.

        It is the executor's from here on, also where this raises: then it is closed.
        Raises: BadState: the executor is closed. ShouldWait: nobody serves the loop.
        """
        label = name or str(getattr(coroutine, "__qualname__", coroutine))
        spawned: Spawned[T] = Spawned(label, self._thread, lambda: self._do(running.abort))
        running = RunningCoroutine(coroutine, spawned)
        try:
            self._enlist(spawned)
            self._do(lambda: running.start(self.port))
        except BaseException as error:
            if isinstance(error, Exception):
                running.drop(error)
            raise
        return spawned

    def _enlist(self, spawned: Spawned[Any]) -> None:
        with self._lock:
            if self._closed:
                raise BadState("the executor is closed")
            self._alive.add(spawned)
        spawned.when_done(functools.partial(self._alive.discard, spawned))

    def _do(self, action: Callable[[], object]) -> None:
        """Have something done on the loop's thread: at once, where this is it (rule 3)."""
        self._todo.append(action)
        if threading.get_ident() == self._thread:
            self._serve()
        else:
            self.port.queue(Packet(self._key))

    def _serve(self, packet: Packet | None = None) -> None:
        del packet
        while self._todo:
            self._todo.popleft()()

    # ---- threads

    def spawn_thread(
        self,
        main: Callable[[Executor], Coroutine[Any, Any, T]],
        name: str = "ipcrt executor",
        backend: Backend = "asyncio",
    ) -> Spawned[T]:
        """Run `main(executor)` on a loop of its own, with a port of its own, in a new thread.

        What it blocks for holds up nobody else. From any thread; it does not wait for the start.
        Raises: BadState: this executor is closed. RuntimeError: the system has no more threads. A
        `backend` that is not installed is what the `Spawned` ends with.
        """

        async def body(thread: ExecutorThread[T]) -> T:
            async with open_executor() as own:
                work = own.spawn(main(own), name)
                thread.abortable(work.abort)
                return await work.wait(own.port)

        thread: ExecutorThread[T] = ExecutorThread(body, name)
        self._enlist(thread.spawned)
        with self._lock:
            self._threads.add(thread)
        thread.spawned.when_done(functools.partial(self._threads.discard, thread))
        try:
            thread.start(backend)
        except BaseException as error:
            thread.spawned.fail(Canceled(f"{name!r} was not started: {error}"))
            raise
        return thread.spawned

    async def call_blocking(self, function: Callable[..., T], *args: object) -> T:
        """Call `function(*args)` in a thread, and await what it answers or raises.

        For tasks of this loop. Whoever is cancelled waits for the function's end first: it comes
        soon, as what blocks on our ports, channels and handles in there raises Canceled, now and
        later; anything else that blocks there is waited for.
        Raises: BadState: the executor is closed, or the loop is another.
        """
        self.port.check()
        scope = Scope()
        name = getattr(function, "__qualname__", repr(function))
        spawned: Spawned[T] = Spawned(name, None, scope.cancel)
        context = contextvars.copy_context()

        def call() -> None:
            spawned.runs_here()
            try:
                spawned.succeed(context.run(scope.run, function, *args))
            except BaseException as error:  # noqa: BLE001  (raised where it is awaited)
                spawned.fail(error)

        self._enlist(spawned)
        self._threads_for_calls().submit(call)
        try:
            return await spawned.wait(self.port)
        except BaseException:
            spawned.abort()
            with anyio.CancelScope(shield=True):
                await spawned.ended(self.port)
            raise

    def _threads_for_calls(self) -> concurrent.futures.ThreadPoolExecutor:
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(
                MAX_BLOCKING_CALLS, thread_name_prefix="ipcrt call_blocking"
            )
        return self._pool

    # ---- life

    def statistics(self) -> dict[str, int]:
        """Count what was spawned and has not ended, and how much of it are threads."""
        return {"spawned": len(self._alive), "threads": len(self._threads)}

    async def aclose(self) -> None:
        """Abort all that was spawned, and wait for it; idempotent. Before the port closes."""
        with self._lock:
            self._closed = True
            alive, threads = list(self._alive), list(self._threads)
        self._serve()
        with anyio.CancelScope(shield=True):
            for spawned in alive:
                spawned.abort()
            for spawned in alive:
                await spawned.ended(self.port)
        for thread in threads:
            thread.join()
        if self._pool is not None:
            self._pool.shutdown()
        self.port.unbind(self._key)


@asynccontextmanager
async def open_executor(port: AsyncPort | None = None) -> AsyncGenerator[Executor, None]:
    """Make the executor of the loop that runs here, on `port` or else on one of its own.

    Leaving the context aborts what was spawned, and waits for it.
    Raises: what `open_port` raises.
    """
    if port is None:
        async with open_port() as own, open_executor(own) as executor:
            yield executor
        return
    executor = Executor(port)
    try:
        yield executor
    finally:
        await executor.aclose()
