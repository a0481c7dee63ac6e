"""The demonstration: a locator, the service and its clients, each a process.

The conductor looks at the mirror as any client may, and tells what each process did, what it cost,
and what it has open before and after.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ipcrt.errors import IpcError, TimedOut
from ipcrt.locator.connect import connect
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.signals import Signals
from ipcrt.shm.state_reader import StateReader
from ipcrt_services.demo import activation
from ipcrt_services.demo.director import Watch
from ipcrt_services.demo.household import Household, Member
from ipcrt_services.demo.material import CheckFailed
from ipcrt_services.demo.measure import quiet, settled
from ipcrt_services.demo.view import View
from ipcrt_services.monado.bindings import Monado, MonadoProxy
from ipcrt_services.monado.layout import LAYOUT, POSES
from ipcrt_services.monado.mirror import MirrorReader
from ipcrt_services.monado.pictures import Taker
from ipcrt_services.monado.player import Plan, Report
from ipcrt_services.monado.settings import FILE

_POLL_S: Final = 0.02
_EXIT_S: Final = 5.0
_LATE_S: Final = 20.0
_NEWS_S: Final = 0.2
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to see."""

    clients: int = 3
    seconds: float = 5.0
    width: int = 1920
    height: int = 1080
    view: tuple[int, int] = (320, 320)
    """Pixels of one eye's picture."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it."""

    clients: list[Report]
    composed: int
    """Pictures."""
    published_poses: int
    service_cpu_seconds: float
    service_fds_before: int
    service_fds_after: int
    service_leaked: list[str]
    seconds: float

    @property
    def leaked(self) -> list[str]:
        """One line for each process that has more open than before."""
        found = [f"{each.name} leaked {each.leaked}" for each in self.clients if each.leaked]
        if self.service_leaked:
            found.append(f"the service leaked {self.service_leaked}")
        return found


@dataclass(frozen=True, slots=True)
class Sight:
    """What the conductor sees of the service, as a client; everything in it is lent."""

    monado: MonadoProxy
    mirror: MirrorReader
    state: StateReader

    @property
    def poses(self) -> int:
        """How many poses were published."""
        return sum(self.state.version(section) for section in POSES.values())


async def conduct(wish: Wish, takers: Sequence[Taker], view: View) -> Outcome:
    """Run the demonstration. Raises: CheckFailed, IpcError, OSError."""
    async with open_port() as port:
        watch = Watch()
        with Household(port, watch.lost) as household:
            try:
                return await Conductor(
                    wish, takers, view, port=port, watch=watch, household=household
                ).run()
            except (OSError, IpcError):  # perhaps only because one of us is dead: say that instead
                await port.sleep(_NEWS_S)
                watch.check()
                raise


