from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.systemd.box import ROOT, Box

pytestmark = pytest.mark.systemd

SERVICES = [
    "ipcrt-locatord.service",
    "ipcrt-service@kvstore.service",
    "ipcrt-service@files.service",
]
EXPOSURE_LIMIT = 2.0


def test_the_systems_units_are_clean(box: Box) -> None:
    result = box.attempt("systemd-analyze", "verify", "ipcrt-locatord.socket", *SERVICES)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_users_units_are_clean(box: Box) -> None:
    units = [f"/etc/systemd/user/ipcrt-locatord.{kind}" for kind in ("socket", "service")]
    command = ["env", "XDG_RUNTIME_DIR=/run", "systemd-analyze", "--user", "verify", *units]
    result = box.attempt(*command)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", ["ipcrt-locatord.service", "ipcrt-service@.service"])
def test_services_are_hardly_exposed(unit: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--json=short"]
    limit = f"--threshold={EXPOSURE_LIMIT * 10:.0f}"
    result = subprocess.run(
        [*command, limit, ROOT / "systemd" / unit], capture_output=True, text=True, check=False
    )
    failing = [check for check in json.loads(result.stdout or "[]") if check["set"] is False]
    assert result.returncode == 0, (result.stderr, failing)


def test_every_unit_is_installed_as_it_is(box: Box) -> None:
    shipped = {path.name: path.read_text() for path in (ROOT / "systemd").glob("*.*")}
    assert shipped
    for name, text in shipped.items():
        assert box.run("cat", f"/etc/systemd/system/{name}") == text


def test_the_socket_is_for_everyone_and_the_directory_for_root(box: Box) -> None:
    box.run("systemctl", "start", "ipcrt-locatord.socket")
    try:
        modes = box.run("stat", "--format=%a %U", "/run/ipcrt", "/run/ipcrt/locator")
        assert modes == "755 root\n666 root\n"
    finally:
        box.run("systemctl", "stop", "ipcrt-locatord.socket")
    assert box.attempt("test", "-e", "/run/ipcrt/locator").returncode == 1
