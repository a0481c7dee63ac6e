"""A scene of real processes: activator and locator, services, and actors who never pause.

1. Each is started as a supervisor starts it, and dies with this process.
2. Who loses its parent becomes our child (PR_SET_CHILD_SUBREAPER): so nobody is overlooked, and
   whoever ends is reaped by the one who has to.
3. A service that finds no locator when it starts ends with status 1, and is started again.
Source: prctl(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from ipcrt.locator.connect import SOCKET_VARIABLE, connect_blocking
from ipcrt.locator.spawn_with_parent import die_with_parent
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.monado.bindings import ClientInfo, MonadoBlockingProxy, Refused
from ipcrt_services.monado.settings import FILE
from tests.soak.cast import ACTIVATOR, ACTORS, LOCATOR, SERVICES
from tests.soak.tally import Board
from tests.support.proc import child_processes
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

MARK: Final = "IPCRT_SOAK"
LOOPS: Final = ("asyncio", "trio", "uvloop")
PATIENCE_S: Final = 20.0
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_GET_CHILD_SUBREAPER: Final = 37
_SETTINGS: Final = "view_width = 64\nview_height = 64\nrate_hz = 60\ncompose_every = 1\n"

_libc = ctypes.CDLL(None, use_errno=True)


class Scene:
    """All processes, by name; the locator is the activator's child, the others are ours."""

    def __init__(self, directory: Path, chance: random.Random) -> None:
        """Whoever awaits does so on an event loop of `chance`'s choice."""
        self.directory = directory
        self.socket = directory / "run" / "locator"
        self.board = Board(directory / "tally", ACTORS)
        self.mark = f"{MARK}={directory}"
        self._loops = {name: chance.choice(LOOPS) for name in (*SERVICES, *ACTORS)}
        self.may_lack_locator = False
        """Whether rule 3 may be needed now."""
        self._strangers = {*child_processes()}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for service in SERVICES:
            (directory / service).mkdir()
        (directory / "monado" / FILE).write_text(_SETTINGS)

    # ---- starting

    def start(self, name: str) -> None:
        """Start one of those that are ours. What it says is added to its log."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._command(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    SOCKET_VARIABLE: str(self.socket),
                    MARK: str(self.directory),
                },
                start_new_session=True,
                # Safe: this process has one thread.
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509
            )

    def _command(self, name: str) -> list[str]:
        python = [sys.executable, "-u", "-m"]
        if name == ACTIVATOR:
            activate = [*python, "ipcrt.cli.main", "activate", "--socket", str(self.socket)]
            return [*activate, "--", *python, "ipcrt.locator.daemon"]
        if name in SERVICES:
            service = [f"ipcrt_services.{name}", "--loop", self._loops[name]]
            return [*python, *service, "--directory", str(self.directory / name)]
        place = str(self.board.place(name))
        return [*python, "tests.soak.actor", name, str(self.board.path), place, self._loops[name]]

    def start_all(self) -> None:
        """Start everybody."""
        self.start(ACTIVATOR)
        wait_until(self.socket.is_socket, PATIENCE_S)
        for name in (*SERVICES, *ACTORS):
            self.start(name)

    # ---- looking

    def log(self, name: str) -> Path:
        """Answer where it is written what `name` says; the locator shares the activator's."""
        return self.directory / f"{name}.log"

    @property
    def pids(self) -> dict[str, int]:
        """Who runs, and as which process; the locator only once somebody has connected."""
        found = {name: popen.pid for name, popen in self._running.items()}
        if ACTIVATOR in found:
            for pid, name in child_processes(found[ACTIVATOR]).items():
                if "dead" not in name:
                    found[LOCATOR] = pid
        return found

    def check_alive(self) -> None:
        """Raises: AssertionError: somebody ended unasked (rule 3)."""
        for name, popen in list(self._running.items()):
            status = popen.poll()
            if status == 1 and name in SERVICES and self.may_lack_locator:
                self.start(name)
            else:
                assert status is None, f"{name} ended with {status}:\n{self.tail(name)}"

    def check_logs(self) -> None:
        """Raises: AssertionError: somebody has written a traceback."""
        for name in (ACTIVATOR, *SERVICES, *ACTORS):
            assert b"Traceback" not in self.log(name).read_bytes(), self.tail(name)

    def tail(self, name: str) -> str:
        """Answer what a process said last."""
        return self.log(name).read_text(errors="replace")[-4000:]

    def logs(self) -> str:
        """Answer the last words of all."""
        return "".join(f"---- {name}\n{self.tail(name)[-600:]}\n" for name in self._running)

    def clients_shown(self) -> dict[int, ClientInfo]:
        """Answer the compositor's clients by their processes, this one left out."""
        with BlockingPort() as port:
            with connect_blocking(self.socket, port=port) as locator:
                monado = locator.open(MonadoBlockingProxy)
            with monado:
                found: dict[int, ClientInfo] = {}
                clients = monado.system_get_clients()
                for number in clients.ids:
                    with contextlib.suppress(Refused):  # it goes just now
                        if number != clients.own:
                            info = monado.system_get_client_info(number).info
                            assert info.pid not in found, f"two clients are {info.pid}"
                            found[info.pid] = info
                return found

    # ---- ending

    def kill(self, name: str) -> None:
        """Send SIGKILL; see `bury`."""
        os.kill(self.pids[name], signal.SIGKILL)

    def bury(self, name: str) -> None:
        """Wait for the end of one that was killed."""
        if name != LOCATOR:  # which the activator waits for
            status = self._running.pop(name).wait(PATIENCE_S)
            fine = {-signal.SIGKILL, 1} if self.may_lack_locator else {-signal.SIGKILL}
            assert status in fine, f"{name} ended with {status} before it was killed"

    def reap_orphans(self) -> list[int]:
        """Wait for those who have lost their activator; answer with which status they ended."""
        return [self._reap(pid) for pid in self._orphans()]

    def _orphans(self) -> list[int]:
        known = {*self._strangers, *(popen.pid for popen in self._running.values())}
        return [pid for pid in child_processes() if pid not in known]

    def _reap(self, pid: int) -> int:
        until = time.monotonic() + PATIENCE_S
        while True:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < until, f"the orphaned locator {pid} goes on"
            time.sleep(0.002)

    def end_actors(self) -> None:
        """Kill all actors."""
        for name in ACTORS:
            self.kill(name)
        for name in ACTORS:
            self.bury(name)

    def end_others(self) -> dict[str, int]:
        """Ask services and activator to end; answer with which status they did."""
        ends: dict[str, int] = {}
        for name in (*SERVICES, ACTIVATOR):
            popen = self._running.pop(name)
            popen.terminate()
            ends[name] = popen.wait(PATIENCE_S)
        return ends

    def close(self) -> None:
        """Kill whoever is left, and reap all; idempotent."""
        for popen in self._running.values():
            popen.kill()
            popen.wait()
        self._running.clear()
        for pid in self._orphans():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.board.close()


@contextmanager
def playing(chance: random.Random) -> Generator[Scene, None, None]:
    """Start everybody in a directory of their own; kill all that is left on leaving."""
    with tempfile.TemporaryDirectory(prefix="ipcrt-soak-") as directory:
        before = _subreaper()
        _set_subreaper(1)
        scene = Scene(Path(directory), chance)
        try:
            scene.start_all()
            yield scene
        finally:
            scene.close()
            _set_subreaper(before)


def _set_subreaper(value: int) -> None:
    assert _libc.prctl(_PR_SET_CHILD_SUBREAPER, value, 0, 0, 0) == 0


def _subreaper() -> int:
    value = ctypes.c_int()
    assert _libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(value), 0, 0, 0) == 0
    return value.value
