"""The conductor: starts everybody, gives the cues, measures before and after."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.signals import Signals
from ipcrt_services.demo import activation
from ipcrt_services.demo.bindings import (
    Checksum,
    DirectorGetPlanResponse,
    File,
    Keeper,
    Timing,
)
from ipcrt_services.demo.crowd import check_room, gather_crowd
from ipcrt_services.demo.director import Player, Watch, start_player
from ipcrt_services.demo.household import Household, Member
from ipcrt_services.demo.material import VMO_BYTES, CheckFailed
from ipcrt_services.demo.measure import Descriptors, Memory, quiet, settled
from ipcrt_services.demo.results import ProcessResult, Results
from ipcrt_services.demo.stages import BEGIN, END, HOLDING
from ipcrt_services.demo.timings import summarize
from ipcrt_services.demo.view import View
from ipcrt_services.files.bindings import Files
from ipcrt_services.kvstore.bindings import Item, Store, StoreProxy

PARTS: Final = (
    ("uvloop.1", "uvloop", "trio"),
    ("uvloop.2", "uvloop", "uvloop.1"),
    ("trio", "trio", "uvloop.2"),
    ("thread", "thread", "uvloop.1"),
)
"""Each player's name, what it runs on, and whom it passes memory to."""

_PAUSE_BEFORE_DEATH_S: Final = 0.05
"""From the last player's word that it waits to the keeper's death, so that it really does."""

_EXIT_S: Final = 10.0
_NEWS_S: Final = 0.2
"""How long the news of a death may be under way."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants: files, all beneath `directory`, and how many clients in the crowd."""

    directory: Path
    files: Sequence[File]
    crowd: int = 0
    vmo_bytes: int = VMO_BYTES


async def conduct(wish: Wish, view: View) -> Results:
    """Run the demonstration; leaks are in the results, everything else that fails is raised.

    Raises: CheckFailed. Unsuitable: more clients than this machine allows. IpcError, OSError.
    """
    began = time.monotonic()
    check_room(wish.crowd)
    async with open_port() as port:
        watch = Watch()
        before = Descriptors.of(os.getpid())
        with Household(port, watch.lost) as household:
            try:
                results = await Conductor(wish, view, port, watch, household).run()
                if wish.crowd:
                    results.crowd = await gather_crowd(wish.crowd, household, port, watch, view)
            except (OSError, IpcError):  # perhaps only because one of us is dead: say that instead
                await port.sleep(_NEWS_S)
                watch.check()
                raise
        results.processes.append(await _measured("demo", os.getpid(), "conductor", before))
    results.deeds = view.deeds
    results.seconds = time.monotonic() - began
    return results


