"""Programs that stand in a page of documentation: written to a directory, and run there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect_blocking
from tests.support.processes import MYPY_CACHE, ROOT, Child, Spawner
from tests.support.waiting import wait_until

BIN = Path(sys.executable).parent


def blocks(language: str, page: str) -> list[str]:
    """Answer a page's blocks of code, without their fences."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def section(title: str, page: str) -> str:
    """Answer what stands beneath a heading of the second level."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


class House:
    """A directory with a page's contract and programs; a locator's path in the environment."""

    def __init__(self, directory: Path, spawner: Spawner) -> None:
        self.directory = directory
        self._spawner = spawner
        self.locator = str(directory / "run" / "locator")
        self.environment = {
            "IPCRT_LOCATOR": self.locator,
            "MYPY_CACHE_DIR": str(MYPY_CACHE / "strict"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}",
        }

    def write(self, *sources: str) -> list[str]:
        """Write files whose first line says how they are called; answer their names."""
        names = [source.splitlines()[0].lstrip("#/ ") for source in sources]
        for name, source in zip(names, sources, strict=True):
            (self.directory / name).write_text(source)
        return names

    def start(self, *command: str, capture_stderr: bool = False) -> Child:
        """Start a command that goes on; it ends with the test's other children."""
        words = ["sh", "-c", f'cd {self.directory}; exec "$@"', "sh", *command]
        return self._spawner.command(
            words, environment=self.environment, capture_stderr=capture_stderr
        )

    def run(self, *command: str) -> str:
        """Answer what a command prints, which must succeed and complain of nothing."""
        ended = subprocess.run(
            command,
            check=False,
            cwd=self.directory,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=50,  # mypy that has to read everything, on a busy machine
        )
        assert (ended.returncode, ended.stderr) == (0, ""), f"{ended.stdout}{ended.stderr}"
        return ended.stdout

    def until_offered(self, *names: str) -> None:
        """Wait for the locator, and for services that offer `names`."""

        def offered() -> bool:
            with contextlib.suppress(IpcError), connect_blocking(self.locator) as locator:
                return set(names) <= set(locator.names())
            return False

        wait_until(offered)


@contextlib.contextmanager
def short_house(name: str, spawner: Spawner) -> Generator[House, None, None]:
    """A house whose path is short, as a socket's must be; gone at the end."""
    directory = Path("/tmp") / f"ipcrt-{name}-{os.getpid()}"
    directory.mkdir()
    try:
        yield House(directory, spawner)
    finally:
        shutil.rmtree(directory)
