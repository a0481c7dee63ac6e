"""Kill anybody at any moment, put another in its place, and look at everybody.

After each kill:

1. Whoever does not need the dead one goes on, and has not even noticed (`cast.FALLS`).
2. Whoever needs it, and whoever takes its place, gets to work.
3. The compositor's clients are those who live, each with its own images.
4. Each process holds what it held before anybody was killed, and no zombie.
In the end nobody and nothing is left.
"""

from __future__ import annotations

import collections
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from ipcrt.errors import IpcError
from ipcrt.locator.keeper import TreeLimits
from ipcrt.locator.spawn_with_parent import NOT_EXECUTABLE
from ipcrt_services.kvstore.bindings import Store
from ipcrt_services.monado.bindings import Monado
from tests.soak.blows import AT_ONCE, Blow
from tests.soak.cast import ACTIVATOR, ACTORS, ARTISTS, FALLS, LOCATOR, SERVICES
from tests.soak.census import Holdings, cpu_ticks, holdings, least, marked, shm_names, zombies
from tests.soak.scene import PATIENCE_S, Scene, playing
from tests.soak.tally import Told

STEPS: Final = 3
"""Steps that say that somebody works."""

_ENDS_OF_ORPHANS: Final = (0, -signal.SIGTERM, NOT_EXECUTABLE)
"""How a locator ends whose activator is gone: it hears SIGTERM, or is not that far yet."""

_OF_CLIENTS: Final = ("pidfd", "ipcrt-image", "ipcrt-timeline")
_REST_S: Final = 0.3
_REST_TICKS: Final = 3
_SAMPLES: Final = 30
_POLL_S: Final = 0.01
_LATEST_S: Final = 0.05
"""How long after all were at work somebody is killed, at most."""

_NEXT_S: Final = 0.4
"""How long after that the next one in a storm, at most."""


