"""Listing: the entries of a directory, a frame each, in no order.

A frame holds a map in MessagePack: `name`, a text, or bytes where it is no UTF-8; `type`, one of
`file`, `directory`, `link` and `other`; and of a file its `size` in bytes.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import msgspec

from ipcrt.objects.handle import Handle
from ipcrt.resources.data import DataSender
from ipcrt_services.resources.threads import Thread

_BATCH: Final = 64
"""Entries that are looked at while others wait for the thread."""


class Listing:
    """Walks one directory, which it owns."""

    def __init__(self, directory: Handle, thread: Thread) -> None:
        """Move `directory` here."""
        self._directory = directory
        self._thread = thread
        self._resources = ExitStack()
        self._resources.enter_context(directory)
        self._entries: Iterator[os.DirEntry[str]] | None = None

    async def send(self, to: DataSender) -> None:
        """Send all entries, then nothing. Raises: IpcError."""
        while frames := await self._thread.run(self._next, "list a directory"):
            for frame in frames:
                await to.send_frame(frame)

    def close(self) -> None:
        """Close the directory when no job uses it any more. Idempotent."""
        self._thread.post(self._resources.close)

    # ---- on the thread

    def _next(self) -> list[bytes]:
        if self._entries is None:
            scan = os.scandir(self._directory.fileno())
            self._entries = self._resources.enter_context(scan)
        found = filter(None, map(_describe, self._entries))
        return list(map(msgspec.msgpack.encode, itertools.islice(found, _BATCH)))


def type_of(mode: int) -> str:
    """Answer the word for what a file of this mode is."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def _describe(entry: os.DirEntry[str]) -> dict[str, Any] | None:
    """Tell of an entry; None where it has gone meanwhile."""
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    raw = os.fsencode(entry.name)
    try:
        name: str | bytes = raw.decode()
    except UnicodeDecodeError:
        name = raw
    told: dict[str, Any] = {"name": name, "type": type_of(status.st_mode)}
    if stat.S_ISREG(status.st_mode):
        told["size"] = status.st_size
    return told
