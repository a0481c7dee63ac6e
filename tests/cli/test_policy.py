from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import IPCRT, Command
from tests.support.processes import ROOT, Spawner

POLICY = """\
# who sees what
[limits.client]
connections = 64

[[rule]]
user = [0]
open = ["*"]

[[rule]]
user = ["nobody"]
group = ["nogroup", 4242]
open = ["ipcrt.kvstore/*"]
limits.uid.fds = 9

[[rule]]
cgroup = ["/user.slice/*"]
unit = ["x.service"]
register = ["ipcrt.kvstore/*"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    where = tmp_path / "policy.toml"
    where.write_text(POLICY)
    return where


def test_allowed_by_which_rule(ipcrt: Command, file: Path) -> None:
    ended = ipcrt(
        *("policy", "explain", "--policy", file, "--user", "65534", "--group", "4242"),
        *("--unit", "y.service", "open", "ipcrt.kvstore/Store"),
    )
    assert (ended.status, ended.errors) == (0, "")
    first, client, by, *others = ended.output.splitlines()
    assert first == "allowed: open ipcrt.kvstore/Store"
    assert client.startswith("  client: uid 65534 (nobody), groups 4242, 65534")
    assert client.endswith("unit y.service, cgroup none")
    assert by == f"  by rule 2 ({file}:9): 'ipcrt.kvstore/*'"
    assert others == [
        f"  not by rule 1 ({file}:5): it does not hold: uid 65534 is not user 0",
        (
            f"  not by rule 3 ({file}:15): it does not hold: it runs in unit 'y.service', not in "
            "x.service; it runs in no cgroup, not in /user.slice/*; it grants no open"
        ),
        "  limits of its client: connections 64",
        "  limits of its uid: fds 9",
    ]


def test_denied_and_why(ipcrt: Command, file: Path) -> None:
    ended = ipcrt(
        *("policy", "explain", "--policy", file, "--user", "nobody", "open", "ipcrt.files/Files")
    )
    assert (ended.status, ended.errors) == (1, "")
    assert ended.output.startswith("denied: open ipcrt.files/Files\n")
    assert (
        f"not by rule 2 ({file}:9): it holds, but 'ipcrt.files/Files' is not like "
        "'ipcrt.kvstore/*'\n" in ended.output
    )
    assert "what is not granted is denied" in ended.output
    assert "\x1b" not in ended.output, "colour only on terminals"


def test_a_process_that_is_there(ipcrt: Command, file: Path, spawn_python: Spawner) -> None:
    source = "import os,sys;os.setgroups([4242]);os.setgid(7);os.setuid(65534);print();input()"
    if os.geteuid():
        pytest.skip("only root may become somebody else")
    child = spawn_python(source)
    child.line()
    ended = ipcrt(
        *("policy", "explain", "--policy", file, "--json", "--pid", child.pid),
        *("open", "ipcrt.kvstore/Store"),
    )
    assert (ended.status, ended.errors) == (0, "")
    told = json.loads(ended.output)
    assert told["allowed"] is True
    assert told["client"]["uid"] == 65534
    assert told["client"]["groups"] == [7, 4242]
    assert [each["line"] for each in told["rules"] if not each["reasons"]] == [9]


def test_a_process_that_is_gone(ipcrt: Command, file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    ended = ipcrt("policy", "explain", "--policy", file, "--pid", gone.pid, "open", "a/B")
    assert ended.status == 1
    assert ended.errors == f"ipcrt: process {gone.pid} is not there (NOT_FOUND)\n"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--user", "nobody", "see", "a/B"], "'see' is none of open, register, inspect"),
        (["--pid", "1", "--user", "nobody", "open", "a/B"], "--pid says all about the client"),
        (["--group", "no-such-group", "open", "a/B"], "there is no group 'no-such-group'"),
    ],
)
def test_misuse(ipcrt: Command, file: Path, arguments: list[str], says: str) -> None:
    ended = ipcrt("policy", "explain", "--policy", file, *arguments)
    assert (ended.status, ended.output) == (2, "")
    assert says in ended.errors


def test_unknown_users_are_not_explained(ipcrt: Command, file: Path) -> None:
    ended = ipcrt("policy", "explain", "--policy", file, "--user", "no-such-user", "open", "a/B")
    assert (ended.status, ended.output) == (1, "")
    assert "there is no user 'no-such-user'" in ended.errors


@pytest.mark.parametrize(
    "no_colour, begins",
    [("", b"\x1b[1;32mallowed\x1b[0m: open a/B\r\n"), ("1", b"allowed: open a/B\r\n")],
)
def test_colour_on_a_terminal(file: Path, no_colour: str, begins: bytes) -> None:
    master, slave = pty.openpty()
    try:
        subprocess.run(
            [*IPCRT, "policy", "explain", "--policy", str(file), "--user", "0", "open", "a/B"],
            stdout=slave,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": no_colour},
            timeout=30,
        )
        assert os.read(master, 4096).startswith(begins)
    finally:
        os.close(master)
        os.close(slave)


def test_a_good_policy_is_checked(ipcrt: Command, file: Path) -> None:
    ended = ipcrt("policy", "check", file)
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output == f"{file}: 3 rules, 0 warnings\n"
    told = json.loads(ipcrt("policy", "check", file, "--json").output)
    assert told == {"policy": str(file), "error": None, "warnings": []}


def test_the_installed_policy_is_good(ipcrt: Command) -> None:
    shipped = ROOT / "systemd" / "policy.toml"
    assert ipcrt("policy", "check", shipped).output == f"{shipped}: 3 rules, 0 warnings\n"


def test_warnings_have_their_lines(ipcrt: Command, file: Path) -> None:
    file.write_text(POLICY + '[[rule]]\nopen = ["a/*"]\nuser = ["no-such-user"]\n')
    ended = ipcrt("policy", "check", file)
    assert ended.status == 0
    first, last = ended.output.splitlines()
    assert first == f"{file}:21: warning: there is no user 'no-such-user' now"
    assert last == f"{file}: 4 rules, 1 warnings"
    told = json.loads(ipcrt("policy", "check", file, "--json").output)
    assert told["warnings"] == [{"line": 21, "text": "there is no user 'no-such-user' now"}]


@pytest.mark.parametrize(
    "text, says",
    [
        ('[[rule]]\nopen = ["a/*"]\nusr = ["x"]\n', "`usr` - at `$.rule[0]` (line 3)"),
        ("[[rule]\n", "(at line 1, column 7)"),
        ("[limits.uid]\n\nfds = 0\n", "`$.limits.uid.fds` (line 3)"),
    ],
)
def test_what_a_locator_would_refuse(ipcrt: Command, file: Path, text: str, says: str) -> None:
    file.write_text(text)
    ended = ipcrt("policy", "check", file)
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors.startswith(f"ipcrt: policy {file}: ")
    assert says in ended.errors
    machine = ipcrt("policy", "check", file, "--json")
    assert machine.status == 1
    assert says in json.loads(machine.output)["error"]
