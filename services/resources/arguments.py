"""Arguments of methods, and their results: one value in MessagePack each; none is nil."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ipcrt.errors import InvalidArgs
from ipcrt.resources.requests import InvokeRequest

T = TypeVar("T")


def arguments(request: InvokeRequest, type_: type[T]) -> T:
    """Answer what a method was given. Raises: InvalidArgs: it is something else."""
    try:
        return msgspec.msgpack.decode(request.args or b"\xc0", type=type_)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidArgs(f"{request.method}: {error}") from error


def result(value: Any) -> bytes:
    """Answer what a method answers."""
    return msgspec.msgpack.encode(value)
