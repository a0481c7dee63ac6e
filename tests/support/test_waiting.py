from __future__ import annotations

import threading

import anyio
import pytest

from tests.support.waiting import apart, wait_until, wait_until_async


def test_waits_for_another_thread() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.set)
    thread.start()
    wait_until(event.is_set)
    thread.join()


def test_gives_up() -> None:
    with pytest.raises(AssertionError, match="still not so after 0 s"):
        wait_until(lambda: False, seconds=0)


@pytest.mark.anyio
async def test_lets_the_loop_run() -> None:
    event = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(wait_until_async, event.is_set)
        event.set()


@pytest.mark.anyio
async def test_gives_up_on_each_loop() -> None:
    with pytest.raises(AssertionError, match="still not so after 0 s"):
        await wait_until_async(lambda: False, seconds=0)


def test_apart_is_another_thread() -> None:
    assert apart(threading.get_ident) != threading.get_ident()
    with pytest.raises(ValueError, match="invalid literal"):
        apart(int, "x")
