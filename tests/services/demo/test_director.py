from __future__ import annotations

import sys

import anyio
import anyio.to_thread
import pytest

from ipcrt.port.aport import open_port
from ipcrt_services.demo.bindings import DirectorGetPlanResponse, File, Timing
from ipcrt_services.demo.director import Player, Watch, start_player
from ipcrt_services.demo.household import Household
from ipcrt_services.demo.material import CheckFailed
from ipcrt_services.demo.view import View
from tests.support.processes import ROOT
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The conductor runs on asyncio alone."""
    return "asyncio"


PLAN = DirectorGetPlanResponse("/locator", "a", "b", 1, 2, [File("/a", "a")])


class Recorder(View):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, who: str, text: str) -> None:
        self.lines.append(f"{who}: {text}")

    def progress(self, who: str, step: str, done: int, total: int) -> None:
        self.lines.append(f"{who}: {step} {done}/{total}")


async def test_a_condition_that_holds_is_not_waited_for() -> None:
    await Watch().until(lambda: True, "nothing")


async def test_a_word_makes_it_look_again() -> None:
    watch = Watch()
    said: list[str] = []
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.until, lambda: bool(said), "a word")
            await anyio.wait_all_tasks_blocked()
            said.append("word")
            watch.heard()


async def test_a_failure_ends_every_wait() -> None:
    watch = Watch()
    watch.fail("one")
    watch.fail("two")
    with pytest.raises(CheckFailed, match="one; two"):
        await watch.until(lambda: True, "nothing")


async def test_silence_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipcrt_services.demo.director.STALL_S", 0.0)
    with pytest.raises(CheckFailed, match="waited for a word, and heard nothing"):
        await Watch().until(lambda: False, "a word")


async def test_work_is_given_up_when_something_fails() -> None:
    watch = Watch()
    watch.fail("one")
    with pytest.raises(CheckFailed, match="one"):
        await watch.until_done(anyio.sleep(60), "work")


async def test_work_may_fail_itself() -> None:
    async def work() -> None:
        raise CheckFailed("itself")

    with pytest.raises(CheckFailed, match="itself"):
        await Watch().until_done(work(), "work")


async def test_a_player_asks_tells_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    watch, view = Watch(), Recorder()
    async with open_port() as port:
        with Household(port, watch.lost) as household:
            player = Player("me", watch, view, PLAN)
            member = start_player(household, port, player, "tests.services.demo.playing")
            await watch.until(lambda: player.has("end"), "the player")
            assert view.lines == ["me: step 1/2", "me: /locator"]
            assert player.timings == [Timing("call", [1.5])]
            assert player.reports["step"].at_ns == 5
            await anyio.sleep(0.1)
            assert not player.has("last")
            member.expected_to_end = True
            player.release("end")
            with pytest.raises(CheckFailed, match="me: too bad"):
                await watch.until(lambda: False, "the end")
            await anyio.to_thread.run_sync(member.popen.wait)


async def test_who_ends_well_after_a_failure_is_no_news() -> None:
    watch = Watch()
    async with open_port() as port:
        with Household(port, watch.lost) as household:
            watch.fail("one")
            for status in (0, 3):
                household.start(f"member{status}", [sys.executable, "-c", f"exit({status})"])
            await wait_until_async(lambda: len(watch.failures) == 2)
            await anyio.sleep(0.1)
    assert watch.failures[0] == "one"
    assert [line.split()[0] for line in watch.failures[1:]] == ["member3"]
