"""Shortcut: all that a plain request needs on its way to its reply, and who takes it.

Plain is what msgspec alone encodes and decodes: no handles, no tables, no bounds that it does not
check. Where the extension is in use, a plain request whose handler answers at once goes this way
(`ipcrt/_speedups/dispatch.c`); all others, and all without it, go through the binding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any, Final, NamedTuple, TypeAlias

from ipcrt._speedups.chosen import choose
from ipcrt.bindings.result import EMPTY_STRUCT, SUCCESS
from ipcrt.bindings.route import Route
from ipcrt.objects._scm import PacketSocket
from ipcrt.objects.handle import Handle
from ipcrt.wire.frames import Body
from ipcrt.wire.frames import encode as encode_frame

OnMessage: TypeAlias = Callable[[int, int, int, Body, Sequence[Handle]], None]


class Shortcut(NamedTuple):
    """In the order that dispatch.c knows."""

    decode: Callable[[Body], Any] | None
    """Body to request; None: the body must be empty, and the handler takes nothing."""
    arguments: Callable[[Any], tuple[Any, ...]]
    handler: Callable[..., Any]
    is_call: bool
    method: object
    answer: type[Any]
    """The exact type of a plain answer."""
    encode: Callable[[object], bytes] | None
    """Answer to bytes, raising where it is none; None: there is nothing to encode."""
    head: bytes
    """The reply's header without txid and length, and what stands before those bytes."""


Shortcuts: TypeAlias = dict[int, Shortcut]
"""By ordinal; whoever makes a route adds it."""


def shortcut_for(route: Route) -> Shortcut | None:
    """Answer a route's shortcut, or None where its request or its answer are not plain."""
    method = route.method
    decode = method.request.swift_decode if not method.request.is_empty else None
    if decode is None and not method.request.is_empty:
        return None
    answer: type[Any] = NoneType
    encode_answer = None
    head = b""
    if method.is_call:
        head = encode_frame(0, method.ordinal, method.flags, b"") + (
            SUCCESS if method.has_result else b""
        )
        response = method.response
        if not response.is_empty:
            answer, encode_answer = response.type, response.swift_encode
            if encode_answer is None:
                return None
        elif method.has_result:
            head += EMPTY_STRUCT
    return Shortcut(
        decode,
        route.arguments,
        route.handler,
        method.is_call,
        method,
        answer,
        encode_answer,
        head,
    )


def _dispatcher(on_message: OnMessage, binding: object, packets: PacketSocket) -> OnMessage:
    del binding, packets
    return on_message


make_dispatcher: Final = choose("dispatcher", _dispatcher)
"""Answers what takes the messages of a binding: by their shortcuts, or by `on_message`."""
