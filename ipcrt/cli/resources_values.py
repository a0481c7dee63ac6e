"""What methods are given and answer: bytes, which are text, a file's, or MessagePack.

Bytes that JSON cannot say are {"base64": "..."}, both ways, as everywhere on this command line.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import sys
from collections.abc import Sequence
from typing import IO, Any, cast

import msgspec

from ipcrt.cli.complaint import Misused
from ipcrt.cli.show import to_json
from ipcrt.resources.limits import MAX_ARGS_BYTES


def arguments_of(text: str | None, msgpack: str | None) -> bytes:
    """Answer the bytes that a person meant. Raises: Misused. OSError: a file cannot be read."""
    if msgpack is not None:
        if text is not None:
            raise Misused("ARGS and --msgpack exclude each other")
        return _packed(msgpack)
    if text is None:
        return b""
    if text == "-":
        if sys.stdin is None:
            raise Misused("standard input is closed")
        return _bounded(sys.stdin.buffer, "standard input")
    if text.startswith("@"):
        with open(text[1:], "rb") as file:
            return _bounded(file, text[1:])
    return os.fsencode(text)


def shown(data: bytes) -> Any:
    """Answer bytes as what `json` can write: MessagePack as what it says, else as bytes are."""
    try:
        value = msgspec.msgpack.decode(data) if data else None
    except (msgspec.MsgspecError, RecursionError, ValueError):
        value = data
    return to_json(value, [])


def _bounded(file: IO[bytes], name: str) -> bytes:
    data = file.read(MAX_ARGS_BYTES + 1)
    if len(data) > MAX_ARGS_BYTES:
        raise Misused(f"{name} exceeds the {MAX_ARGS_BYTES} bytes that a method takes")
    return data


def _packed(text: str) -> bytes:
    try:
        return msgspec.msgpack.encode(_bytes_in(json.loads(text)))
    except (ValueError, OverflowError, RecursionError) as error:
        raise Misused(f"--msgpack: {error}") from error


def _bytes_in(value: Any) -> Any:
    """Answer a value with bytes in place of what stands for them."""
    if isinstance(value, list):
        return [_bytes_in(each) for each in cast("Sequence[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    if members.keys() == {"base64"} and isinstance(members["base64"], str):
        try:
            return base64.b64decode(members["base64"], validate=True)
        except binascii.Error as error:
            raise Misused(f"--msgpack: base64: {error}") from error
    return {name: _bytes_in(each) for name, each in members.items()}
