"""The locator's life under a real systemd: restarted under its clients, ended without any."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.systemd.box import ROOT, Box

pytestmark = pytest.mark.systemd

SOCKET = "ipcrt-locatord.socket"
SERVICE = "ipcrt-locatord.service"
KVSTORE = "ipcrt-service@kvstore.service"
POLICY = "/etc/ipcrt/policy.toml"
DROP_INS = f"/run/systemd/system/{SERVICE}.d"
PLACE = "/run/ipcrt-test"

# So many processes, each with one channel that it calls on without pause, and opens a service by
# where there is one. When the file "stop" is there they tell how often, and what went wrong.
CROWD = """
import json, os, sys, traceback
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.kvstore.bindings import StoreBlockingProxy

place, count = sys.argv[1], int(sys.argv[2])

def run(number):
    calls, opened = 0, 0
    with connect_blocking() as locator:
        names = locator.names()
        open(f"{place}/there-{number}", "w").close()
        while not os.path.exists(f"{place}/stop"):
            assert locator.names() == names
            assert locator.proxy.get_identity().identity.pid == os.getpid()
            calls += 2
            if names and calls % 10 == 0:
                with locator.open(StoreBlockingProxy) as store:
                    assert store.read_item("test/key").value == b"value"
                opened += 1
    return {"calls": calls, "opened": opened}

pids = []
for number in range(count):
    pid = os.fork()
    if pid == 0:
        try:
            told = run(number)
        except BaseException:
            told = {"error": traceback.format_exc()}
        with open(f"{place}/told-{number}", "w") as file:
            json.dump(told, file)
        os._exit(0)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
print(json.dumps([json.load(open(f"{place}/told-{number}")) for number in range(count)]))
"""

WRITE = """
from ipcrt.locator.connect import connect_blocking
from ipcrt_services.kvstore.bindings import Item, StoreBlockingProxy
with connect_blocking() as locator, locator.open(StoreBlockingProxy) as store:
    store.write_item(Item("test/key", b"value"))
"""

# Comes again and again, just about when the locator ends by itself, and while it is stopped.
COMER = """
import random, subprocess, time
from ipcrt.locator.connect import connect_blocking

random.seed(SEED)
seen = []

def come():
    with connect_blocking() as locator:
        show = ["systemctl", "show", "--property=InvocationID", "--value", "%(service)s"]
        seen.append(subprocess.run(show, capture_output=True, check=True).stdout)

for _ in range(%(rounds)d):
    come()
    time.sleep(%(idle_s)s + random.uniform(-0.02, 0.08))
    come()
    stop = subprocess.Popen(["systemctl", "stop", "%(service)s"])
    time.sleep(random.uniform(0, 0.1))
    come()
    assert stop.wait() == 0
    while subprocess.run(["systemctl", "is-active", "--quiet", "%(service)s"]).returncode == 0:
        time.sleep(0.02)
print(len(seen), len(set(seen)))
"""
IDLE_S = 0.1

# Has a call on its way when the locator is killed.
CALLER = """
import subprocess, sys, threading, time
from ipcrt.errors import PeerClosed
from ipcrt.locator.connect import connect_blocking

def tell(*words):
    subprocess.run(["systemctl", "kill", *words, "%(service)s"], check=True)

with connect_blocking() as locator:
    tell("--signal=STOP")
    threading.Timer(0.2, tell, ["--signal=KILL"]).start()
    try:
        locator.names()
    except PeerClosed:
        with connect_blocking() as successor:
            print("told", successor.names())
