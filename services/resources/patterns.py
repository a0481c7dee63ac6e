"""Patterns: which hosts and programs a server was started to serve; nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from ipcrt.errors import InvalidArgs

LOOPBACK: Final = ("localhost:*", "127.0.0.1:*", "[::1]:*")
"""What TCP is served for unless something else is said."""


class HostPatterns:
    """Patterns `HOST:PORT`: a host as it is asked for, with `*` for any letters; a port or `*`."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises: InvalidArgs: a pattern without a port."""
        self._patterns: list[tuple[str, int | None]] = []
        for pattern in patterns:
            host, _, port = pattern.rpartition(":")
            if not host or not (port == "*" or (port.isascii() and port.isdigit())):
                raise InvalidArgs(f"{pattern!r:.80} is no pattern such as example.org:443 or *:*")
            host = host.removeprefix("[").removesuffix("]").lower()
            self._patterns.append((host, None if port == "*" else int(port)))

    def allow(self, host: str, port: int) -> bool:
        """True where one of the patterns fits."""
        return any(
            fnmatchcase(host.lower(), pattern) and wanted in (None, port)
            for pattern, wanted in self._patterns
        )


class ProgramPatterns:
    """Patterns of absolute paths: `/bin/echo`, `/usr/bin/*`; a `*` never stands for a slash."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises: InvalidArgs: a pattern that is no absolute path."""
        for pattern in patterns:
            if not pattern.startswith("/"):
                raise InvalidArgs(f"{pattern!r:.80} is no absolute path")
        self._patterns = tuple(patterns)

    def allow(self, program: str) -> bool:
        """True where one of the patterns fits the absolute path, which has no `.` and `..`."""
        names = program.split("/")[1:]
        if any(name in ("", ".", "..") for name in names):
            return False
        return any(PurePosixPath(program).match(pattern) for pattern in self._patterns)
