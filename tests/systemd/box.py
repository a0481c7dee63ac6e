"""A real systemd in namespaces of its own, by way of scripts/systemd-box."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "systemd-box"

_CANNOT_HERE = 77
_SECONDS = 90


def call(
    verb: str, *arguments: str | Path, stdin: str = "", user: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Call the script itself, whatever comes of it."""
    return subprocess.run(
        [SCRIPT, verb, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        user=user,
    )


class Box:
    """One box; the state directory must not exist yet. `close` leaves nothing of it."""

    def __init__(self, state: Path, *options: str | Path) -> None:
        """Start it, or skip the test with the reason why this machine cannot."""
        self.state = state
        result = call("up", "--state", state, *options)
        if result.returncode == _CANNOT_HERE:
            pytest.skip(result.stderr.strip())
        assert result.returncode == 0, result.stderr

    def close(self) -> None:
        """End it; a second close does nothing."""
        result = call("down", "--state", self.state)
        assert result.returncode == 0, result.stderr

    def attempt(self, *command: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever comes of it."""
        return call("run", "--state", self.state, "--", *command, stdin=stdin)

    def run(self, *command: str | Path, stdin: str = "") -> str:
        """Run a command inside, which must succeed, and return what it printed."""
        result = self.attempt(*command, stdin=stdin)
        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\n{self.journal()}"
        return result.stdout

    def python(self, source: str, user: str = "root") -> str:
        """Run Python text as a unit and user of its own inside; `source` finds the project."""
        command = ["/opt/ipcrt/bin/python", "-c", source]
        return self.run("systemd-run", "--quiet", "--wait", "--pipe", f"--uid={user}", *command)

    def write(self, path: str, text: str) -> None:
        """Write a file inside; its directories are made."""
        self.run("mkdir", "-p", str(Path(path).parent))
        self.run("tee", path, stdin=text)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` has it."""
        return self.run("systemctl", "show", "--property", name, "--value", unit).strip()

    def journal(self) -> str:
        """The end of what systemd and the units said."""
        return self.attempt("journalctl", "--no-pager", "--lines=50").stdout

    def alive(self) -> bool:
        return call("status", "--state", self.state).returncode == 0
