"""Real child processes for tests, killed and reaped when the test ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from tests.support.forker import Forker, is_possible
from tests.support.proc import session_members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
MYPY_CACHE = ROOT / ".mypy_cache" / "tests"
"""What mypy found out in one test about the library and Python's own need not be found again."""


class Child:
    """One running child in a session of its own; stdin and stdout are pipes.

    Its stderr is this process's (pytest shows it when the test fails) unless captured.
    """

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes] | None) -> None:
        self.process = process
        self._errors = errors

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> str:
        """The child's next line on stdout without its newline; '' at end of file. Blocks."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().removesuffix("\n")

    def send(self, text: str) -> None:
        """Write `text` and a newline to the child's stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def finish(self) -> str:
        """Close stdin, wait for the end, and return the rest of stdout.

        Raises: AssertionError: the exit status is not 0.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        # Not communicate(): it would pass over what line() has buffered.
        output = self.process.stdout.read().decode()
        status = self.wait()
        assert status == 0, f"child {self.pid} ended with status {status}"
        return output

    def wait(self, seconds: float = 30.0) -> int:
        """The exit status; negative for a signal. Raises: TimeoutExpired: still running."""
        return self.process.wait(timeout=seconds)

    def errors(self) -> str:
        """What the child has written to stderr; only with `capture_stderr=True`."""
        assert self._errors is not None, "spawn it with capture_stderr=True"
        self._errors.seek(0)
        return self._errors.read().decode()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal (SIGKILL by default) to the child alone."""
        self.process.send_signal(number)

    def close(self) -> None:
        """Kill the child's whole session, reap the child and close the pipes."""
        for pid in session_members(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


_forker = pytest.StashKey[Forker]()


class Spawner:
    """Starts children and ends them all together. Tests get one as the fixture `spawn_python`.

    With a `forker`, those that it can start come from there.
    """

    def __init__(self, forker: Forker | None = None) -> None:
        self._children: list[Child] = []
        self._forker = forker

    def __call__(
        self,
        source: str,
        *arguments: object,
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        capture_stderr: bool = False,
    ) -> Child:
        """Run Python source text; `arguments` arrive in sys.argv[1:], each through str()."""
        argv = [sys.executable, "-u", "-c", source, *map(str, arguments)]
        return self.command(
            argv, pass_fds=pass_fds, environment=environment, capture_stderr=capture_stderr
        )

    def module(
        self,
        name: str,
        *arguments: object,
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        capture_stderr: bool = False,
    ) -> Child:
        """Run a module as `python -m name`, with the arguments as in a call."""
        argv = [sys.executable, "-u", "-m", name, *map(str, arguments)]
        return self.command(
            argv, pass_fds=pass_fds, environment=environment, capture_stderr=capture_stderr
        )

    def command(
        self,
        argv: Sequence[str],
        *,
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        capture_stderr: bool = False,
    ) -> Child:
        """Run any command. `environment` adds to this process's; `pass_fds` keep their numbers."""
        errors = tempfile.TemporaryFile() if capture_stderr else None  # noqa: SIM115
        full = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        process: subprocess.Popen[bytes]
        try:
            if self._forker is not None and self._forker.can_start(argv, full):
                process = self._forker.start(argv, full, pass_fds, errors)
            else:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    pass_fds=tuple(pass_fds),
                    env=full,
                    start_new_session=True,
                )
        except BaseException:
            if errors is not None:
                errors.close()
            raise
        child = Child(process, errors)
        self._children.append(child)
        return child

    def close(self) -> None:
        """End every child, newest first."""
        while self._children:
            self._children.pop().close()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the forker before any test, so that none seems to have: where it will be of use."""
    homes = [ROOT / "tests" / name for name in ("services", "locator", "cli")]
    needed = any(item.path.is_relative_to(home) for item in session.items for home in homes)
    if needed and is_possible():
        session.config.stash[_forker] = Forker(str(ROOT))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the forker."""
    if (forker := session.config.stash.get(_forker, None)) is not None:
        forker.close()


@pytest.fixture(scope="session")
def forker(pytestconfig: pytest.Config) -> Forker | None:
    """The session's forker, where it has one."""
    return pytestconfig.stash.get(_forker, None)


@pytest.fixture
def spawn_python(forker: Forker | None) -> Iterator[Spawner]:
    """Start real child processes: `spawn_python(source, *args)`, `.module(name, *args)`."""
    spawner = Spawner(forker)
    try:
        yield spawner
    finally:
        spawner.close()
