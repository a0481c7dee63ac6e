"""Facts of resources, as servers tell them: the results of `stat`, and the frames of a directory.

Each is one map in MessagePack; what else stands in it is passed over. docs/io.md.
"""

from __future__ import annotations

import errno
import os
from typing import Annotated, Any, Final

import msgspec

from ipcrt.errors import RemoteProtocolError
from ipcrt.io.source import MAX_OFFSET
from ipcrt.resources.link import Received
from ipcrt.resources.messages import FramedData

STAT: Final = "stat"
TRUNCATE: Final = "truncate"

Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_OFFSET)]


class Stat(msgspec.Struct, frozen=True):
    """What a resource is, now."""

    type: str
    """`file`, `directory`, `link` or `other`."""
    size: Size
    """Bytes."""
    mode: int = 0
    mtime_ns: int = 0


class Entry(msgspec.Struct, frozen=True):
    """What one name in a directory is."""

    name: str
    """As Python has files' names: what is no UTF-8 became surrogates."""
    type: str
    """As `Stat`'s."""
    size: int | None = None
    """Bytes, of a file."""


class _Told(msgspec.Struct):
    name: Any
    type: str
    size: Size | None = None


def parse_stat(result: bytes) -> Stat:
    """Raises: RemoteProtocolError: it is none."""
    try:
        return msgspec.msgpack.decode(result, type=Stat)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"stat: {error}") from error


def parse_entry(message: Received) -> Entry:
    """Raises: NotADirectoryError: a stream. RemoteProtocolError: no entry."""
    if not isinstance(message, FramedData):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    try:
        told = msgspec.msgpack.decode(message.data, type=_Told)
        raw = os.fsencode(told.name)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise RemoteProtocolError(f"an entry of a directory: {error}") from error
    if b"/" in raw or b"\0" in raw or raw in (b"", b".", b".."):
        raise RemoteProtocolError(f"{raw[:40]!r} is no name of an entry")
    return Entry(os.fsdecode(raw), told.type, told.size)


def size_args(size: int) -> bytes:
    """Answer the args of `truncate`."""
    return msgspec.msgpack.encode(size)
