from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ipcrt.errors import Unavailable
from ipcrt.locator.connect import connect_blocking
from tests.support.forker import Forker
from tests.support.processes import ROOT, Child, Spawner
from tests.support.waiting import wait_until

IPCRT = [sys.executable, "-W", "error", "-m", "ipcrt.cli.main"]
"""The command; a handle that it forgets shows on stderr."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command did."""

    status: int
    output: str
    errors: str


class Command:
    """Runs `ipcrt` with a locator's path in its environment."""

    def __init__(self, path: Path, forker: Forker | None = None) -> None:
        self._forker = forker
        self.environment = {"PYTHONPATH": str(ROOT), "IPCRT_LOCATOR": str(path)}

    def __call__(
        self,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        seconds: float = 30,
        script: str = "",
    ) -> Ended:
        """Run it; `script` is its standard input, through a pipe."""
        words = list(map(str, arguments))
        full = {**os.environ, **self.environment, **(environment or {})}
        if self._forker is not None and self._forker.suits(full):
            ended = self._forker.run(words, full, script.encode(), seconds)
        else:
            ended = subprocess.run(
                [*IPCRT, *words],
                check=False,
                input=script.encode(),
                capture_output=True,
                env=full,
                timeout=seconds,
            )
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


@pytest.fixture
def where() -> Iterator[Path]:
    """A directory whose path is short enough for a socket's, whatever the test is called."""
    with tempfile.TemporaryDirectory(prefix="ipcrt-test-") as name:
        yield Path(name)


@pytest.fixture
def path(where: Path) -> Path:
    return where / "locator"


@pytest.fixture
def ipcrt(path: Path, forker: Forker | None) -> Command:
    return Command(path, forker)


def names_at(path: Path) -> list[str]:
    try:
        with connect_blocking(path) as locator:
            return locator.names()
    except Unavailable:
        return []


@pytest.fixture
def locator(path: Path, spawn_python: Spawner) -> Child:
    """A locator that serves at `path`."""
    child = spawn_python.module("ipcrt.locator.daemon", "--socket", path)
    wait_until(lambda: _serves(path))
    return child


def _serves(path: Path) -> bool:
    try:
        with connect_blocking(path) as client:
            client.names()
    except Unavailable:
        return False
    return True


def start_service(
    spawner: Spawner, path: Path, module: str, name: str, arguments: Sequence[object]
) -> Child:
    """Start a service and wait until the locator offers it."""
    child = spawner.module(module, *arguments, environment={"IPCRT_LOCATOR": str(path)})
    wait_until(lambda: name in names_at(path))
    return child
