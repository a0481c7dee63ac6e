"""KvStorage: the key-value service's storage, with what a resource needs besides.

One group of changes is one commit; what fails in the middle leaves none of them.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence

from ipcrt.errors import IpcError, NotFound
from ipcrt_services.kvstore.storage import Storage, translate

_LAST = "\U0010ffff"
"""Behind every other character, in the order of UTF-8."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one key: `new` is its value then, None removes it."""

    key: str
    new: bytes | None

    expected: bytes | None = None
    """What it must be now (None: not there), where `compares`; else nothing is changed."""

    compares: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Changed:
    """What a change has found and done."""

    before: bytes | None
    done: bool


class KvStorage(Storage):
    """Owns the directory's lock and both connections, as `Storage` does."""

    def change(self, changes: Sequence[Change]) -> list[Changed | IpcError]:
        """Do changes in order, durably, in one commit; answer what each has found.

        On the writing thread. Raises: IpcError with NO_SPACE, IoError: none was done.
        """
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            done: list[Changed | IpcError] = [self._change(change) for change in changes]
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise translate(error, f"change {len(changes)} items") from error
            raise
        return done

    def _change(self, change: Change) -> Changed:
        execute = self._writer.execute
        row = execute("SELECT value FROM items WHERE key = ?", (change.key,)).fetchone()
        before: bytes | None = None if row is None else row[0]
        if change.compares and before != change.expected:
            return Changed(before, done=False)
        if change.new is not None:
            execute(
                "INSERT INTO items (key, value) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (change.key, change.new),
            )
        elif before is not None:
            execute("DELETE FROM items WHERE key = ?", (change.key,))
        return Changed(before, done=True)

    def value(self, key: str) -> bytes:
        """Answer the value under `key`. On the reading thread. Raises: NotFound, IoError."""
        found = self.read(key)
        if found is None:
            raise NotFound(f"no key {key!r:.80}")
        return found

    def keys_with(self, prefix: str, after: str, count: int) -> list[str]:
        """Answer at most `count` keys that begin with `prefix`, behind `after`, in byte order.

        On the reading thread. Raises: IoError.
        """
        query = "SELECT key FROM items WHERE key > ? AND key >= ? AND key <= ? ORDER BY key LIMIT ?"
        rows = self._query(query, after, prefix, prefix + _LAST, count)
        return [key for (key,) in rows if key.startswith(prefix)]
