"""ExecutorThread: what aborts it, whenever somebody does."""

from __future__ import annotations

import threading

import anyio
import pytest

from ipcrt.errors import BadState, Canceled
from ipcrt.port.executor_thread import ExecutorThread
from tests.port.scene import HANG


def test_it_runs_in_its_own_thread_and_is_joined() -> None:
    async def main(thread: ExecutorThread[str]) -> str:
        with pytest.raises(BadState):
            thread.spawned.result()
        return threading.current_thread().name

    thread = ExecutorThread(main, "of its own")
    thread.start("asyncio")
    assert thread.spawned.result(HANG) == "of its own"
    thread.join()


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
def test_an_abort_reaches_main_before_and_after_it_says_how(early: bool) -> None:
    ready = threading.Event()
    go_on = threading.Event()

    async def main(thread: ExecutorThread[None]) -> None:
        with anyio.CancelScope() as scope:
            if early:
                ready.set()
                assert go_on.wait(HANG)
            thread.abortable(scope.cancel if early else go_on.set)
            ready.set()
            if not early:
                assert go_on.wait(HANG)
                scope.cancel()
            await anyio.sleep(3600)
        raise Canceled("aborted")

    thread = ExecutorThread(main, "aborted")
    thread.start("asyncio")
    assert ready.wait(HANG)
    thread.spawned.abort()
    go_on.set()
    with pytest.raises(Canceled):
        thread.spawned.result(HANG)
    thread.join()


def test_joining_what_never_started_returns() -> None:
    async def main(thread: ExecutorThread[None]) -> None:
        del thread

    ExecutorThread(main, "never").join()
