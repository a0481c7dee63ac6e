"""Loops: each kind runs a coroutine to its end."""

from __future__ import annotations

import asyncio
import sys

import pytest
import trio

from ipcrt.port.loops import Backend, run_loop


async def which() -> str:
    if trio.lowlevel.in_trio_task():
        return "trio"
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.parametrize("backend", ["asyncio", "uvloop", "trio"])
def test_a_coroutine_runs_on_the_loop_that_is_asked_for(backend: Backend) -> None:
    assert run_loop(backend, which) == backend


def test_an_error_comes_out() -> None:
    async def fail() -> None:
        raise ValueError("as asked")

    for backend in ("asyncio", "uvloop", "trio"):
        with pytest.raises(ValueError, match="as asked"):
            run_loop(backend, fail)


def test_a_loop_that_nobody_knows_or_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="'curio' is none"):
        run_loop("curio", which)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(ModuleNotFoundError):
        run_loop("uvloop", which)
