"""Bodies without a schema: Python values to and from MessagePack, strictly.

None, bool, int, float, str, bytes, lists, and dicts with str, bytes or int keys. Tuples go out as
lists. Whatever else a caller can put on the wire is a handle, named by its index. The rules
B1 to B6 stand in `scan`; here is the short cut past it, for bodies that cannot break them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.wire._msgpack import ext_type, new_packer, unpackb
from ipcrt.wire.handles import HANDLE_EXT, check_claimed, index_ext
from ipcrt.wire.limits import MAX_DEPTH, MAX_INLINE_BODY_BYTES, MAX_INTEGER_KEYED_PAIRS
from ipcrt.wire.scan import scan

_ARRAYS: Final = bytes((*range(0x90, 0xA0), 0xDC, 0xDD))
_CONTAINERS: Final = _ARRAYS + bytes((*range(0x80, 0x90), 0xDE, 0xDF))
_EXTENSIONS: Final = bytes((*range(0xC7, 0xCA), *range(0xD4, 0xD9)))
# Bytes that, wherever they stand, can neither open a container nor begin an extension.
_PLAIN: Final = bytes(set(range(256)).difference(_CONTAINERS, _EXTENSIONS))


def encode_value(value: object, put: Callable[[object], int] | None = None) -> bytes:
    """Return `value` as one MessagePack value that every receiver accepts.

    `put` is called with each object that MessagePack has no type for, in order of appearance: it
    keeps the handle and returns its index in the message, or raises TypeError. If this fails, what
    `put` kept is still the caller's.

    Raises: LocalProtocolError: no wire form, or a body rule would be broken.
    """
    placed: list[int] = []

    def default(item: object) -> object:
        if put is None:
            raise TypeError(f"{type(item).__name__} has no wire form")
        index = put(item)
        placed.append(index)
        return ext_type(HANDLE_EXT, index_ext(index))

    try:
        data = new_packer(default=default).pack(value)
        if _is_suspect(data, _ARRAYS):
            scan(data, len(placed))
    except (TypeError, ValueError, RemoteProtocolError) as error:
        raise LocalProtocolError(f"value cannot be sent: {error}") from error
    return data


def decode_value(
    data: bytes | memoryview, get: Callable[[int], object] | None = None, handle_count: int = 0
) -> Any:
    """Return the one value in `data`, with `get(index)` in the place of each handle.

    `data` is copied out: it may be a view into a buffer that is used again. `get` is called once
    for each handle, after every rule but B5 and B6 is known to hold; its errors pass unchanged.
    An empty body is no value: whoever expects one must not ask.

    Raises: RemoteProtocolError: a body rule is broken. The caller still owns all handles.
    """
    if handle_count and get is None:
        raise LocalProtocolError(f"{handle_count} handles, and nobody to take them")
    handles: dict[int, object] = {}
    if len(data) <= MAX_INLINE_BODY_BYTES:
        data = bytes(data)
    if _is_suspect(data, _CONTAINERS):
        claimed = scan(data, handle_count)
        if get is not None:
            handles = {index: get(index) for index in claimed}
    elif handle_count:
        check_claimed([], handle_count)

    def handle(_code: int, index: bytes) -> object:
        return handles[index[0]]

    try:
        # The lengths that msgpack believes are limited by len(data): its own default.
        return unpackb(data, ext_hook=handle, object_pairs_hook=_map, strict_map_key=False)
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(f"string is not UTF-8: {error} [B5]") from error
    except ValueError as error:
        scan(data, handle_count)  # says what is wrong and where
        raise RemoteProtocolError(f"body is not MessagePack: {error} [B1]") from error


def _is_suspect(data: bytes | memoryview, allowed: bytes) -> bool:
    """Say whether `data` must be scanned: False proves rules B2 and B3 without looking closer.

    Depth and extensions need certain bytes. Where these are few and all of them `allowed`, neither
    can be out of bounds, nor can lists made as long as they claim to be take much memory.
    """
    if len(data) > MAX_INLINE_BODY_BYTES or not isinstance(data, bytes):
        return True
    openers = data.translate(None, _PLAIN)
    return len(openers) > MAX_DEPTH or bool(openers.translate(None, allowed))


def _map(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Make a dict, holding rule B6 against what the peer sent."""
    if len(pairs) > MAX_INTEGER_KEYED_PAIRS and any(type(key) is int for key, _ in pairs):
        raise RemoteProtocolError(
            f"integer key in a map of {len(pairs)} pairs, at most {MAX_INTEGER_KEYED_PAIRS} [B6]"
        )
    for key, _ in pairs:
        if type(key) not in _KEY_TYPES:
            raise RemoteProtocolError(f"map key is {type(key).__name__} [B6]")
    value = dict(pairs)
    if len(value) != len(pairs):
        raise RemoteProtocolError(
            f"{len(pairs) - len(value)} of {len(pairs)} map keys appear twice [B6]"
        )
    return value


_KEY_TYPES: Final = frozenset((str, bytes, int))
