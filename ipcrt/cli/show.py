"""Show a reply: as JSON, and the content of a file or VMO that came with it.

Bytes are shown as text where they are UTF-8, else as {"base64": "..."}; enums by their names; a
handle as {"handle": "VMO"}.
"""

from __future__ import annotations

import base64
import enum
import os
import stat
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, cast

import msgspec

from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.errors import from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, kind_of

_PIECE_BYTES: Final = 1 << 20


def to_json(value: Any, handles: list[Handle]) -> Any:
    """Answer `value` as what `json` can write; its handles are added to `handles`, and stay its."""
    if isinstance(value, msgspec.Struct):
        return {name: to_json(getattr(value, name), handles) for name in value.__struct_fields__}
    if isinstance(value, ProtocolEnd):
        value = value.channel
    if isinstance(value, Handle):
        handles.append(value)
        return {"handle": _kind(value)}
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [to_json(each, handles) for each in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        members = cast("Mapping[Any, Any]", value).items()
        return {str(key): to_json(each, handles) for key, each in members}
    return value


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
