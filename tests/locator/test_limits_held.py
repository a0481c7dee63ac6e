"""Users who take all that they can get are refused, and told why; others do not notice."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.locator.stage import NOBODY, Daemon, Stage, let_others_in, needs_root
from tests.locator.test_hostile import BYSTANDER
from tests.support.processes import ROOT, Child, Spawner
from tests.support.waiting import wait_until

pytestmark = needs_root
UID = NOBODY.pw_uid

POLICY = """
[limits.client]
connections = 100

[[rule]]
user = [0]
open = ["*"]
register = ["*"]

[[rule]]
user = ["nobody"]
open = ["*"]
register = ["n/*"]
limits.client = { connections = 4, calls = 3, fds = 12, queued_bytes = 60000 }
limits.uid = { connections = 6, fds = 20 }
"""

LOCATORD = "import sys; from ipcrt.cli.locatord import main; sys.exit(main(sys.argv[1:]))"

# Becomes another user, does the one thing that it was told to do too much of, says what came of it,
# and stays until it is told to go.
GREEDY = """
import contextlib, os, sys, time
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import IpcError, PeerClosed, ShouldWait
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.protocol import LOCATOR_GET_IDENTITY, Locator, Outgoing
from ipcrt.objects.channel import Channel
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE
path, uid, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
kept = contextlib.ExitStack()

def last_words(channel):
    while True:
        try:
            for frame in split(memoryview(channel.read().data), 0):
                if frame[1] == EPITAPH_ORDINAL:
                    return decode_epitaph(frame[3])
        except ShouldWait:
            time.sleep(0.005)
        except PeerClosed:
            return 0

def connections():
    for count in range(100):
        try:
            kept.enter_context(connect_blocking(path))
        except IpcError as error:
            return count, type(error).__name__

def fds(locator):
    for count in range(100):
        client, server = create_endpoints(Outgoing)
        kept.enter_context(server)
        try:
            locator.proxy.register([f"n/Name{os.getpid()}x{count}"], client)
        except IpcError as error:
            return count, error.error.name

def calls(locator):
    client, server = create_endpoints(Outgoing)
    kept.enter_context(server)
    locator.proxy.register(["n/Stalled"], client)
    for count in range(10000):
        near, far = Channel.create()
        kept.enter_context(near)
        locator.proxy.open("n/Stalled", far)
        locator.proxy.get_identity()
        with contextlib.suppress(ShouldWait):
            (frame,) = split(memoryview(near.read().data), 0)
            usages = locator.proxy.get_usage().usages
            [held] = [u for u in usages if (u.holder, u.resource) == ("client", "calls")]
            return decode_epitaph(frame[3]), held.value - 1, held.limit, held.refused

def queued_bytes(locator):
    near, far = create_endpoints(Locator)
    kept.enter_context(near)
    locator.proxy.hand_over(far)
    with contextlib.suppress(ShouldWait, PeerClosed):
        for txid in range(1, 200):
            near.channel.write(encode(txid, LOCATOR_GET_IDENTITY.ordinal, FLEXIBLE, b""))
    time.sleep(0.3)
    return last_words(near.channel), locator.proxy.get_identity().identity.uid

with kept:
    if what == "connections":
        print(*connections(), flush=True)
    else:
        print(*globals()[what](kept.enter_context(connect_blocking(path))), flush=True)
    sys.stdin.readline()
