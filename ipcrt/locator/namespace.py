"""Namespace: names, and where each of them is to be had.

    with Namespace({"/svc": directory, "example/Log": log}) as container:
        end = container.open_now(Echo)

1. A key is a path ("/svc") or a protocol's name ("example/Log"). A path stands for all names
   beneath it: "/svc/example/Echo" is "example/Echo" there. A name stands for itself alone.
2. A bare name is looked for as it is, then beneath "/svc"; of several paths the longest fits.
3. What serves a path speaks `ipcrt.locator/Locator`: the locator, or a parent that grants names.
   Opening is one message that nobody answers, so a namespace needs no port, and any thread may
   use it; who is refused learns it from the epitaph of what was opened.
4. What stands behind a name is one end that is open already; the first who asks gets it.
Source: fuchsia.io namespaces; Starnix, "Selecting namespaces".
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Mapping
from typing import Any, Final, Self, TypeAlias

from ipcrt.bindings.ends import ClientEnd, P, create_endpoints
from ipcrt.errors import (
    BadHandle,
    InvalidArgs,
    IpcError,
    NotFound,
    NotSupported,
    PeerClosed,
    error_for,
)
from ipcrt.locator.protocol import LOCATOR_OPEN, Locator, LocatorOpenRequest
from ipcrt.objects.channel import Channel
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import EPITAPH_ORDINAL, NO_TXID

SVC: Final = "/svc"
"""Where protocols are that are asked for by their bare names."""

MAX_KEY: Final = 255
"""Bytes of the longest key, as of the longest name that a locator knows."""


@dataclasses.dataclass(frozen=True, slots=True)
class LocatorAt:
    """A locator that is connected to when somebody opens something; None: the default one."""

    path: str | None = None


Source: TypeAlias = ClientEnd[Any] | LocatorAt
"""What serves a key: of a path, a `ClientEnd[Locator]` or where a locator listens."""


class Namespace:
    """Names and what serves them; owns the ends. Usable from any thread."""

    def __init__(self, entries: Mapping[str, Source] | None = None) -> None:
        """Move the ends of `entries` here.

        Raises: InvalidArgs: a key is neither a path nor a name, or a name has a locator; then
        nothing was moved.
        """
        entries = entries or {}
        for key, source in entries.items():
            _check_key(key, source)
        self._lock = threading.Lock()
        self._closed = False
        self._entries: dict[str, Source] = {key: _move(end) for key, end in entries.items()}

    @classmethod
    def of_locator(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Make the namespace of the locator at `path`, or the default one, with our own identity.

        It is looked for each time that something is opened.
        """
        return cls({SVC: LocatorAt(None if path is None else os.fspath(path))})

    def keys(self) -> list[str]:
        """Answer the paths and names that are there, in order."""
        with self._lock:
            return sorted(self._entries)

    def find(self, name: str) -> tuple[str, str]:
        """Answer the key that `name` belongs to, and what it is called there (rule 2).

        Raises: NotFound.
        """
        with self._lock:
            return self._find(name)

    def _find(self, name: str) -> tuple[str, str]:
        if name in self._entries and not name.startswith("/"):
            return name, name
        full = name if name.startswith("/") else f"{SVC}/{name}"
        fitting = [key for key in self._entries if full.startswith(f"{key}/") and full[-1] != "/"]
        if not fitting:
            there = "is closed, or was moved" if self._closed else f"has {self._names()}"
            raise NotFound(f"{name} is not in this namespace, which {there}")
        key = max(fitting, key=len)
        return key, full[len(key) + 1 :]

    def _names(self) -> str:
        return ", ".join(sorted(self._entries)) or "nothing"

    def locator_of(self, name: str) -> tuple[LocatorAt, str] | None:
        """Answer which locator to connect to for `name`; None where no connecting is needed.

        Raises: as `find`.
        """
        with self._lock:
            key, rest = self._find(name)
            source = self._entries[key]
        return (source, rest) if isinstance(source, LocatorAt) else None

    def open_now(self, protocol: type[P], name: str | None = None) -> ClientEnd[P]:
        """Open a protocol by its own name, or as `name`; the caller owns the end.

        Raises: as `find`. ShouldWait: who serves the path has no room; try again. PeerClosed, or
        the status that it closed with: it has gone. NotSupported: a locator must be connected to.
        """
        wanted = name or protocol.TABLE.name
        with self._lock:
            key, _ = self._find(wanted)
            if key == wanted:
                end: ClientEnd[P] = _as_end(self._entries.pop(key), wanted)
                return end
        client, server = create_endpoints(protocol)
        try:
            with server:
                self.pass_on(wanted, server.channel)
        except BaseException:
            client.close()
            raise
        return client

    def pass_on(self, name: str, server_end: Channel) -> None:
        """Have `server_end` served as `name`; it is moved if that works, and stays if not.

        Raises: as `open_now`; NotSupported: `name` is an end that is open already.
        """
        with self._lock:
            key, rest = self._find(name)
            if not key.startswith("/"):
                raise NotSupported(f"{name} is one open end; it can be moved, not opened")
            pass_to(_as_end(self._entries[key], name), rest, server_end)

    def take_entries(self) -> dict[str, Source]:
        """Move everything out; the caller owns the ends. Raises: BadHandle: closed, or moved."""
        with self._lock:
            if self._closed:
                raise BadHandle("the namespace is closed, or was moved")
            return self._empty()

    def _empty(self) -> dict[str, Source]:
        self._closed = True
        entries, self._entries = self._entries, {}
        return entries

    def close(self) -> None:
        """Close the ends that are still here; idempotent."""
        with self._lock:
            entries = self._empty()
        close_entries(entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {' '.join(self.keys())}>"


def close_entries(entries: Mapping[str, Source]) -> None:
    """Close the ends among `entries`."""
    for source in entries.values():
        if isinstance(source, ClientEnd):
            source.close()


def pass_to(directory: ClientEnd[Locator], name: str, server_end: Channel) -> None:
    """Have a directory serve `server_end`, which is moved if that works, and stays if not.

    Raises: ShouldWait, PeerClosed, or the status that the directory closed with.
    LocalProtocolError: no name.
    """
    body, handles = LOCATOR_OPEN.request.encode(LocatorOpenRequest(name, server_end))
    data = encode(NO_TXID, LOCATOR_OPEN.ordinal, LOCATOR_OPEN.flags, body, len(handles))
    try:
        directory.channel.send(data, [server_end.fileno()])
    except PeerClosed:
        raise _last_words(directory.channel) from None
    server_end.close()


def _last_words(channel: Channel) -> IpcError:
    """Answer why a directory has closed."""
    gone = "who served this namespace has gone"
    with contextlib.suppress(IpcError):
        message = channel.read()
        message.close()
        _, ordinal, _, body, *_ = split(message.data, len(message.handles))[-1]
        if ordinal == EPITAPH_ORDINAL:
            return error_for(decode_epitaph(body), f"{gone}, and said why")
    return PeerClosed(gone)


def _as_end(source: Source, name: str) -> ClientEnd[Any]:
    if isinstance(source, LocatorAt):
        raise NotSupported(f"{name} is behind a locator that must be connected to: use connect()")
    return source


def _move(source: Source) -> Source:
    return source if isinstance(source, LocatorAt) else ClientEnd[Any](source.take_channel())


def _check_key(key: str, source: Source) -> None:
    parts = key[1:].split("/") if key.startswith("/") else key.split("/")
    if not all(parts) or not key.isprintable() or len(key.encode()) > MAX_KEY:
        raise InvalidArgs(f"{key!r:.300} is neither a path like {SVC} nor a protocol's name")
    if not key.startswith("/") and isinstance(source, LocatorAt):
        raise InvalidArgs(f"{key!r} is one name; a locator serves a path, such as {SVC}")
