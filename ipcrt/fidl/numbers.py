"""Numbers as they are written, and the ranges of the types that hold them."""

from __future__ import annotations

import re
import struct
from typing import Final

_INTEGER: Final = re.compile(r"(-?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_BINARY: Final = re.compile(r"0[bB]([01]+)")
_FLOAT: Final = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]-?[0-9]+)?")
_MAX_DIGITS: Final = 400
FLOAT32_MAX: Final = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]

RANGES: Final = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint8": (0, (1 << 8) - 1),
    "uchar": (0, (1 << 8) - 1),
    "uint16": (0, (1 << 16) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
    "usize64": (0, (1 << 64) - 1),
    "uintptr64": (0, (1 << 64) - 1),
}
"""Integer types: least and greatest value."""
FLOATS: Final = frozenset(("float32", "float64"))


def parse_integer(text: str) -> int | None:
    """Read an integer literal; None where it is none, or absurdly long.

    As fidlc has it, a leading 0 makes a number octal, and a binary one has no sign.
    """
    if len(text) > _MAX_DIGITS:
        return None
    binary = _BINARY.fullmatch(text)
    if binary is not None:
        return int(binary[1], 2)
    found = _INTEGER.fullmatch(text)
    if found is None:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    if hexadecimal is not None:
        value = int(hexadecimal, 16)
    else:
        value = int(decimal) if octal is None else int(octal, 8)
    return -value if sign else value


def parse_number(text: str, subtype: str) -> int | float | None:
    """Read a literal as a value of a primitive type; None where it does not fit.

    One with a sign fits no unsigned type, be it -0.
    """
    if subtype in FLOATS:
        return _parse_float(text, subtype)
    value = parse_integer(text)
    if value is None:
        return None
    low, high = RANGES[subtype]
    if low == 0 and text[0] == "-":
        return None
    return value if low <= value <= high else None


def _parse_float(text: str, subtype: str) -> float | None:
    if _FLOAT.fullmatch(text):
        value = float(text)
    else:
        integer = parse_integer(text)
        if integer is None:
            return None
        value = float(integer)
    return None if abs(value) == float("inf") else convert(value, subtype)


def convert(value: float, subtype: str) -> int | float | None:
    """Answer a value as one of another primitive type; None where it does not fit."""
    if subtype == "float64":
        return float(value)
    if subtype == "float32":
        if abs(value) > FLOAT32_MAX:
            return None
        (narrow,) = struct.unpack("<f", struct.pack("<f", value))
        return float(narrow)
    low, high = RANGES[subtype]
    return int(value) if low <= value <= high else None


def string_value(text: str) -> str:
    """Answer what a string literal, quotes and all, stands for."""
    if "\\" not in text:
        return text[1:-1]
    return _ESCAPE.sub(_unescape, text[1:-1])


_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.))")
_PLAIN: Final = {"n": "\n", "r": "\r", "t": "\t"}


def _unescape(found: re.Match[str]) -> str:
    if found[1] is not None:
        return chr(int(found[1], 16))
    return _PLAIN.get(found[2], found[2])


def string_length(value: str) -> int:
    """Answer the bytes that a string takes in UTF-8."""
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
