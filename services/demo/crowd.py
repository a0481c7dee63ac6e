"""The crowd: many clients of one locator at once, and more than it takes.

A locator of its own serves it, whose limit is the crowd's size: those who come after are refused,
and the others do not notice.
"""

from __future__ import annotations

import contextlib
import resource
import time
from typing import Final

from ipcrt.cli.complaint import complaint
from ipcrt.errors import NoResources
from ipcrt.locator.connect import connect
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt_services.demo import activation
from ipcrt_services.demo.bindings import DirectorGetPlanResponse
from ipcrt_services.demo.director import Player, Watch, start_player
from ipcrt_services.demo.household import Household, Member
from ipcrt_services.demo.material import CheckFailed, Unsuitable
from ipcrt_services.demo.measure import Descriptors, Memory, quiet, settled
from ipcrt_services.demo.results import CrowdResult
from ipcrt_services.demo.view import View

START: Final = "start"
CONNECTED: Final = "connected"
CALLED: Final = "called"
AGAIN: Final = "again"

CALLS_EACH: Final = 10
"""Calls of each client while all others call, too."""

_PROCESSES: Final = 2
_SPARE_FDS: Final = 128
"""What a process needs besides one descriptor a client; the locator keeps many for requests."""

_WARMERS: Final = 20
"""Clients that come and go before anything is measured: the first ones make Python load things."""
_EXTRA: Final = 5
_EXIT_S: Final = 10.0


async def gather_crowd(
    count: int, household: Household, port: AsyncPort, watch: Watch, view: View
) -> CrowdResult:
    """Connect `count` clients, let them call, and try some more.

    Raises: CheckFailed. IpcError.
    """
    shares = _shares(count)
    path = household.directory / "crowd"
    limit = str(count)
    arguments = ("--socket", str(path), "--max-clients", limit, "--max-clients-per-uid", limit)
    locator = household.module("crowd", "ipcrt.locator.daemon", *arguments)
    await watch.until_done(activation.until_offered(set(), path, port), "the crowd's locator")
    await _warm_up(str(path), port)
    crowd = _Crowd(str(path), locator, port, watch, view)
    crowd.before = await quiet(locator.pid)
    for number, share in enumerate(shares):
        crowd.start(household, f"crowd.{number + 1}", share)
    result = await crowd.run(count)
    for member in (*crowd.members, locator):
        if status := household.end(member):
            raise CheckFailed(f"{member.name} ended with status {status}{member.complaints()}")
    return result


def check_room(count: int) -> None:
    """Make sure that the locator will not run out of descriptors.

    Raises: Unsuitable.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if count + _SPARE_FDS > hard:
        raise Unsuitable(
            f"{count} clients need a locator with {count + _SPARE_FDS} descriptors; "
            f"the hard limit is {hard} (ulimit -Hn)"
        )


def _shares(count: int) -> list[int]:
    """Divide the clients among processes, none of which may run out of descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = min(count, max(_PROCESSES, -(-count // (hard - _SPARE_FDS))))
    return [count // processes + (number < count % processes) for number in range(processes)]


async def _warm_up(path: str, port: AsyncPort) -> None:
    for _ in range(_WARMERS):
        with contextlib.suppress(NoResources):  # a limit of one, and the last has not quite gone
            async with connect(path, port=port) as client:
                await client.proxy.get_identity()


class _Crowd:
    """One run."""

    def __init__(
        self, path: str, locator: Member, port: AsyncPort, watch: Watch, view: View
    ) -> None:
        self.members: list[Member] = []
        self.before: Descriptors | None = None
        self._path = path
        self._locator = locator
        self._port = port
        self._watch = watch
        self._view = view
        self._players: list[Player] = []

    def start(self, household: Household, name: str, count: int) -> None:
        plan = DirectorGetPlanResponse(self._path, "", "", 0, count, [])
        player = Player(name, self._watch, self._view, plan)
        self._players.append(player)
        self.members.append(
            start_player(household, self._port, player, "ipcrt_services.demo.crowd_player", name)
        )

    async def run(self, count: int) -> CrowdResult:
        assert self.before is not None
        await self._all_have(START)
        empty = Memory.of(self._locator.pid)
        connect_s = await self._pass(START, CONNECTED)
        full = Memory.of(self._locator.pid)
        call_s = await self._pass(CONNECTED, CALLED)
        refusal = await self._try_more()
        await self._pass(CALLED, AGAIN)
        await self._dismiss()
        leaked = (await settled(self._locator.pid, self.before)).since(self.before)
        return CrowdResult(
            clients=count,
            connects_per_s=count / connect_s,
            calls=count * CALLS_EACH,
            calls_per_s=count * CALLS_EACH / call_s,
            rss_per_client_kib=(full.rss - empty.rss) / count,
            pss_per_client_kib=(full.pss - empty.pss) / count,
            refused=_EXTRA,
            refusal=refusal,
            leaked=leaked,
        )

    async def _pass(self, stage: str, following: str) -> float:
        """Let everybody go on to the following stage; answer how many seconds that took."""
        began_ns = time.monotonic_ns()
        for player in self._players:
            player.release(stage)
        await self._all_have(following)
        ended_ns = max(player.reports[following].at_ns for player in self._players)
        return (ended_ns - began_ns) / 1e9

    async def _all_have(self, step: str) -> None:
        players = self._players
        await self._watch.until(
            lambda: all(player.has(step) for player in players), f"the crowd: {step}"
        )

    async def _try_more(self) -> str:
        """Come over the limit; answer what one is told.

        Raises: CheckFailed: one was let in.
        """
        told = ""
        for _ in range(_EXTRA):
            try:
                async with connect(self._path, port=self._port) as client:
                    await client.proxy.get_identity()
            except NoResources as error:
                told = complaint(error)
            else:
                raise CheckFailed("a client over the locator's limit was let in")
        return told

    async def _dismiss(self) -> None:
        for player, member in zip(self._players, self.members, strict=True):
            member.expected_to_end = True
            player.release(AGAIN)
        for member in self.members:
            await self._port.wait_one(member.process, Signals.TERMINATED, _EXIT_S)
