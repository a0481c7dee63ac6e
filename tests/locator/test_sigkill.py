"""Killing any process at any moment leaves nothing behind in those that live."""

from __future__ import annotations

import functools
import os
import random
import time

import pytest

from tests.locator.stage import Daemon, Stage
from tests.support.proc import open_fds
from tests.support.processes import Child
from tests.support.waiting import wait_until

# Told to "go", it comes and goes as a client until it is told to stop; then it says how many
# descriptors it has, and how often it went round. Whatever the locator or the service does to it
# is no reason to end.
CLIENT = """
import os, select, sys
import anyio
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect, connect_blocking
from ipcrt.locator.protocol import HandOverFailed
from tests.locator.echo import EchoBlockingProxy, EchoProxy

path, mode = sys.argv[1:]
orders = open(0, "rb", buffering=0)  # what is buffered, select does not see
rounds = 0

def stopped():
    return bool(select.select([orders], [], [], 0)[0])

def once_blocking():
    with connect_blocking(path) as locator, locator.open(EchoBlockingProxy) as echo:
        assert echo.echo("hello") == "hello"
        locator.names()
        with locator.another() as another, locator.open(EchoBlockingProxy) as second:
            another.get_identity()
            assert second.describe().pid == os.getpid()

async def call(locator, text):
    try:
        async with await locator.open(EchoProxy) as echo:
            assert await echo.echo(text) == text
    except IpcError:
        pass

async def once():
    async with connect(path) as locator:
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(call, locator, str(number))
        async with await locator.another() as another:
            await another.get_identity()

async def go_on():
    global rounds
    while not stopped():
        try:
            await once()
            rounds += 1
        except IpcError:
            await anyio.sleep(0.001)

while orders.readline():
    rounds = 0
    if mode == "blocking":
        while not stopped():
            try:
                once_blocking()
                rounds += 1
            except IpcError:
                pass
    else:
        backend = "trio" if mode == "trio" else "asyncio"
        options = {"use_uvloop": True} if mode == "uvloop" else {}
        anyio.run(go_on, backend=backend, backend_options=options)
    orders.readline()
    print(len(os.listdir("/proc/self/fd")), rounds, flush=True)
"""

MODES: tuple[str, ...] = ("blocking", "uvloop", "trio")


class Battlefield:
    """A locator, a service and clients, any of which may fall at any moment."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.chance = random.Random(seed)
        self.locator: Daemon = stage.locator()
        self.service = stage.service()
        self.clients = {mode: self._client(mode) for mode in MODES}
        self.standing: dict[str, int] = {}
        """How many descriptors each has when nothing goes on."""
        self.rounds: dict[str, int] = dict.fromkeys(MODES, 0)
        self.doomed: list[str] = []

    def _client(self, mode: str) -> Child:
        return self.stage.spawn(CLIENT, self.stage.path, mode, capture_stderr=True)

    def go(self) -> None:
        for client in self.clients.values():
            client.send("go")

    def halt(self) -> dict[str, int]:
        """Have the clients stop; answer their descriptors."""
        for client in self.clients.values():
            client.send("stop")
        answers = {mode: client.line().split() for mode, client in self.clients.items()}
        assert all(answers.values()), [client.errors() for client in self.clients.values()]
        for mode, answer in answers.items():
            self.rounds[mode] += int(answer[1])
        return {mode: int(answer[0]) for mode, answer in answers.items()}

    def strike(self) -> str:
        """Kill one process somewhere in what it does, and put another in its place.

        Whom is left to chance, but nobody twice before all have fallen once.
        """
        if not self.doomed:
            everybody = ["locator", "service", *MODES]
            self.doomed = self.chance.sample(everybody, len(everybody))
        victim = self.doomed.pop()
        time.sleep(self.chance.uniform(0, 0.03))
        if victim == "locator":
            self._kill(self.locator.child)
            assert self.stage.path.is_socket()
            self.locator = self.stage.locator(alone=False)
            assert self.service.line() == "registered"
        elif victim == "service":
            self._kill(self.service)
            self.service = self.stage.service()
        else:
            self._kill(self.clients[victim])
            self.clients[victim] = self._client(victim)
            self.clients[victim].send("go")
        return victim

    def _kill(self, child: Child) -> None:
        child.kill()
        child.wait()
        child.close()

    def check(self, clients: dict[str, int]) -> None:
        """Those that live hold what they held before anybody was killed."""
        expected = self.standing
        for mode, count in clients.items():
            assert count <= expected.setdefault(mode, count), mode
        for name, pid in (("locator", self.locator.pid), ("service", self.service.pid)):
            if name in expected:
                wait_until(functools.partial(self._is_at_rest, pid, expected[name]))
            else:
                self._settle(name, pid)
        assert self.locator.child.process.poll() is None
        assert not self.locator.log_lines("Traceback"), self.locator.log()
        assert "Traceback" not in self.service.errors(), self.service.errors()

    def _is_at_rest(self, pid: int, expected: int) -> bool:
        return len(open_fds(pid)) <= expected

    def _settle(self, name: str, pid: int) -> None:
        """The first time nothing goes on: what it holds when it holds no client."""
        held = {"locator": self.locator.idle_count + 3}
        if name in held:
            wait_until(lambda: len(open_fds(pid)) == held[name])
        else:
            wait_until(lambda: not any("pidfd" in target for target in open_fds(pid).values()))
        self.standing[name] = len(open_fds(pid))


def fight(stage: Stage, rounds: int, seed: int) -> None:
    field = Battlefield(stage, seed)
    field.go()
    field.check(field.halt())
    for number in range(rounds):
        field.go()
        inode = stage.path.stat().st_ino
        victim = field.strike()
        field.check(field.halt())
        assert victim == "locator" or stage.path.stat().st_ino == inode
        if number % 10 == 0:
            rival = stage.starting_locator()
            assert rival.wait() == 1
            assert "another process" in rival.errors()
            assert stage.path.is_socket()
    assert all(field.rounds.values()), field.rounds


def test_any_process_may_be_killed_at_any_moment(stage: Stage) -> None:
    fight(stage, len(("locator", "service", *MODES)), seed=4)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [os.getpid()])
def test_any_process_may_be_killed_at_any_moment_all_day(stage: Stage, seed: int) -> None:
    fight(stage, 200, seed)
