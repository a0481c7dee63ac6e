"""Discard: close the handles of a payload that nobody takes."""

from __future__ import annotations

import msgspec

from ipcrt.bindings.ends import ProtocolEnd
from ipcrt.bindings.table import Table
from ipcrt.objects.handle import Handle


def close_handles(value: object) -> None:
    """Close every handle in `value`, wherever it stands; what was moved out is not there.

    The value may be any: it need not be of a type that can be sent.
    """
    seen: set[int] = set()
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, Handle | ProtocolEnd):
            item.close()
        elif id(item) not in seen:
            seen.add(id(item))
            rest += _parts(item)


def _parts(value: object) -> list[object]:
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    if isinstance(value, Table):
        return [*value.__dict__.values()]
    if isinstance(value, list | tuple):
        return [*value]
    if isinstance(value, dict):
        return [*value.values()]
    return []
