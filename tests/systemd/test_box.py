from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Spawner
from tests.support.waiting import wait_until
from tests.systemd.box import SCRIPT, Box, call

pytestmark = pytest.mark.systemd

PRIVATE = ["/etc", "/dev", "/dev/shm", "/opt", "/run", "/tmp", "/var", "/var/lib", "/var/tmp"]


def outside() -> dict[str, object]:
    """What of the machine a box could have changed, other tests could not, and we can see."""
    listings = {name: sorted(os.listdir(name)) for name in ("/", "/etc", "/dev", "/opt", "/var")}
    return {
        **listings,
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "etc/systemd": sorted(map(str, Path("/etc/systemd").rglob("*"))),
        "name": socket.gethostname(),
        "limits": Path("/proc/sys/fs/nr_open").read_text(),
    }


def cgroup_of(box: Box) -> Iterator[Path]:
    """Wherever this machine shows the box's cgroup."""
    name = (box.state / "cgroup").read_text().strip().removeprefix("/")
    for mount in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in mount:
            yield Path(mount.split()[4]) / name


# ------------------------------------------------------------------------------------- what it is


def test_systemd_is_running_and_nothing_failed(empty_box: Box) -> None:
    assert empty_box.run("systemctl", "is-system-running").strip() == "running"
    assert empty_box.run("readlink", "/proc/1/exe").strip().endswith("/systemd")
    assert empty_box.run("systemctl", "--failed", "--legend=no") == ""


def test_what_happens_inside_is_not_seen_outside(state: Path) -> None:
    before = outside()
    box = Box(state)
    try:
        names = [f"{directory}/ipcrt-{os.getpid()}" for directory in PRIVATE]
        box.run("touch", *names)
        box.run("hostname", "elsewhere")
        box.run("mount", "-t", "tmpfs", "tmpfs", "/mnt")
        box.run("systemd-run", "--wait", "-pDynamicUser=yes", "-pStateDirectory=x", "true")
        assert not [name for name in names if Path(name).exists()]
        assert outside() == before
    finally:
        box.close()
    assert outside() == before


@pytest.mark.parametrize("path", ["/", "/usr", "/root", "/sys", "/proc/sys/kernel"])
def test_the_machine_is_read_only(empty_box: Box, path: str) -> None:
    result = empty_box.attempt("touch", f"{path}/ipcrt-test")
    assert "Read-only file system" in result.stderr or "/proc/sys" in result.stderr
    assert result.returncode == 1


