"""The user's units under a real systemd of that user."""

from __future__ import annotations

import pwd
from collections.abc import Iterator

import pytest

from tests.systemd import stand_in
from tests.systemd.box import Box

pytestmark = pytest.mark.systemd

SOCKET = "ipcrt-locatord.socket"
SERVICE = "ipcrt-locatord.service"
USER = "daemon"
UID = pwd.getpwnam(USER).pw_uid
RUNTIME = f"/run/user/{UID}"
DROP_INS = f"{RUNTIME}/systemd/user/{SERVICE}.d"


def systemctl(box: Box, *arguments: str) -> str:
    become = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return box.run(
        *become, "env", f"XDG_RUNTIME_DIR={RUNTIME}", "systemctl", "--user", *arguments
    ).strip()


@pytest.fixture
def user_box(box: Box) -> Iterator[Box]:
    """The box with a systemd of the user, the socket listening and the stand-in behind it."""
    box.run("systemctl", "start", f"user@{UID}.service")
    try:
        stand_in.install(box, DROP_INS)
        systemctl(box, "daemon-reload")
        systemctl(box, "start", SOCKET)
        yield box
    finally:
        box.run("systemctl", "stop", f"user@{UID}.service")
        box.run("rm", "-r", stand_in.PLACE)


def test_the_socket_is_for_the_user_alone(user_box: Box) -> None:
    paths = [f"{RUNTIME}/ipcrt", f"{RUNTIME}/ipcrt/locator"]
    assert user_box.run("stat", "--format=%a %U", *paths) == f"700 {USER}\n600 {USER}\n"


def test_activated_by_the_users_own_systemd(user_box: Box) -> None:
    seen = stand_in.connect(user_box, USER, f"{RUNTIME}/ipcrt/locator")
    assert (seen.name, seen.uid, seen.own_uid) == ("locator", UID, UID)
    assert systemctl(user_box, "show", "--property=StatusText", SERVICE) == (
        "StatusText=serving locator"
    )
    systemctl(user_box, "stop", SERVICE)
    assert systemctl(user_box, "show", "--property=Result", SERVICE) == "Result=success"
