"""The conductor's side of each player: where it is, what it said, when it may go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import anyio

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort
from ipcrt_services.demo.bindings import (
    Director,
    DirectorGetPlanResponse,
    DirectorReportRequest,
    DirectorServer,
    Timing,
)
from ipcrt_services.demo.household import Household, Member
from ipcrt_services.demo.material import CheckFailed
from ipcrt_services.demo.view import View

STALL_S: Final = 30.0
"""Seconds without a word from anybody after which the demonstration has failed."""

_GLANCE_S: Final = 0.5


class Watch:
    """Knows whether anything failed, and when anybody last said something."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._changed = anyio.Event()
        self._heard = time.monotonic()

    def heard(self) -> None:
        """Somebody said something."""
        self._heard = time.monotonic()
        self._changed.set()

    def fail(self, reason: str) -> None:
        """Something failed."""
        self.failures.append(reason)
        self._changed.set()

    def lost(self, member: Member) -> None:
        """A process ended unasked; one that ended well because something failed is no news."""
        text = member.ending()
        if member.popen.returncode or not self.failures:
            self.fail(text)

    def check(self) -> None:
        """Raises: CheckFailed: something failed."""
        if self.failures:
            raise CheckFailed("; ".join(self.failures))

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition that changes only when somebody says something.

        Raises: CheckFailed: something failed, or nobody has said anything for a long time.
        """
        while True:
            if self.failures:
                await anyio.sleep(0.1)  # the death of one makes others fail: hear them all
            self.check()
            if condition():
                return
            if time.monotonic() - self._heard > STALL_S:
                raise CheckFailed(f"waited for {what}, and heard nothing for {STALL_S:.0f} s")
            self._changed = anyio.Event()
            with anyio.move_on_after(_GLANCE_S):
                await self._changed.wait()

    async def until_done(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Do some work, unless something fails meanwhile. Raises: as `until`, and as the work."""
        done = False

        async def do() -> None:
            nonlocal done
            await work
            done = True
            self.heard()

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(do)
                await self.until(lambda: done, what)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


class Player(DirectorServer):
    """One player: its process and what is known of it."""

    def __init__(self, name: str, watch: Watch, view: View, plan: DirectorGetPlanResponse) -> None:
        self.name = name
        self.reports: dict[str, DirectorReportRequest] = {}
        self._watch = watch
        self._view = view
        self._plan = plan
        self._seen: set[str] = set()
        self._gates: dict[str, anyio.Event] = {}

    @property
    def timings(self) -> list[Timing]:
        """Everything that it timed."""
        return [timing for report in self.reports.values() for timing in report.timings]

    def has(self, step: str) -> bool:
        """True once it arrived at, told the progress of, or reported `step`."""
        return step in self._seen

    def release(self, stage: str) -> None:
        """Let it go on from where it arrived."""
        self._gate(stage).set()

    def get_plan(self) -> DirectorGetPlanResponse:
        self._watch.heard()
        return self._plan

    async def arrive(self, stage: str) -> None:
        self._note(stage)
        await self._gate(stage).wait()

    def report(self, step: str, text: str, passed: bool, at_ns: int, timings: list[Timing]) -> None:
        self.reports[step] = DirectorReportRequest(step, text, passed, at_ns, timings)
        self._note(step)
        if not passed:
            self._watch.fail(f"{self.name}: {text}")
        elif text:
            self._view.say(self.name, text)

    def progress(self, step: str, done: int, total: int) -> None:
        self._note(step)
        self._view.progress(self.name, step, done, total)

    def client_gone(self, reason: IpcError) -> None:
        self._watch.heard()

    def _note(self, step: str) -> None:
        self._seen.add(step)
        self._watch.heard()

    def _gate(self, stage: str) -> anyio.Event:
        return self._gates.setdefault(stage, anyio.Event())


def start_player(
    household: Household, port: AsyncPort, player: Player, module: str, *arguments: str
) -> Member:
    """Start a player's process with one end of a channel, and serve the other."""
    ours, theirs = Channel.create()
    with ours, theirs:
        member = household.module(
            player.name,
            module,
            *arguments,
            str(theirs.fileno()),
            pass_fds=[theirs.fileno()],
        )
        ServerBinding(ServerEnd[Director](ours), player, port)
    return member