def test_run_passes_on_status_input_output_and_directory(
    empty_box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/usr/lib")
    result = empty_box.attempt("sh", "-c", "cat; pwd; echo bad >&2; exit 42", stdin="in\n")
    assert (result.returncode, result.stdout, result.stderr) == (42, "in\n/usr/lib\n", "bad\n")


def test_a_killed_run_takes_its_command_along(empty_box: Box, spawn_python: Spawner) -> None:
    run = spawn_python.command(
        [str(SCRIPT), "run", "--state", str(empty_box.state), "--", "sleep", "12321"]
    )
    find = ["pgrep", "--full", "^sleep 12321"]
    wait_until(lambda: empty_box.attempt(*find).returncode == 0)
    run.kill()
    run.wait()
    wait_until(lambda: empty_box.attempt(*find).returncode == 1)


def test_two_at_once_are_strangers(empty_box: Box, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()  # an empty directory will do
    other = Box(tmp_path / "other")
    try:
        other.run("systemd-run", "--unit=mine", "sleep", "1000")
        assert other.show("mine.service", "ActiveState") == "active"
        assert empty_box.show("mine.service", "ActiveState") == "inactive"
    finally:
        other.close()
    assert empty_box.alive()


# ---------------------------------------------------------------------------------- how it ends


def test_down_leaves_nothing(state: Path) -> None:
    box = Box(state)
    cgroups = list(cgroup_of(box))
    pids = [int((state / name).read_text()) for name in ("pid", "keeper")]
    assert all(cgroup.is_dir() for cgroup in cgroups)
    box.close()
    assert not any(cgroup.exists() for cgroup in cgroups)
    assert not state.exists()
    wait_until(lambda: not any(map(is_running, pids)))  # the keeper has let go, and is exiting
    box.close()


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


STARTER = """
import subprocess, sys
subprocess.run([sys.argv[1], "up", "--state", sys.argv[2]], check=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("how", ["exit", "SIGKILL"])
def test_it_ends_with_its_starter(
    empty_box: Box, tmp_path: Path, how: str, spawn_python: Spawner
) -> None:
    """`empty_box` is here to skip where there can be none, and to live on."""
    state = tmp_path / "other"
    starter = spawn_python(STARTER, SCRIPT, state)
    assert starter.line() == str(state)
    pid = int((state / "pid").read_text())
    if how == "exit":
        starter.finish()
    else:
        starter.kill()
    wait_until(lambda: not state.exists() and not is_running(pid))
    assert empty_box.alive()


def test_it_ends_with_its_keeper_and_the_next_start_clears_up(empty_box: Box) -> None:
    cgroups = list(cgroup_of(empty_box))
    pid = int((empty_box.state / "pid").read_text())
    os.kill(int((empty_box.state / "keeper").read_text()), signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    assert not empty_box.alive()
    assert empty_box.attempt("true").returncode == 3
    again = Box(empty_box.state)
    assert again.alive()
    assert not any(cgroup.exists() for cgroup in cgroups)


def test_systemd_may_end_by_itself(empty_box: Box) -> None:
    empty_box.attempt("systemctl", "poweroff", "--force")
    wait_until(lambda: not empty_box.state.exists())


# ------------------------------------------------------------------------------- what it refuses


def test_a_second_box_in_the_same_place(empty_box: Box) -> None:
    result = call("up", "--state", empty_box.state)
    assert result.returncode == 1
    assert "a box is up already" in result.stderr
    assert empty_box.alive()


def test_directories_of_others_are_left_alone(empty_box: Box, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    assert call("down", "--state", tmp_path / "mine").returncode == 0
    assert call("up", "--state", tmp_path / "mine").returncode == 1
    assert (tmp_path / "mine" / "file").exists()


def test_a_start_that_fails_says_why_and_leaves_nothing(empty_box: Box, tmp_path: Path) -> None:
    state = tmp_path / "other"
    result = call("up", "--state", state, "--install", "--python", tmp_path / "no-python")
    assert result.returncode == 1
    assert "no-python: No such file or directory" in result.stderr
    assert not state.exists()


def test_who_is_not_root_is_told_so() -> None:
    try:
        result = call("up", user=65534 if os.geteuid() == 0 else None)
    except PermissionError:
        pytest.skip("the checkout is out of reach for others")
    assert result.returncode == 77
    assert result.stderr == "systemd-box: needs root, to make namespaces and mounts\n"


# ------------------------------------------------------------------------------------ --install


def test_installed_for_every_user(box: Box) -> None:
    """With its own libpython, though another of that name may lie in the system's place."""
    source = "import sys, ipcrt.errors; print(sys.version + ';' + ipcrt.errors.__file__)"
    version, file = box.python(source, user="daemon").split(";")
    assert version == sys.version
    assert file.startswith("/opt/ipcrt/lib/")


def test_install_from_the_systems_own_python(state: Path, tmp_path: Path) -> None:
    python, venv = "/usr/bin/python3", tmp_path / "venv"
    old = "import sys; sys.exit(sys.version_info < (3, 11))"
    if not Path(python).exists() or subprocess.run([python, "-c", old], check=False).returncode:
        pytest.skip(f"{python} is not there, or older than 3.11")
    subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True)
    box = Box(state, "--install", "--python", venv / "bin" / "python")
    try:
        source = "import sys, ipcrt.errors; print(sys.prefix, ipcrt.errors.__file__)"
        prefix, file = box.python(source, user="daemon").split()
        assert prefix == "/opt/ipcrt"
        assert file.startswith("/opt/ipcrt/lib/")
    finally:
        box.close()