class Conductor:
    """One run."""

    def __init__(
        self,
        wish: Wish,
        takers: Sequence[Taker],
        view: View,
        *,
        port: AsyncPort,
        watch: Watch,
        household: Household,
    ) -> None:
        self._wish = wish
        self._takers = takers
        self._view = view
        self._port = port
        self._watch = watch
        self._household = household
        self._path = household.directory / "locator"
        self._members: list[Member] = []

    async def run(self) -> Outcome:
        """Start everybody, look on, and count; on leaving all have ended."""
        try:
            return await self._run()
        finally:
            for member in self._members:
                _tell_to_end(member)
            for member in list(self._members):
                await self._end(member)

    async def _run(self) -> Outcome:
        activated = activation.listen(self._household, self._path)
        self._members.append(activated.member)
        await activation.first_connection(activated, self._port)
        self._view.say("locator", f"started by {activated.by} on the first connection")
        service = await self._start_service()
        async with (
            connect(self._path, port=self._port) as locator,
            await locator.open(MonadoProxy) as monado,
        ):
            shown = await monado.system_get_mirror()
            shared = await monado.instance_get_shm_fd()
            with (
                MirrorReader(shown.mirror, shown.width, shown.height) as mirror,
                StateReader.attach(shared.shm, LAYOUT) as state,
            ):
                outcome = await self._measure(service, Sight(monado, mirror, state))
        for member in (service, activated.member):
            await self._end_well(member)
        return outcome

    async def _start_service(self) -> Member:
        directory = self._household.directory / "monado"
        directory.mkdir()
        width, height = self._wish.view
        (directory / FILE).write_text(f"view_width = {width}\nview_height = {height}\n")
        arguments = ("--locator", str(self._path), "--directory", str(directory))
        service = self._household.module("monado", "ipcrt_services.monado", *arguments)
        self._members.append(service)
        offered = activation.until_offered({Monado.TABLE.name}, self._path, self._port)
        await self._watch.until_done(offered, "the service to register")
        self._view.say("monado", f"offers {Monado.TABLE.name}, publishes poses at 1000 Hz")
        return service

    async def _measure(self, service: Member, sight: Sight) -> Outcome:
        before = await quiet(service.pid)
        members = await self._start_players(sight.monado)
        began, cpu = time.monotonic(), _cpu_seconds(service.pid)
        composed, poses = sight.mirror.version, sight.poses
        await self._look_on(sight, members)
        seconds = time.monotonic() - began
        composed, poses = sight.mirror.version - composed, sight.poses - poses
        cpu = _cpu_seconds(service.pid) - cpu
        for member in members:
            await self._end_well(member)
        after = await settled(service.pid, before)
        return Outcome(
            [self._report(member) for member in members],
            composed,
            poses,
            cpu,
            len(before),
            len(after),
            after.since(before),
            seconds,
        )

    # ---- clients

    async def _start_players(self, monado: MonadoProxy) -> list[Member]:
        """Start the clients; they begin all at once, when the last is ready."""
        wish = self._wish
        read, write = os.pipe()
        with ExitStack() as stack:
            stack.callback(os.close, write)
            stack.callback(os.close, read)
            members = [self._start_player(place, read) for place in range(wish.clients)]
            await self._watch.until_done(self._all_ready(monado), "the clients to get ready")
        self._view.say("clients", f"{wish.clients}, images of {wish.width} x {wish.height}")
        return members

    def _start_player(self, place: int, gate: int) -> Member:
        wish, name = self._wish, f"client.{place + 1}"
        plan = Plan(
            place,
            wish.clients,
            str(self._path),
            wish.seconds,
            wish.width,
            wish.height,
            gate,
            str(self._report_path(name)),
        )
        text = msgspec.json.encode(plan).decode()
        member = self._household.module(name, "ipcrt_services.monado.player", text, pass_fds=[gate])
        self._members.append(member)
        return member

    async def _all_ready(self, monado: MonadoProxy) -> None:
        while await self._count_swapchains(monado) < self._wish.clients:
            await self._port.sleep(_POLL_S)

    async def _count_swapchains(self, monado: MonadoProxy) -> int:
        numbers = (await monado.system_get_clients()).ids
        infos = [(await monado.system_get_client_info(number)).info for number in numbers]
        return sum(info.swapchains for info in infos)

    # ---- looking on

    async def _look_on(self, sight: Sight, members: Sequence[Member]) -> None:
        """Show pictures and progress until the clients have ended."""
        for member in members:
            member.expected_to_end = True
        until = time.monotonic() + self._wish.seconds + _LATE_S
        seen = sight.mirror.version
        began = time.monotonic()
        while any(member.popen.poll() is None for member in members):
            if time.monotonic() > until:
                raise CheckFailed(f"clients still draw {_LATE_S:.0f} s after their time")
            self._watch.check()
            done = min(time.monotonic() - began, self._wish.seconds)
            total = int(self._wish.seconds * 100)
            self._view.progress("clients", "drawing", int(done * 100), total)
            if sight.mirror.version > seen:
                seen = sight.mirror.version
                await self._take(sight)
            await self._port.sleep(_POLL_S)

    async def _take(self, sight: Sight) -> None:
        """Hand on a picture, unless a client has ended already: it would be missing there."""
        if not self._takers:
            return
        clients = await sight.monado.system_get_clients()
        if len(clients.ids) > self._wish.clients:
            picture = sight.mirror.take()
            for taker in self._takers:
                taker.take(picture)

    # ---- the end

    def _report_path(self, name: str) -> Path:
        return self._household.directory / f"{name}.json"

    def _report(self, member: Member) -> Report:
        text = self._report_path(member.name).read_bytes()
        return msgspec.json.decode(text, type=Report)

    async def _end_well(self, member: Member) -> None:
        _tell_to_end(member)
        status = await self._end(member)
        if status:
            raise CheckFailed(member.ending())

    async def _end(self, member: Member) -> int:
        """Await a process's end; answer its status."""
        with contextlib.suppress(TimedOut):  # then the household sees to it
            await self._port.wait_one(member.process, Signals.TERMINATED, _EXIT_S)
        self._members.remove(member)
        return self._household.end(member)


def _tell_to_end(member: Member) -> None:
    member.expected_to_end = True
    if member.popen.poll() is None:
        member.popen.terminate()


def _cpu_seconds(pid: int) -> float:
    """Answer what a process has used. Source: proc(5), stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
