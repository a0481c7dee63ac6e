"""File systems that fill up."""

from __future__ import annotations

import functools
import os
import subprocess

import pytest

_SIZE = "512k"
_PREFIX = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
_MOUNT = f'mount -t tmpfs -o size={_SIZE} none "$0" && exec "$@"'


def on_small_disk(directory: str | os.PathLike[str], *command: str) -> list[str]:
    """The command that runs `command` with a disk of 512 KiB at `directory`, which it alone sees.

    Skips the test where this process may not mount.
    """
    if (reason := _obstacle()) is not None:
        pytest.skip(f"cannot mount a file system that fills up: {reason}")
    return [*_PREFIX, _MOUNT, os.fspath(directory), *command]


@functools.cache
def _obstacle() -> str | None:
    try:
        done = subprocess.run(
            [*_PREFIX, _MOUNT, "/mnt", "true"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        return str(error)
    return done.stderr.strip() or f"status {done.returncode}" if done.returncode else None