class Conductor:
    """One run of the main part."""

    def __init__(
        self, wish: Wish, view: View, port: AsyncPort, watch: Watch, household: Household
    ) -> None:
        self._wish = wish
        self._view = view
        self._port = port
        self._watch = watch
        self._household = household
        self._path = household.directory / "locator"
        self._players: dict[str, tuple[Player, Member]] = {}
        self._results = Results()

    async def run(self) -> Results:
        """Start the locator, the services and the players, and see them through."""
        locator, services = await self._open_the_house()
        before = {member: await quiet(member.pid) for member in (locator, *services)}
        await self._start_players()
        keeper = await self._start_keeper()
        on_stage = {member: await quiet(member.pid) for _, member in self._players.values()}
        for player, _ in self._players.values():
            player.release(BEGIN)
        killed_ns = await self._kill_when_all_hold(keeper)
        await self._all_have(END, "all players to finish")
        self._note_deaths(killed_ns)
        for name, loop, _ in PARTS:
            member = self._players[name][1]
            await self._measure(member, f"client on {loop}", on_stage[member])
        await self._dismiss_players()
        for member, what in zip(
            (locator, *services), ("locator", "service", "service"), strict=True
        ):
            await self._measure(member, what, before[member])
        for member in (*services, locator):
            self._end_well(member)
        self._sum_up()
        return self._results

    # ---- locator and services

    async def _open_the_house(self) -> tuple[Member, tuple[Member, Member]]:
        household, path = self._household, self._path
        activated = activation.listen(household, path)
        await activation.first_connection(activated, self._port)
        self._results.activated_by = activated.by
        self._say("locator", f"started by {activated.by} on the first connection")
        (household.directory / "store").mkdir()
        kvstore = self._start_service("kvstore", household.directory / "store")
        files = self._start_service("files", self._wish.directory)
        await self._offered({Store.TABLE.name, Files.TABLE.name})
        await self._warm_up()
        self._say("kvstore", f"offers {Store.TABLE.name}")
        self._say("files", f"offers {Files.TABLE.name}: what is beneath {self._wish.directory}")
        return activated.member, (kvstore, files)

    async def _warm_up(self) -> None:
        """Use the store once before anything is counted: SQLite opens its log at the first use."""
        async with (
            connect(self._path, port=self._port) as locator,
            await locator.open(StoreProxy) as store,
        ):
            await store.write_item(Item("conductor", b"warm"))
            await store.read_item("conductor")

    def _start_service(self, name: str, directory: Path) -> Member:
        arguments = ("--locator", str(self._path), "--directory", str(directory))
        return self._household.module(name, f"ipcrt_services.{name}", *arguments)

    async def _offered(self, names: set[str]) -> None:
        offered = activation.until_offered(names, self._path, self._port)
        await self._watch.until_done(offered, "services to register")

    # ---- players

    async def _start_players(self) -> None:
        for name, loop, asks in PARTS:
            plan = DirectorGetPlanResponse(
                str(self._path),
                f"{Checksum.TABLE.name}.{name}",
                f"{Checksum.TABLE.name}.{asks}",
                self._wish.vmo_bytes,
                0,
                list(self._wish.files),
            )
            player = Player(name, self._watch, self._view, plan)
            member = start_player(
                self._household, self._port, player, "ipcrt_services.demo.player", name, loop
            )
            self._players[name] = player, member
        await self._all_have(BEGIN, "all players to begin")

    async def _start_keeper(self) -> Member:
        keeper = self._household.module("keeper", "ipcrt_services.demo.keeper", str(self._path))
        await self._offered({Keeper.TABLE.name})
        return keeper

    async def _all_have(self, step: str, what: str) -> None:
        players = [player for player, _ in self._players.values()]
        await self._watch.until(lambda: all(player.has(step) for player in players), what)

    async def _kill_when_all_hold(self, keeper: Member) -> int:
        """Answer when the keeper was killed, in ns of CLOCK_MONOTONIC."""
        await self._all_have(HOLDING, "all players to wait on their event pairs")
        await self._port.sleep(_PAUSE_BEFORE_DEATH_S)
        killed_ns = time.monotonic_ns()
        status = self._household.end(keeper, signal.SIGKILL)
        if status != -signal.SIGKILL:
            raise CheckFailed(f"the keeper ended with status {status}, not by SIGKILL")
        return killed_ns

    def _note_deaths(self, killed_ns: int) -> None:
        for name, (player, _) in self._players.items():
            report = player.reports["death"]
            us = (report.at_ns - killed_ns) / 1000
            if us < 0:
                raise CheckFailed(f"{name}: PEER_CLOSED came before the keeper was killed")
            report.timings.append(Timing("notice a SIGKILL", [us]))
            self._say(name, f"noticed the death of its event pair's peer after {us / 1000:.1f} ms")

    async def _dismiss_players(self) -> None:
        for player, member in self._players.values():
            member.expected_to_end = True
            player.release(END)
        for _, member in self._players.values():
            await self._port.wait_one(member.process, Signals.TERMINATED, _EXIT_S)
            self._end_well(member)

    # ---- measures

    async def _measure(self, member: Member, what: str, before: Descriptors) -> None:
        result = await _measured(member.name, member.pid, what, before)
        self._results.processes.append(result)

    def _end_well(self, member: Member) -> None:
        status = self._household.end(member)
        if status:
            raise CheckFailed(f"{member.name} ended with status {status}{member.complaints()}")

    def _sum_up(self) -> None:
        players = [player for player, _ in self._players.values()]
        self._results.latencies = summarize(t for player in players for t in player.timings)

    def _say(self, who: str, text: str) -> None:
        self._view.say(who, text)


async def _measured(name: str, pid: int, what: str, before: Descriptors) -> ProcessResult:
    after = await settled(pid, before)
    return ProcessResult(name, pid, what, before, after, Memory.of(pid))