class Fight:
    """One scene and its chance."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._chance = random.Random(seed)
        self._usual: dict[str, Holdings] = {}
        self._unseen: set[str] = set()
        trees = (f"/memfd:{name} (deleted)" for name in (Monado.TABLE.name, Store.TABLE.name))
        self._left_trees = Holdings(dict.fromkeys(trees, TreeLimits().ended_of_uid))
        """What a locator keeps for a while of services that have died."""
        self.blows: list[Blow] = []
        self.dying: tuple[str, ...] = ()

    # ---- the order of things

    def begin(self) -> None:
        """Wait until all work, and take note of what each holds."""
        nothing: dict[str, Told] = dict.fromkeys(ACTORS, Told(0, 0, 0, 0))
        self._until_so(lambda: self._idle(nothing, set(ACTORS)), "all to work")
        self._until_so(self._strange_clients, "the compositor to have its clients")
        samples: dict[str, list[Holdings]] = collections.defaultdict(list)
        for _ in range(_SAMPLES):
            for name, pid in self._scene.pids.items():
                samples[name].append(holdings(pid))
            time.sleep(_POLL_S)
        self._usual = {name: least(each) for name, each in samples.items()}

    def strike(self, victims: tuple[str, ...]) -> Blow:
        """Kill and replace, and wait until all is as before."""
        scene = self._scene
        self.dying = victims
        scene.may_lack_locator = not {LOCATOR, ACTIVATOR}.isdisjoint(victims)
        time.sleep(self._chance.uniform(0, _LATEST_S))
        before = scene.board.look()
        began = time.monotonic()
        if len(victims) > AT_ONCE:
            for name in victims:
                self._replace((name,))
                time.sleep(self._chance.uniform(0, _NEXT_S))
        else:
            self._replace(victims)
        again = {name for name in victims if name in ACTORS}
        again.update(*(FALLS[name].loses for name in victims))
        self._until_so(lambda: self._idle(before, again), "all to work")
        # Of one who was killed twice the first successor may have worked, and the second not yet.
        replaced = scene.board.look()
        self._until_so(lambda: self._idle(replaced, set()), "all to work on")
        working_s = time.monotonic() - began
        self._until_so(self._strange_clients, "the clients' images to be back")
        self._until_tidy()
        scene.check_logs()
        may_fail = again.union(*(FALLS[name].may_fail for name in victims))
        for name, told in scene.board.look().items():
            assert told.failures == before[name].failures or name in may_fail, (
                f"{name} noticed: {scene.tail(name)}"
            )
        blow = Blow(victims, working_s, time.monotonic() - began)
        self.blows.append(blow)
        return blow

    def _replace(self, victims: tuple[str, ...]) -> None:
        """Kill them at once, and start others in their place."""
        scene = self._scene
        self._until_so(lambda: sorted({*victims} - scene.pids.keys()), "them to be there")
        for name in victims:
            scene.kill(name)
        for name in victims:
            scene.bury(name)
        for status in scene.reap_orphans():
            assert status in _ENDS_OF_ORPHANS or LOCATOR in victims, f"it ended with {status}"
        for name in victims:
            if name != LOCATOR:
                scene.start(name)

    def end(self) -> None:
        """End the scene, and see that nothing is left."""
        scene = self._scene
        self._until_tidy()
        scene.end_actors()
        self._until_so(self._remains, "the services to be alone")
        self._until_so(self._restless, "those whom nobody calls to rest")
        ends = scene.end_others()
        assert not any(ends.values()), f"not all ended well: {ends}"
        assert not marked(scene.mark), marked(scene.mark)
        assert str(scene.socket) not in Path("/proc/net/unix").read_text()
        left = [each.name for each in scene.socket.parent.iterdir()]
        assert left == [f"{scene.socket.name}.lock"], f"beside the socket there is {left}"
        scene.check_logs()

    def _until_tidy(self) -> None:
        """Wait until each was seen to hold what it usually does. What leaked is there for ever."""
        self._unseen = {*self._usual}
        self._until_so(self._excess, "all to hold what they held")
        self._until_so(self._zombies, "all to wait for their children")

    # ---- looking; each answers what is not so yet

    def _idle(self, before: Mapping[str, Told], again: set[str]) -> list[str]:
        """Whoever does not work; those in `again` have to begin first."""
        now = self._scene.board.look()
        return [
            name
            for name in ACTORS
            if now[name].steps < before[name].steps + STEPS
            or (
                name in again
                and (now[name].turns == before[name].turns or now[name].steps_of_turn < STEPS)
            )
        ]

    def _strange_clients(self) -> list[str]:
        """Clients that are dead, missing, or without their images."""
        pids = {self._scene.pids[name]: name for name in (*ARTISTS, "poses")}
        try:
            shown = self._scene.clients_shown()
        except IpcError as error:
            return [str(error)]
        strange = [f"process {pid} is shown" for pid in shown.keys() - pids.keys()]
        for pid, name in pids.items():
            chains = shown[pid].swapchains if pid in shown else None
            if chains != (1 if name in ARTISTS else 0):
                strange.append(f"{name} has {chains} swapchains")
        return strange

    def _excess(self) -> list[str]:
        """What anybody holds beyond what it usually does, and zombies."""
        found: list[str] = []
        pids = self._scene.pids
        for name in self._unseen & pids.keys():
            more = holdings(pids[name]) - self._usual[name]
            if name == LOCATOR:
                more -= self._left_trees
            found += [f"{name} holds {count} {kind} more" for kind, count in more.items()]
            if not more:
                self._unseen.remove(name)
        return found or sorted(self._unseen)

    def _remains(self) -> list[str]:
        """What services hold for clients when they have none."""
        pids = self._scene.pids
        return [
            f"{name} holds {kind}"
            for name in SERVICES
            for kind in holdings(pids[name])
            if any(word in kind for word in _OF_CLIENTS)
        ]

    def _restless(self) -> list[str]:
        """Who computes though nobody calls; the compositor publishes poses, and is left out."""
        pids = self._scene.pids
        before = {name: cpu_ticks(pids[name]) for name in (ACTIVATOR, LOCATOR, "kvstore")}
        time.sleep(_REST_S)
        return [
            name for name, ticks in before.items() if cpu_ticks(pids[name]) - ticks > _REST_TICKS
        ]

    def _zombies(self) -> list[str]:
        """Processes that have ended, and that their parent in the scene does not wait for."""
        names = {pid: name for name, pid in self._scene.pids.items()}
        return [f"{names[parent]} leaves {pid}" for pid, parent in zombies() if parent in names]

    def _until_so(self, missing: Callable[[], list[str]], what: str) -> None:
        """Wait until nothing is missing, and all live. Raises: AssertionError: it takes too long.

        The bound is for what never comes; nothing is measured against it.
        """
        until = time.monotonic() + PATIENCE_S
        while True:
            self._scene.check_alive()
            left = missing()
            if not left:
                return
            assert time.monotonic() < until, f"waited for {what}: {left}\n{self._scene.logs()}"
            time.sleep(_POLL_S)


def fight(plan: Iterable[tuple[str, ...]], seed: int) -> list[Blow]:
    """Kill those of `plan`, one after the other; the seed says at which moments."""
    shm = shm_names()
    with playing(random.Random(seed)) as scene:
        field = Fight(scene, seed)
        field.begin()
        try:
            for victims in plan:
                field.strike(victims)
            field.end()
        except BaseException as error:
            error.add_note(f"seed {seed}, after {len(field.blows)} blows; killed: {field.dying}")
            raise
        assert shm_names() <= shm
        return field.blows
