"""Storage: the items of one directory, in SQLite. It blocks, and knows no event loop.

1. What `write` answered for is durable: write-ahead log, synchronous=FULL, one commit a call.
2. All of a call's items are stored, or none: a failed commit leaves the storage as it was.
3. One process at a time: an flock, which the kernel drops with the process, however it dies.
4. One thread writes and one reads, each on a connection of its own; neither waits for the other.
Source: sqlite.org, "Write-Ahead Logging" and "PRAGMA synchronous"; flock(2).
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Final, Self, TypeVar

from ipcrt.errors import (
    AlreadyExists,
    IoError,
    IpcError,
    NotSupported,
    Status,
    from_oserror,
)
from ipcrt.objects.handle import Handle

T = TypeVar("T")

DATABASE: Final = "items.sqlite3"
LOCK: Final = "lock"
SCHEMA_VERSION: Final = 1

_APPLICATION_ID: Final = 0x69706B76
"""Says in the file's header whose database it is: "ipkv"."""

# Not WITHOUT ROWID: the index over the keys then holds keys alone, and a page of them is one walk.
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE items (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value BLOB NOT NULL);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
_CHUNKS: Final = (128, 16, 1)
"""Rows of one statement. Each statement gives up the interpreter's lock, so few of them; and each
length has to be compiled, so few lengths."""

_log: Final = logging.getLogger("ipcrt.kvstore")


class Storage:
    """Owns the directory's lock and both connections."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """Open the items in `directory`, which must exist; make them where there are none.

        Raises: AlreadyExists: another process has them open. NotSupported: a later version made
        them. IoError, NotFound, AccessDenied, IpcError with NO_SPACE.
        """
        path = os.path.join(directory, DATABASE)
        with ExitStack() as stack:
            stack.enter_context(_lock(os.path.join(directory, LOCK)))
            _create(path).close()
            self._writer = _connect(path)
            stack.callback(self._writer.close)
            try:
                _prepare(self._writer, path)
                self._reader = _connect(path)
                stack.callback(self._reader.close)
                self._reader.execute("PRAGMA query_only = ON")
            except sqlite3.Error as error:
                raise translate(error, f"open {path}") from error
            self._resources = stack.pop_all()

    # ---- the writing thread

    def write(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Store each item whose key is free, in order, in one commit; answer which were stored.

        Raises: IpcError with NO_SPACE, IoError: none was stored, unless the disk lies.
        """
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            stored = self._insert(items)
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise translate(error, f"store {len(items)} items") from error
            raise
        return stored

    def _insert(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        taken: set[str] = set()
        for keys in _chunks([key for key, _ in items]):
            places = ",".join("?" * len(keys))
            query = f"SELECT key FROM items WHERE key IN ({places})"
            taken.update(key for (key,) in self._writer.execute(query, keys))
        stored: list[bool] = []
        new: list[tuple[str, bytes]] = []
        for item in items:
            stored.append(item[0] not in taken)
            if stored[-1]:  # of equal keys the first wins
                taken.add(item[0])
                new.append(item)
        for rows in _chunks(new):
            places = ",".join(["(?,?)"] * len(rows))
            columns = [column for row in rows for column in row]
            self._writer.execute(f"INSERT INTO items (key, value) VALUES {places}", columns)
        return stored

    def _roll_back(self) -> None:
        """End a transaction that failed; SQLite may have done so already."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            _log.exception("cannot roll back; the next write will say so again")

    # ---- the reading thread

    def read(self, key: str) -> bytes | None:
        """Answer the value under `key`, or None. Raises: IoError."""
        rows = self._query("SELECT value FROM items WHERE key = ?", key)
        return rows[0][0] if rows else None

    def contains(self, key: str) -> bool:
        """True when `key` is taken. Raises: IoError."""
        return bool(self._query("SELECT 1 FROM items WHERE key = ?", key))

    def keys(self, count: int, after: str = "", *, inclusive: bool = False) -> list[str]:
        """Answer at most `count` keys behind `after`, or from it on, in byte order.

        Raises: IoError.
        """
        sign = ">=" if inclusive else ">"
        query = f"SELECT key FROM items WHERE key {sign} ? ORDER BY key LIMIT ?"
        return [key for (key,) in self._query(query, after, count)]

    def _query(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            return self._reader.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise translate(error, "read") from error

    # ---- the end

    def close(self) -> None:
        """Close both connections and give the lock back; no other thread may be inside. Idempotent.

        The log is merged into the database; where that fails, the next opening does it.
        """
        try:
            self._resources.close()
        except sqlite3.Error as error:
            _log.warning("closing: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(path: str) -> Handle:
    """Take the directory's lock, or refuse (rule 3); the caller owns it."""
    handle = _create(path)
    try:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        directory = os.path.dirname(path)
        raise AlreadyExists(
            f"{directory} is in use by another process, which holds {path}", Status.ALREADY_BOUND
        ) from None
    except OSError as error:
        handle.close()
        raise from_oserror(error, f"lock {path}") from error
    return handle


def _create(path: str) -> Handle:
    """Open a file, made for our user alone where there is none; the caller owns it.

    SQLite gives its log and its shared memory the mode of the database.
    """
    try:
        return Handle(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise from_oserror(error, f"open {path}") from error


def _connect(path: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise translate(error, f"open {path}") from error


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    """Set the connection up, and make the schema in an empty file.

    Raises: NotSupported, IoError (not our database), sqlite3.Error.
    """
    version = _pragma(connection, "user_version")
    ours = _pragma(connection, "application_id") == _APPLICATION_ID
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if not ours and not (empty and version == 0):
        raise IoError(f"{path} is another program's database", Status.IO_DATA_INTEGRITY)
    if version > SCHEMA_VERSION:
        raise NotSupported(f"{path} has schema {version}; this service knows {SCHEMA_VERSION}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if not ours:
        connection.executescript(_SCHEMA)


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut `rows` into pieces, each as long as one of the statements that we keep."""
    done = 0
    while done < len(rows):
        size = next(size for size in _CHUNKS if size <= len(rows) - done)
        yield rows[done : done + size]
        done += size


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def translate(error: sqlite3.Error, doing: str) -> IpcError:
    """Make our error of SQLite's. Source: sqlite.org, "Result and Error Codes"."""
    message = f"{doing}: {error}"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return IpcError(message, Status.NO_SPACE)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return IoError(message, Status.IO_DATA_INTEGRITY)
    return IoError(message)
