"""Tests that leave something behind on purpose; test_leaks.py runs them and expects red.

Not collected by itself: the name does not begin with `test_`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
import pytest
import trio
from hypothesis import given, strategies

from tests.support.proc import child_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T", bound="Callable[..., object]")

EXPECTED: dict[str, str] = {}
"""What pytest's complaint about a test must hold, by the test's name; the others must pass."""


def leaves(complaint: str) -> Callable[[T], T]:
    def record(test: T) -> T:
        EXPECTED[test.__name__] = complaint
        return test

    return record


@pytest.fixture(scope="module")
def null_fd() -> int:
    return os.open("/dev/null", os.O_RDONLY)


@pytest.fixture(scope="module", autouse=True)
def end_children() -> Iterator[None]:
    yield
    for pid in child_processes():
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


# --------------------------------------------------------------------------------------- clean ones


def test_closes_descriptors() -> None:
    for fd in os.pipe():
        os.close(fd)


def test_joins_a_thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def test_waits_for_a_child() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.asyncio
async def test_awaits_a_task() -> None:
    await asyncio.create_task(asyncio.sleep(0))


@pytest.mark.asyncio
async def test_cancels_a_task() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()


@pytest.mark.anyio
async def test_uses_worker_threads_on_each_loop() -> None:
    await anyio.to_thread.run_sync(int)


# --------------------------------------------------------------------------------------- leaky ones


def _forget(work: Coroutine[object, object, None]) -> None:
    asyncio.get_running_loop().create_task(work, name="forgotten").add_done_callback(repr)


@leaves("-> /dev/null")
def test_descriptor() -> None:
    os.open("/dev/null", os.O_RDONLY)


@leaves("-> /dev/zero")
def test_descriptor_in_the_place_of_another(null_fd: int) -> None:
    os.close(null_fd)
    assert os.open("/dev/zero", os.O_RDONLY) == null_fd


@leaves("thread 'forgotten'")
def test_thread() -> None:
    threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()


@leaves("(sleep)")
def test_child() -> None:
    os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ)


@leaves("dead but not waited for")
def test_child_that_nobody_waited_for() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@leaves("name='forgotten'")
@pytest.mark.asyncio
async def test_task() -> None:
    _forget(asyncio.sleep(60))


@leaves("forgotten")
@pytest.mark.anyio
async def test_task_on_each_loop() -> None:
    if trio.lowlevel.in_trio_run():
        trio.lowlevel.spawn_system_task(trio.sleep_forever, name="forgotten")
    else:
        _forget(asyncio.sleep(60))


@leaves("name='forgotten'")
@pytest.mark.asyncio
@given(strategies.none())
async def test_task_under_hypothesis(value: None) -> None:
    assert value is None
    _forget(asyncio.sleep(60))


@leaves("ResourceWarning: unclosed <socket")
def test_forgotten_resource_in_a_cycle() -> None:
    cycle: list[object] = [socket.socket()]
    cycle.append(cycle)


@leaves("LookupError: lost")
def test_exception_that_nobody_could_catch() -> None:
    class Broken:
        def __del__(self) -> None:
            raise LookupError("lost")

    Broken()


@leaves("ZeroDivisionError")
def test_exception_in_a_thread() -> None:
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()


@leaves("ended early")
def test_failure_is_reported_once() -> None:
    os.open("/dev/null", os.O_RDONLY)
    raise AssertionError("ended early")


@leaves("async def functions are not natively supported")
async def test_async_without_a_loop() -> None:
    await asyncio.sleep(0)
