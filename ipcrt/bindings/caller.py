"""Caller: what takes a client's plain calls from their request to their result.

Plain is as in `shortcut`. Where the extension is in use, a plain call that may leave at once goes
this way (`ipcrt/_speedups/caller.c`); all others, and all without it, go through the client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

from ipcrt._speedups.chosen import choose
from ipcrt.bindings.call import Call
from ipcrt.bindings.result import EMPTY_STRUCT, SUCCESS
from ipcrt.bindings.tables import Method
from ipcrt.objects._scm import PacketSocket
from ipcrt.wire.frames import Body, encode

if TYPE_CHECKING:  # that is the server's
    from ipcrt.bindings.shortcut import OnMessage

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class Begin(Protocol):
    """As `Client._begin`."""

    def __call__(
        self, method: Method[RequestT, ResponseT], request: RequestT, timeout: float | None
    ) -> Call[ResponseT]: ...


class Result(Protocol):
    """As `Client._result`."""

    def __call__(self, call: Call[ResponseT], /) -> ResponseT: ...


class Ways(NamedTuple):
    """The ways through a client, in the order that caller.c knows."""

    begin: Begin
    result: Result
    message: OnMessage


class Plan(NamedTuple):
    """All that a plain call needs, in the order that caller.c knows."""

    head: bytes
    """The request's header without txid and length."""
    encode: Callable[[object], bytes] | None
    """Request to bytes, raising where it is none; None: it is `()`, which has none."""
    decode: Callable[[Body], Any] | None
    """Bytes to response; None: there is nothing behind `prefix`."""
    prefix: bytes
    """What stands before those bytes in a success."""


def plan_for(method: Method[Any, Any]) -> Plan | None:
    """Answer a method's plan, or None where its request or its response are not plain."""
    request, response = method.request, method.response
    try:
        encode_request, decode = request.swift_encode, response.swift_decode
    except TypeError:  # no wire form, which its first encoding tells
        return None
    if not (encode_request or request.is_empty) or not (decode or response.is_empty):
        return None
    prefix = SUCCESS if method.has_result else b""
    if method.has_result and response.is_empty:
        prefix += EMPTY_STRUCT
    head = encode(0, method.ordinal, method.flags, b"")
    return Plan(head, encode_request, decode, prefix)


def _caller(
    ways: Ways,
    client: object,
    packets: PacketSocket,
    plan: Callable[[Method[Any, Any]], Plan | None],
    call: type[Call[Any]],
) -> Ways | tuple[Begin, Result, OnMessage]:
    del client, packets, plan, call
    return ways


make_caller: Final = choose("caller", _caller)
"""Answers the ways through a client: by its methods' plans, or those that it is given."""
