"""A command on a terminal of its own, typed at and looked at by a test."""

from __future__ import annotations

import codecs
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Sequence
from typing import Any, Self


class Terminal:
    """Runs a command on a pseudo-terminal, as its controlling one; owns both."""

    def __init__(self, argv: Sequence[str], **environment: str) -> None:
        self._main, self._side = pty.openpty()
        self._seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *argv],  # so that Ctrl-C is a signal
            stdin=self._side,
            stdout=self._side,
            stderr=self._side,
            env={**os.environ, "TERM": "xterm", "INPUTRC": "/dev/null", **environment},
        )

    def type(self, text: str) -> None:
        """Type `text`; what the command does with it is to be expected."""
        os.write(self._main, text.encode())

    def expect(self, text: str, seconds: float = 20) -> str:
        """Read on until `text` has been shown; answer what stood before it."""
        until = time.monotonic() + seconds
        while text not in self._seen:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._main], [], [], left)[0]:
                raise AssertionError(f"{text!r} was not shown, but {self._seen!r}")
            self._seen += self._decoder.decode(os.read(self._main, 65536))
        before, _, self._seen = self._seen.partition(text)
        return before

    def modes(self) -> list[Any]:
        """Answer how the terminal is set."""
        return termios.tcgetattr(self._main)

    def rows_and_columns(self, rows: int, columns: int) -> None:
        """Make the terminal's window another size."""
        termios.tcsetwinsize(self._main, (rows, columns))

    def wait(self) -> int:
        """Answer the exit status."""
        return self._process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._main)
        os.close(self._side)
