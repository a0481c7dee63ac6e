"""Leaves: numbers, text, bytes, enums and bits out of what a person gave for them.

What is given is a `Word` as it was typed, or what JSON made of it. Each refusal is one line: which
argument, what belongs there, what was given.
"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import math
from collections.abc import Callable
from typing import Any, Final, cast

from msgspec import inspect

from ipcrt.bindings.plain import is_list, is_map
from ipcrt.bindings.scalars import FLOAT32, FLOAT32_MAX
from ipcrt.cli.complaint import Misused

_SHOWN_CHARACTERS: Final = 60
_INT64_MIN: Final = -(1 << 63)
_UINT64_MAX: Final = (1 << 64) - 1
_NO_NUMBERS: Final = ("NaN", "Infinity", "-Infinity")
"""Floats that JSON has no number for; here they are text."""


class Word(str):
    """A value as it was typed, to be read as its type wants."""

    __slots__ = ()


def read_leaf(info: inspect.Type, value: Any, path: str) -> Any:
    """Answer `value` as what `info` wants; `path` is the argument's name.

    Raises: Misused.
    """
    if isinstance(info, inspect.Metadata):
        return _extended(info, value, path)
    read = _READERS.get(type(info))
    if read is None:
        raise Misused(f"{path}: a {type(info).__name__} cannot be given here")
    return read(info, value, path)


def unfit(path: str, expected: str, value: object) -> Misused:
    """Make the error that says what belongs there and what was given."""
    return Misused(f"{path}: expected {expected}, got {_shown(value)}")


def read_json(word: str, path: str, expected: str) -> Any:
    """Answer what is written in JSON. Raises: Misused."""
    try:
        return json.loads(word)
    except (ValueError, RecursionError) as error:
        given = _shown(word)
        raise Misused(f"{path}: expected {expected} in JSON, got {given}: {error}") from None


def read_bits(kind: type[enum.IntFlag], value: Any, path: str) -> enum.IntFlag:
    """Answer bits given as `A|B`, a list of names and numbers, or one number.

    Raises: Misused.
    """
    given: list[Any] = value if is_list(value) else [value]
    if isinstance(value, str):
        given = [part.strip() for part in value.split("|") if part.strip()]
    number = 0
    for each in given:
        is_name = isinstance(each, str) and each in kind.__members__
        bit = int(kind[each]) if is_name else _number(each)
        if bit is None:
            raise unfit(path, f"any of {'|'.join(kind.__members__)}", each)
        number |= bit
    try:
        return kind(number)
    except ValueError:
        raise unfit(path, f"any of {'|'.join(kind.__members__)}", value) from None


def _enum(info: inspect.EnumType, value: Any, path: str) -> Any:
    kind: Any = info.cls
    if isinstance(value, str) and value in kind.__members__:
        return kind[value]
    names = ", ".join(kind.__members__)
    number = _number(value)
    try:
        return kind(number)
    except ValueError:
        wanted = f"one of {names}" + (", or a number" if hasattr(kind, "is_unknown") else "")
        raise unfit(path, wanted, value) from None


def _bool(info: inspect.BoolType, value: Any, path: str) -> bool:
    del info
    given = {"true": True, "false": False}.get(value) if isinstance(value, Word) else value
    if not isinstance(given, bool):
        raise unfit(path, "true or false", value)
    return given


def _int(info: inspect.IntType, value: Any, path: str) -> int:
    lowest = _INT64_MIN if info.ge is None else info.ge
    highest = _UINT64_MAX if info.le is None else info.le
    number = _number(value)
    if number is None or not lowest <= number <= highest:
        raise unfit(path, f"an integer from {lowest} to {highest}", value)
    return number


def _number(value: Any) -> int | None:
    """Answer an integer, which a person may also write in hexadecimal."""
    if isinstance(value, str):
        try:
            return int(value, 0)
        except ValueError:
            return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(info: inspect.FloatType, value: Any, path: str) -> float:
    del info
    try:
        if isinstance(value, Word) or value in _NO_NUMBERS:
            return float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise unfit(path, "a number", value)


def _extended(info: inspect.Metadata, value: Any, path: str) -> Any:
    """Read what our own metadata is about: a float32 has a range."""
    found = read_leaf(info.type, value, path)
    extra: dict[str, Any] = cast("Any", info).extra or {}
    if FLOAT32 in extra and FLOAT32_MAX < abs(found) < math.inf:
        raise unfit(path, f"a number from {-FLOAT32_MAX} to {FLOAT32_MAX}", value)
    return found


def _text(info: inspect.StrType, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise unfit(path, "text", value)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise unfit(path, "text in UTF-8", value) from None
    _check_size(size, info.max_length, path, value)
    return str(value)


def _bytes(info: inspect.BytesType, value: Any, path: str) -> bytes:
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
    elif is_map(value) and value.keys() == {"base64"}:
        try:
            data = base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise Misused(f"{path}: {error}") from None
    else:
        raise unfit(path, 'bytes, as text or {"base64": "..."}', value)
    _check_size(len(data), info.max_length, path, value)
    if len(data) < (info.min_length or 0):
        raise unfit(path, f"at least {info.min_length} bytes", value)
    return data


def _check_size(size: int, limit: int | None, path: str, value: object) -> None:
    if limit is not None and size > limit:
        raise Misused(f"{path}: expected at most {limit} bytes, got {size}: {_shown(value)}")


def _shown(value: object) -> str:
    text = repr(str(value)) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


_READERS: Final[dict[type, Callable[[Any, Any, str], Any]]] = {
    inspect.BoolType: _bool,
    inspect.IntType: _int,
    inspect.FloatType: _float,
    inspect.StrType: _text,
    inspect.BytesType: _bytes,
    inspect.EnumType: _enum,
}
