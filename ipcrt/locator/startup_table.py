"""What a parent passes to a child that it starts: two messages on the bootstrap channel.

1. `Address` comes first and says whom all of it is for. It carries no handle, so that it can be
   looked at without being taken: who is not meant leaves everything where it is.
2. `Table` follows: the namespaces, with each of their keys, and handles by name. It is one packet,
   so 64 handles is the most.
3. The child checks the table like any peer's message; of one that breaks a rule nothing is kept.
Source: Fuchsia, zircon/processargs.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from ipcrt.bindings.ends import ClientEnd
from ipcrt.bindings.scalars import Uint32, Uint64
from ipcrt.bindings.tables import OneWay, Struct
from ipcrt.errors import (
    AlreadyExists,
    IpcError,
    NotFound,
    NotSupported,
    OutOfRange,
    RemoteProtocolError,
)
from ipcrt.locator.namespace import MAX_KEY, LocatorAt, Namespace, Source, close_entries
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.process import Process
from ipcrt.wire.frames import Body, encode, split
from ipcrt.wire.header import NO_TXID
from ipcrt.wire.limits import MAX_HANDLES

MAX_NAMES: Final = 64
"""Namespaces that one child may have."""

MAX_ENTRIES: Final = 256
"""Keys of all its namespaces together."""


class Address(Struct, frozen=True):
    """Which process a table is for."""

    pid: Uint32
    koid: Uint64
    """The process's own, which is never given to another; 0 where the kernel tells none."""

    @classmethod
    def of(cls, process: Process) -> Address:
        """Answer the address of a process that has not been waited for."""
        try:
            return cls(process.pid, process.koid)
        except NotSupported:  # before Linux 6.9
            return cls(process.pid, 0)


class Entry(Struct):
    """One key of one namespace, and what serves it: an end, or a locator."""

    namespace: Annotated[str, Meta(max_length=64)]
    key: Annotated[str, Meta(max_length=MAX_KEY)]
    end: Channel | None
    locator: Annotated[str, Meta(max_length=107)] | None
    """Where it listens; neither this nor an end: the child's default one."""


class NamedHandle(Struct):
    """One handle, and what parent and child call it."""

    name: Annotated[str, Meta(max_length=MAX_KEY)]
    handle: Handle


class Table(Struct):
    """All that a child is given."""

    namespaces: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=MAX_NAMES)]
    entries: Annotated[list[Entry], Meta(max_length=MAX_ENTRIES)]
    handles: Annotated[list[NamedHandle], Meta(max_length=MAX_HANDLES)]


ADDRESS: Final = OneWay("ipcrt.startup/Startup.Address", Address)
TABLE: Final = OneWay("ipcrt.startup/Startup.Table", Table)


# ---- the parent's side


def make_table(
    namespaces: Mapping[str, Mapping[str, Source]], handles: Mapping[str, Handle]
) -> Table:
    """Make the table, which lends the ends and handles; whoever sends it gives them away.

    Raises: OutOfRange: more handles than one packet carries.
    """
    entries: list[Entry] = []
    for namespace, sources in namespaces.items():
        for key, source in sources.items():
            if isinstance(source, LocatorAt):
                entries.append(Entry(namespace, key, None, source.path))
            else:
                entries.append(Entry(namespace, key, source.channel, None))
    count = len(handles) + sum(entry.end is not None for entry in entries)
    if count > MAX_HANDLES:
        raise OutOfRange(f"{count} handles for one child exceed {MAX_HANDLES}")
    named = [NamedHandle(name, handle) for name, handle in handles.items()]
    return Table(list(namespaces), entries, named)


def encode_address(address: Address) -> bytes:
    """Answer the message that says whom the table is for."""
    body, _ = ADDRESS.request.encode(address)
    return encode(NO_TXID, ADDRESS.ordinal, ADDRESS.flags, body)


def encode_table(table: Table) -> tuple[bytes, list[Handle]]:
    """Answer the message, and the handles that go with it, still their owner's.

    Raises: LocalProtocolError: a name too long, or too many of them.
    """
    body, handles = TABLE.request.encode(table)
    return encode(NO_TXID, TABLE.ordinal, TABLE.flags, body, len(handles)), list(handles)


# ---- the child's side


def decode_address(data: bytes) -> Address:
    """Read whom a table is for. Raises: RemoteProtocolError."""
    return ADDRESS.request.decode(_body_of(ADDRESS.ordinal, data, 0), ())


def decode_table(message: Message) -> tuple[dict[str, Namespace], dict[str, Handle]]:
    """Take a table apart; the caller owns the namespaces and handles.

    Raises: RemoteProtocolError: it breaks a rule, or a name stands there twice; all is closed.
    """
    handles = list(message.handles)
    try:
        body = _body_of(TABLE.ordinal, message.data, len(handles))
        table = TABLE.request.decode(body, handles)
    except BaseException:
        close_all(handles)
        raise
    try:
        _check(table)
        return _namespaces(table), {named.name: named.handle for named in table.handles}
    except IpcError as error:
        TABLE.request.discard(table)
        raise RemoteProtocolError(f"the table of this process: {error}") from error


def _body_of(ordinal: int, data: bytes, handle_count: int) -> Body:
    """Answer the body of the one message in `data`. Raises: RemoteProtocolError."""
    frames = split(data, handle_count)
    _, found, _, body, *_ = frames[0]
    if len(frames) != 1 or found != ordinal:
        raise RemoteProtocolError(f"the bootstrap channel has another message than {ordinal:#x}")
    return body


def _check(table: Table) -> None:
    """Raises: AlreadyExists, NotFound: what the types cannot say of a table."""
    keys = [(entry.namespace, entry.key) for entry in table.entries]
    for what, names in (
        ("namespaces", table.namespaces),
        ("keys", keys),
        ("handles", [named.name for named in table.handles]),
    ):
        if len(set(names)) != len(names):
            raise AlreadyExists(f"two of its {what} are the same")
    if not {name for name, _ in keys} <= set(table.namespaces):
        raise NotFound("a key belongs to no namespace of it")


def _namespaces(table: Table) -> dict[str, Namespace]:
    """Raises: InvalidArgs: a key is none; the ends that are still in the table stay there."""
    built: dict[str, Namespace] = {}
    try:
        for name in table.namespaces:
            mine = [entry for entry in table.entries if entry.namespace == name]
            built[name] = _namespace(mine)
    except BaseException:
        for namespace in built.values():
            namespace.close()
        raise
    return built


def _namespace(entries: list[Entry]) -> Namespace:
    sources = {entry.key: _source(entry) for entry in entries}
    try:
        return Namespace(sources)
    except BaseException:
        close_entries(sources)
        raise


def _source(entry: Entry) -> Source:
    if entry.end is None:
        return LocatorAt(entry.locator)
    return ClientEnd(entry.end)
