"""A coroutine's first step in C: nothing is kept, and nothing is left undone.

That it does what the pure one does is in tests/port/test_stepping.py.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from asyncio.tasks import _enter_task, _leave_task
from typing import Any, Final

import pytest
import uvloop

from ipcrt.port import stepping
from ipcrt.port.stepping import Stepper
from tests._speedups.twins import growth_in_blocks, native


@pytest.fixture(autouse=True)
def in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    make_step = native().twin("stepping", stepping._stepping)
    monkeypatch.setattr(stepping, "make_step", make_step)


async def end(value: object) -> object:
    if isinstance(value, type):
        raise value("no")
    return value


async def stand_by(stepper: Stepper) -> None:
    coroutine = end(None)
    assert stepper.step(coroutine) is None
    coroutine.close()
    await asyncio.sleep(0)


async def call(action: Any) -> None:
    """Have the loop call `action`; no task runs then."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def act() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001  (it is the test's)
            done.set_exception(error)
        else:
            done.set_result(None)

    loop.call_soon(act)
    await done


def step(stepper: Stepper, value: object) -> None:
    try:
        stepper.step(end(value))
    except (StopIteration, ValueError):
        return
    pytest.fail("it has not ended")


async def dismiss(stepper: Stepper) -> None:
    if (spare := stepper.close()) is not None:
        await asyncio.wait([spare])


def test_nothing_is_kept() -> None:
    async def main() -> None:
        stepper = Stepper(asyncio.get_running_loop(), print)
        await stand_by(stepper)
        spare: Any = stepper._spare
        kept: Final = (spare, spare.task, spare.context, spare.base)

        def many() -> None:
            before = [sys.getrefcount(each) for each in kept]
            for value in (1, (1, 2), ValueError):
                assert growth_in_blocks(functools.partial(step, stepper, value)) < 50
            assert [sys.getrefcount(each) for each in kept] == before

        await call(many)
        await dismiss(stepper)

    uvloop.run(main())


def test_where_no_memory_is_left_the_task_is_left_all_the_same() -> None:
    testcapi = pytest.importorskip("_testcapi")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stepper = Stepper(loop, print)
        await stand_by(stepper)
        failed = 0

        def starve() -> None:
            nonlocal failed
            for allocation in range(12):
                coroutine = end(1)
                testcapi.set_nomemory(allocation, allocation + 1)
                try:
                    stepper.step(coroutine)
                except MemoryError:
                    failed += 1
                except StopIteration:
                    pass
                finally:
                    testcapi.remove_mem_hooks()
                    coroutine.close()
                assert asyncio.current_task(loop) is None

        await call(starve)
        assert failed
        await dismiss(stepper)

    asyncio.run(main())


@pytest.mark.parametrize("broken", ["enter", "leave"])
def test_what_asyncio_refuses_comes_out(broken: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        refuse = True

        def enter(*of: Any) -> None:
            if broken == "enter" and refuse:
                raise ValueError("no way in")
            _enter_task(*of)

        def leave(*of: Any) -> None:
            _leave_task(*of)
            if broken == "leave" and refuse:
                raise ValueError("no way out")

        stepper = Stepper(loop, print)
        switch = (enter, leave)
        stepper.step = stepping.make_step(stepper._step, stepper, stepping._Spare, loop, switch)
        await stand_by(stepper)

        def act() -> None:
            nonlocal refuse
            for value in (1, KeyError):
                coroutine = end(value)
                with pytest.raises(ValueError, match="no way"):
                    stepper.step(coroutine)
                coroutine.close()
            refuse = False
            step(stepper, 1)

        await call(act)
        await dismiss(stepper)

    asyncio.run(main())


def test_a_step_wants_a_stepper() -> None:
    make: Any = stepping.make_step
    for arguments in ((), (print, object(), print, None, (None, None))):
        with pytest.raises(TypeError):
            make(*arguments)
    with pytest.raises(AttributeError):
        make(print, object(), stepping._Spare, None, (None, None))
    for nothing in (None, 5):
        with pytest.raises((TypeError, AttributeError)):
            make(print, nothing, int, None, (None, None))