"""


class Town:
    """A locator with limits, and a bystander who is somebody else."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        policy = stage.policy(POLICY)
        self.daemon: Daemon = stage.locator_from(LOCATORD, "--policy", policy, "--mode", "666")
        let_others_in(stage.path)
        stage.service()
        self._bystander = stage.spawn(BYSTANDER, stage.path)
        self.check_others()

    def greedy(self, spawn: Spawner, what: str) -> Child:
        return spawn(GREEDY, self.stage.path, UID, what)

    def check_others(self) -> None:
        self._bystander.send("how is it?")
        assert self._bystander.line() == "fine"

    def log_of(self, child: Child) -> list[str]:
        """What the locator says of a process, once it has all come."""
        return [line for line in self.daemon.log_lines(f"pid {child.pid} ") if "WARNING" in line]

    def holders(self) -> dict[str, Any]:
        """What `ipcrt inspect` tells of who holds what."""
        ended = subprocess.run(
            [sys.executable, "-m", "ipcrt.cli.main", "inspect", "--json", "ipcrt.locator/Locator"],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "IPCRT_LOCATOR": str(self.stage.path)},
            timeout=30,
        )
        told: dict[str, Any] = json.loads(ended.stdout)[0]["tree"]["locator"]
        return told

    def leave(self, *children: Child) -> None:
        for child in children:
            child.send("go")
            child.wait()
        self.check_others()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory: Path = tmp_path_factory.mktemp("town")
    with (
        contextlib.closing(Spawner()) as spawn,
        contextlib.closing(Stage(directory, spawn)) as stage,
    ):
        yield Town(stage)


def test_connections_of_a_client_and_of_its_uid(town: Town, spawn_python: Spawner) -> None:
    first = town.greedy(spawn_python, "connections")
    assert first.line() == "4 NoResources"
    second = town.greedy(spawn_python, "connections")
    assert second.line() == "2 NoResources", "of one uid"
    town.check_others()
    [line] = town.log_of(first)
    assert line.endswith(
        f"is turned away: 5 connections of client pid {first.pid} uid {UID}, limit 4"
    )
    [line] = town.log_of(second)
    assert line.endswith(f"is turned away: 7 connections of uid {UID}, limit 6")
    wait_until(lambda: town.holders()["refused"]["connections"] == 2, 20)
    told = town.holders()["holders"]
    uid, client = told[f"uid-{UID}"], told[f"uid-{UID}-pid-{first.pid}"]
    assert (uid["connections"], uid["connections_limit"], uid["connections_refused"]) == (6, 6, 1)
    assert (client["connections"], client["connections_limit"]) == (4, 4)
    assert client["connections_refused"] == 1
    assert told["uid-0"]["connections_refused"] == 0
    town.leave(first, second)


def test_descriptors_of_a_client_and_of_its_uid(town: Town, spawn_python: Spawner) -> None:
    first = town.greedy(spawn_python, "fds")
    assert first.line() == "5 TOO_MANY", "two each, and one for its channel"
    second = town.greedy(spawn_python, "fds")
    assert second.line() == "4 TOO_MANY", "of one uid"
    town.check_others()
    [line] = town.log_of(first)
    assert line.endswith(f"is refused: 13 fds of client pid {first.pid} uid {UID}, limit 12")
    [line] = town.log_of(second)
    assert line.endswith(f"is refused: 22 fds of uid {UID}, limit 20")
    town.leave(first, second)
    again = town.greedy(spawn_python, "fds")
    assert again.line() == "5 TOO_MANY", "all was given back"
    town.leave(again)


def test_calls_that_wait_for_a_service(town: Town, spawn_python: Spawner) -> None:
    child = town.greedy(spawn_python, "calls")
    status, held, limit, refused = map(int, child.line().split())
    assert (status, limit, refused) == (-3, 3, 1)  # ZX_ERR_NO_RESOURCES
    assert held == 3
    [line] = town.log_of(child)
    assert line.endswith(f"4 calls of client pid {child.pid} uid {UID}, limit 3")
    town.leave(child)


def test_bytes_that_nobody_reads(town: Town, spawn_python: Spawner) -> None:
    child = town.greedy(spawn_python, "queued_bytes")
    assert child.line() == f"-3 {UID}", "its other channel goes on"
    [line] = town.log_of(child)
    assert " is closed: " in line
    assert line.endswith(f" queued_bytes of client pid {child.pid} uid {UID}, limit 60000")
    town.leave(child)
