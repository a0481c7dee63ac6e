"""Processes that end with the one that started them."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

Stream = int | IO[Any] | None

_PR_SET_PDEATHSIG: Final = 1
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def _begin(parent: int, mask: set[int]) -> None:
    """Have the kernel kill this process when the thread that started it ends. Source: prctl(2)."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
) -> subprocess.Popen[bytes]:
    """Start a command that ends with this process; call it on the main thread.

    `environment` is added to this process's. The caller owns the process.
    """
    # What a signal's handler raises while Python forks is lost: it would not end the runner.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return subprocess.Popen(
            arguments,
            env={**os.environ, **(environment or {})},
            preexec_fn=functools.partial(_begin, os.getpid(), mask),  # noqa: PLW1509  (no threads)
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