"""


@pytest.fixture
def locator(box: Box) -> Iterator[Box]:
    """The box with the socket listening and the locator not running."""
    box.write(POLICY, (ROOT / "systemd" / "policy.toml").read_text())
    box.write(f"{PLACE}/crowd.py", CROWD)
    box.run("systemctl", "start", SOCKET)
    try:
        yield box
    finally:
        box.run("systemctl", "stop", KVSTORE, SOCKET, SERVICE)
        box.run("rm", "-rf", PLACE, POLICY, DROP_INS, "/var/lib/ipcrt", "/var/lib/private/ipcrt")
        box.run("systemctl", "daemon-reload")
        box.attempt("systemctl", "reset-failed")


@contextlib.contextmanager
def crowd(box: Box, count: int) -> Generator[list[dict[str, Any]], None, None]:
    """So many clients that call; what they tell is there when the context is left."""
    told: list[dict[str, Any]] = []
    box.run(
        *("systemd-run", "--quiet", "--unit=crowd", "--collect"),
        *(f"--property=StandardOutput=file:{PLACE}/told", "--property=Type=exec"),
        *("/opt/ipcrt/bin/python", f"{PLACE}/crowd.py", PLACE, str(count)),
    )
    try:
        there = ("find", PLACE, "-name", "there-*")
        wait_until(lambda: len(box.run(*there).splitlines()) == count, 60)
        yield told
    finally:
        box.run("touch", f"{PLACE}/stop")
        wait_until(lambda: box.attempt("systemctl", "is-active", "crowd").returncode != 0, 60)
    told.extend(json.loads(box.run("cat", f"{PLACE}/told")))
    assert [each["error"] for each in told if "error" in each] == [], box.journal()


def test_restarts_under_fifty_clients_that_call_continuously(locator: Box) -> None:
    locator.run("systemctl", "start", KVSTORE)
    locator.python(WRITE)
    with crowd(locator, 50) as told:
        pids = {locator.show(SERVICE, "MainPID")}
        for _ in range(3):
            locator.run("systemctl", "restart", SERVICE)
            pids.add(locator.show(SERVICE, "MainPID"))
            assert locator.show(SERVICE, "NFileDescriptorStore") == "0"
            locator.run("sleep", "0.3")
    assert len(pids) == 4
    assert len(told) == 50
    assert all(each["calls"] and each["opened"] for each in told)
    assert locator.show(SERVICE, "Result") == "success"


def test_clients_wait_for_a_locator_that_does_not_start(locator: Box) -> None:
    """Its policy is not good; when it is, whom the last one served is served again."""
    with crowd(locator, 2) as told:
        good = locator.run("cat", POLICY)
        locator.write(POLICY, "nonsense")
        assert locator.attempt("systemctl", "restart", SERVICE).returncode == 1
        wait_until(lambda: int(locator.show(SERVICE, "NRestarts")) > 0, 30)
        locator.write(POLICY, good)
        wait_until(lambda: locator.show(SERVICE, "ActiveState") == "active", 30)
    assert all(each["calls"] for each in told)


def test_a_call_to_a_locator_that_is_killed_fails_at_once(locator: Box) -> None:
    assert locator.python(CALLER % {"service": SERVICE}) == "told []\n"
    assert locator.show(SERVICE, "NRestarts") == "1"


def test_the_store_is_as_large_as_the_locator_is_told(locator: Box) -> None:
    command = locator.show(SERVICE, "ExecStart")
    (told,) = re.findall(r"--fd-store (\d+)", command)
    assert locator.show(SERVICE, "FileDescriptorStoreMax") == told


@pytest.mark.parametrize(
    "times", [1, pytest.param(34, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_no_connection_is_lost_however_it_ends(locator: Box, times: int) -> None:
    """It ends unused three times as often, and is stopped; each client starts the next."""
    locator.write(f"{DROP_INS}/idle.conf", f"[Service]\nEnvironment=IDLE_EXIT_S={IDLE_S}\n")
    locator.run("systemctl", "daemon-reload")
    source = COMER % {"service": SERVICE, "rounds": 3, "idle_s": IDLE_S}
    for seed in range(times):
        came, served_by = map(int, locator.python(f"SEED = {seed}\n{source}").split())
        assert came == 9
        assert served_by >= 3
    wait_until(lambda: locator.show(SERVICE, "ActiveState") == "inactive")
    assert locator.show(SERVICE, "Result") == "success"
    assert locator.show(SERVICE, "NRestarts") == "0"
    assert locator.show(SOCKET, "SubState") == "listening"
