"""The shipped units, with a drop-in that swaps the daemon for one that tells what it sees."""

from __future__ import annotations

import pwd
from collections.abc import Iterator

import pytest

from tests.support.waiting import wait_until
from tests.systemd import stand_in
from tests.systemd.box import Box
from tests.systemd.stand_in import connect

pytestmark = pytest.mark.systemd

SOCKET = "ipcrt-locatord.socket"
SERVICE = "ipcrt-locatord.service"
DROP_INS = f"/run/systemd/system/{SERVICE}.d"


@pytest.fixture
def locator(box: Box) -> Iterator[Box]:
    """The box with the socket listening and the stand-in behind it."""
    stand_in.install(box, DROP_INS)
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "start", SOCKET)
    try:
        yield box
    finally:
        box.run("systemctl", "stop", SOCKET, SERVICE)
        stand_in.remove(box, DROP_INS)
        box.run("systemctl", "daemon-reload")
        box.attempt("systemctl", "reset-failed", SERVICE)


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


@pytest.mark.parametrize("user", ["root", "daemon", "nobody"])
def test_a_client_is_known_by_its_uid_and_its_unit(locator: Box, user: str) -> None:
    seen = connect(locator, user)
    assert seen.uid == pwd.getpwnam(user).pw_uid
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
