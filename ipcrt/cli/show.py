"""Show a reply: as JSON, and the content of a file or VMO that came with it.

What is shown of a value may be given for one, too. Members go by their FIDL names: a struct's all,
a table's that are there, a union's the one. Bytes are text where they are UTF-8, else {"base64":
"..."}; an enum is its name, bits are `A|B`; a handle is {"handle": "VMO"}. What our contract does
not know goes by its number: a value of an enum, bits, a member of a table or union.
"""

from __future__ import annotations

import base64
import enum
import math
import os
import stat
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, cast

import msgspec

from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.table import Table, unknown_members
from ipcrt.bindings.union import UnknownVariant, Variant
from ipcrt.cli.members import fidl_name, variant_name
from ipcrt.errors import from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, kind_of

_PIECE_BYTES: Final = 1 << 20


def to_json(value: Any, handles: list[Handle]) -> Any:
    """Answer `value` as what `json` can write; its handles are added to `handles`, and stay its."""
    if isinstance(value, msgspec.Struct | Table):
        return _members(value, handles)
    if isinstance(value, ProtocolEnd):
        value = value.channel
    if isinstance(value, Handle):
        handles.append(value)
        return {"handle": _kind(value)}
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, enum.Enum):
        return _bits(value) if isinstance(value, enum.IntFlag) else _name(value)
    if isinstance(value, list | tuple):
        return [to_json(each, handles) for each in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        members = cast("Mapping[Any, Any]", value).items()
        return {str(key): to_json(each, handles) for key, each in members}
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


def _members(value: msgspec.Struct | Table, handles: list[Handle]) -> dict[str, Any]:
    if isinstance(value, UnknownVariant):
        return {str(value.ordinal): _unknown(value.data)}
    if isinstance(value, Variant):
        inner = getattr(value, value.__struct_fields__[0])
        return {variant_name(type(value)): to_json(inner, handles)}
    if isinstance(value, Table):
        return _table(value, handles)
    names = value.__struct_fields__
    return {fidl_name(name): to_json(getattr(value, name), handles) for name in names}


def _table(table: Table, handles: list[Handle]) -> dict[str, Any]:
    members = [(name, getattr(table, name)) for name in type(table).__fidl_ordinals__()]
    present = [(name, value) for name, value in members if value is not None]
    shown = {fidl_name(name): to_json(value, handles) for name, value in present}
    unknown = unknown_members(table).items()
    return shown | {str(ordinal): _unknown(data) for ordinal, data in unknown}


def _unknown(data: bytes | None) -> Any:
    """Show what our contract does not know; handles in it are closed, and all of it is gone."""
    return {"handle": "CLOSED"} if data is None else to_json(msgspec.msgpack.decode(data), [])


def _name(value: enum.Enum) -> Any:
    return value.name if value.name in type(value).__members__ else value.value


def _bits(value: enum.IntFlag) -> str:
    known = [each for each in type(value) if each in value]
    rest = int(value) & ~sum(known)
    names = [str(each.name) for each in known]
    return "|".join([*names, hex(rest)] if rest or not names else names)


def find_content(handles: list[Handle]) -> Handle | None:
    """Answer the first handle that is a regular file or a VMO, if there is one."""
    for handle in handles:
        if stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            return handle
    return None


def copy_content(handle: Handle, target: IO[bytes]) -> int:
    """Copy all of a file or VMO, from its beginning; answer how many bytes that was.

    Raises: IpcError: it cannot be read. OSError: the target cannot be written.
    """
    done = 0
    while True:
        try:
            piece = os.pread(handle.fileno(), _PIECE_BYTES, done)
        except OSError as error:
            raise from_oserror(error, "read what came with the reply") from error
        if not piece:
            return done
        target.write(piece)
        done += len(piece)


def _kind(handle: Handle) -> str:
    kind = kind_of(handle.fileno())
    if kind is ObjType.NONE and stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        return "FILE"
    return kind.name


def _text(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode("ascii")}
