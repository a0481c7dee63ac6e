"""Where an event loop runs, and where none does."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from ipcrt.errors import BadState
from ipcrt.port.loop_here import loop_runs_here, refuse_on_loop
from tests.port.scene import AsyncScene, story
from tests.support.waiting import apart


def test_no_loop_no_objection() -> None:
    assert not loop_runs_here()
    refuse_on_loop()


@story
async def test_a_loop_of_any_kind_is_found_in_its_own_thread(loop_scene: AsyncScene) -> None:
    assert loop_runs_here()
    with pytest.raises(BadState, match="await the async twin"):
        refuse_on_loop()
    assert apart(loop_runs_here) is False


@pytest.mark.parametrize("name", ["asyncio.events", "trio.lowlevel"])
def test_a_module_that_another_thread_is_loading_is_no_loop(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    assert not loop_runs_here()


def test_asking_loads_no_event_loop() -> None:
    source = (
        "import sys; from ipcrt.port.blocking import BlockingPort; "
        "from ipcrt.port.waiting import wait_one; "
        "from ipcrt.port.loop_here import refuse_on_loop; refuse_on_loop(); "
        "print(sorted({'asyncio', 'trio', 'uvloop', 'anyio'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", source], text=True) == "[]\n"
