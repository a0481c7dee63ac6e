"""The locator's daemon as a benchmark starts it: by itself, or on the first connection."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from typing import Final

from ipcrt.errors import Unavailable
from ipcrt.locator.connect import connect_blocking
from scripts.bench.perf import beside
from scripts.bench.perf.catalogue import ROOT

DEADLINE_S: Final = 10.0
CLIENTS: Final = "4096"
_DAEMON: Final = ("ipcrt.cli.locatord", "--max-clients", CLIENTS, "--max-clients-per-uid", CLIENTS)


@contextlib.contextmanager
def directory() -> Generator[str]:
    """Answer a socket's path in a directory that is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as where:
        yield f"{where}/locator"


@contextlib.contextmanager
def running(path: str) -> Generator[int]:
    """Answer the process of a daemon that serves there, and ends with the context."""
    with _started([sys.executable, "-m", *_DAEMON, "--socket", path]) as process:
        until = time.monotonic() + DEADLINE_S
        while True:
            try:
                with connect_blocking(path, timeout=DEADLINE_S):
                    break
            except Unavailable:
                if process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.01)
        yield process.pid


@contextlib.contextmanager
def activated(path: str) -> Generator[None]:
    """Have `ipcrt activate` listen there, with a daemon to start on the first connection."""
    activate = [sys.executable, "-m", "ipcrt.cli.main", "activate", "--socket", path, "--"]
    daemon = [sys.executable, "-m", *_DAEMON]
    with _started([*activate, *daemon], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        if not select.select([process.stderr], [], [], DEADLINE_S)[0]:
            raise TimeoutError("ipcrt activate does not listen")
        said = process.stderr.readline()
        if b"listening" not in said:
            raise RuntimeError(f"ipcrt activate: {said.decode(errors='replace').strip()}")
        yield


@contextlib.contextmanager
def _started(
    arguments: list[str], stderr: int = subprocess.DEVNULL
) -> Generator[subprocess.Popen[bytes]]:
    """Run a command; it is told to end, and killed if it does not."""
    environment = {"PYTHONPATH": str(ROOT)}
    process = beside.start(arguments, environment, stdout=subprocess.DEVNULL, stderr=stderr)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
