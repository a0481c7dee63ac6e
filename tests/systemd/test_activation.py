"""The shipped units, with a drop-in that swaps the daemon for one that tells what it sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tests.systemd.box import Box

pytestmark = pytest.mark.systemd

SOCKET = "ipcrt-locatord.socket"
SERVICE = "ipcrt-locatord.service"
DROP_INS = f"/run/systemd/system/{SERVICE}.d"

# Answers each connection with what it knows of the client and of itself.
DAEMON = """
import json, os, select, signal, socket, struct
from ipcrt.locator.activation import inherited_sockets
from ipcrt.locator.notify import Notifier

notifier = Notifier.from_environment()
(inherited,) = inherited_sockets()
wake, waker = os.pipe()
os.set_blocking(waker, False)
signal.set_wakeup_fd(waker)
signal.signal(signal.SIGTERM, lambda *_: None)
notifier.status("serving " + inherited.name)
notifier.ready()

def attempt(look):
    try:
        return look()
    except OSError as error:
        return type(error).__name__

def seen(client):
    cred = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, gid = struct.unpack("iII", cred)
    return {
        "name": inherited.name, "uid": uid, "gid": gid, "served_by": os.getpid(),
        "own_uid": os.getuid(), "watchdog_us": notifier.watchdog_interval_us,
        "cgroup": attempt(lambda: open(f"/proc/{pid}/cgroup").read().splitlines()[-1]),
        "variables": sorted({"LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC"} & set(os.environ)),
    }

while wake not in (ready := select.select([inherited.socket, wake], [], [])[0]):
    client, _ = inherited.socket.accept()
    with client:
        client.send(json.dumps(seen(client)).encode())
notifier.status("stopped by signal")
notifier.stopping()
"""

CLIENT = """
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
    client.connect("/run/ipcrt/locator")
    print(client.recv(10000).decode())
"""


@dataclass
class Seen:
    name: str
    uid: int
    gid: int
    served_by: int
    own_uid: int
    watchdog_us: int
    cgroup: str
    variables: list[str]


@pytest.fixture
def locator(box: Box) -> Iterator[Box]:
    """The box with the socket listening and the stand-in behind it."""
    box.write("/run/ipcrt-test/daemon.py", DAEMON)
    box.write(
        f"{DROP_INS}/daemon.conf",
        "[Service]\nExecStart=\nExecStart=/opt/ipcrt/bin/python /run/ipcrt-test/daemon.py\n",
    )
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", SOCKET)
    try:
        yield box
    finally:
        box.run("systemctl", "stop", SOCKET, SERVICE)
        box.run("rm", "-r", DROP_INS, "/run/ipcrt-test")
        box.run("systemctl", "daemon-reload")
        box.attempt("systemctl", "reset-failed", SERVICE)


def connect(box: Box, user: str = "root") -> Seen:
    answer: dict[str, Any] = json.loads(box.python(CLIENT, user))
    return Seen(**answer)


def override(box: Box, setting: str) -> None:
    box.write(f"{DROP_INS}/setting.conf", f"[Service]\n{setting}\n")
    box.run("systemctl", "daemon-reload")


def test_the_first_connection_starts_it_with_a_named_socket(locator: Box) -> None:
    assert locator.show(SERVICE, "ActiveState") == "inactive"
    seen = connect(locator)
    assert seen.name == "locator"
    assert seen.variables == []
    assert seen.served_by == int(locator.show(SERVICE, "MainPID"))
    assert seen.own_uid not in {0, 65534}


def test_readiness_status_and_watchdog_reach_systemd(locator: Box) -> None:
    assert locator.show(SERVICE, "Type") == "notify"
    seen = connect(locator)
    assert locator.show(SERVICE, "ActiveState") == "active"
    assert locator.show(SERVICE, "StatusText") == "serving locator"
    assert seen.watchdog_us == 30_000_000


def test_stop_is_clean_and_the_next_connection_starts_it_again(locator: Box) -> None:
    first = connect(locator)
    locator.run("systemctl", "stop", SERVICE)
    assert locator.show(SERVICE, "ActiveState") == "inactive"
    assert locator.show(SERVICE, "Result") == "success"
    assert locator.show(SERVICE, "ExecMainStatus") == "0"
    assert locator.show(SOCKET, "SubState") == "listening"
    second = connect(locator)
    assert second.served_by != first.served_by


def test_a_killed_daemon_is_replaced(locator: Box) -> None:
    first = connect(locator)
    locator.run("systemctl", "kill", "--signal=KILL", SERVICE)
    assert connect(locator).served_by != first.served_by
    wait_until(lambda: locator.show(SERVICE, "ActiveState") == "active")


@pytest.mark.parametrize("user, uid", [("root", 0), ("daemon", 1), ("nobody", 65534)])
def test_a_client_is_known_by_its_uid_and_its_unit(locator: Box, user: str, uid: int) -> None:
    seen = connect(locator, user)
    assert seen.uid == uid
    assert seen.cgroup.startswith("0::/system.slice/run-")


def test_a_user_namespace_would_hide_who_the_client_is(locator: Box) -> None:
    """Why the unit says PrivateUsers=no."""
    override(locator, "PrivateUsers=yes")
    assert connect(locator, "daemon").uid == 65534


def test_a_stricter_proc_would_hide_the_clients_unit(locator: Box) -> None:
    """Why the unit says ProtectProc=default."""
    override(locator, "ProtectProc=invisible")
    assert connect(locator, "daemon").cgroup == "FileNotFoundError"


def test_a_daemon_that_hangs_is_killed_by_the_watchdog(locator: Box) -> None:
    override(locator, "WatchdogSec=100ms\nRestart=no")
    connect(locator)
    wait_until(lambda: locator.show(SERVICE, "Result") == "watchdog")
