"""A thread with an event loop of its own, started for one coroutine.

Source: Starnix, `kthreads.spawner().spawn` with a `LocalExecutor` of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from ipcrt.errors import Canceled
from ipcrt.port.loops import Backend, run_loop
from ipcrt.port.spawned import Spawned

T = TypeVar("T")


class ExecutorThread(Generic[T]):
    """Runs `main` on a new loop in a new thread; `spawned` ends as it does."""

    def __init__(
        self, main: Callable[[ExecutorThread[T]], Coroutine[Any, Any, T]], name: str
    ) -> None:
        """`main` is told the thread, so that it can say with `abortable` how to stop it."""
        self._main = main
        self._lock = threading.Lock()
        self._abort: Callable[[], object] | None = None
        self._aborted = False
        self.spawned: Spawned[T] = Spawned(name, None, self._request_abort)
        self._thread: threading.Thread | None = None

    def start(self, backend: Backend) -> None:
        """Start the thread. Raises: RuntimeError: the system has no more threads."""
        self._thread = threading.Thread(
            target=self._run, args=(backend,), name=self.spawned.name, daemon=False
        )
        self._thread.start()

    def join(self) -> None:
        """Block until the thread is gone; quick once `spawned` is done."""
        if self._thread is not None:
            self._thread.join()

    def abortable(self, abort: Callable[[], object]) -> None:
        """Have `abort()` called when somebody aborts: at once, where somebody has."""
        with self._lock:
            self._abort = abort
            aborted = self._aborted
        if aborted:
            abort()

    def _request_abort(self) -> None:
        with self._lock:
            self._aborted = True
            abort = self._abort
        if abort is not None:
            abort()

    def _run(self, backend: Backend) -> None:
        self.spawned.runs_here()
        try:
            value = run_loop(backend, lambda: self._main(self))
        except Exception as error:  # noqa: BLE001  (it is whoever waits that wants to know)
            self.spawned.fail(error)
        except BaseException:
            self.spawned.fail(Canceled(f"{self.spawned.name!r} was aborted"))
            raise
        else:
            self.spawned.succeed(value)
