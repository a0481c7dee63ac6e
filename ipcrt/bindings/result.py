"""Result unions: how a reply tells success from failure.

A strict method without an error answers its response. All others answer `[1, response]`,
`[2, domain error]` or, where they are flexible, `[3, status of the framework]`; in MessagePack's
shortest form that is two bytes before the value, so that the value itself goes through its own
codec.
Source: docs/wire-format.md, "Replies"; FIDL, RFC-0138.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final, TypeVar

from ipcrt.bindings.errors import DomainError, UnknownMethod
from ipcrt.bindings.tables import Method
from ipcrt.errors import RemoteProtocolError, Status, error_for
from ipcrt.objects.handle import Handle, close_all
from ipcrt.wire.body import decode_value, encode_value
from ipcrt.wire.frames import Body

ResponseT = TypeVar("ResponseT")

_PAIR: Final = 0x92
_RESPONSE: Final = 1
_DOMAIN: Final = 2
_FRAMEWORK: Final = 3
EMPTY_STRUCT: Final = b"\x90"
"""What stands for the response `()` in a result union."""
SUCCESS: Final = bytes((_PAIR, _RESPONSE))
"""What stands before the response in a result union."""


def write_response(
    method: Method[Any, ResponseT], value: ResponseT
) -> tuple[bytes, Sequence[Handle]]:
    """Answer the reply's body and its handles, which stay the caller's.

    Raises: LocalProtocolError: the value is not the method's response.
    """
    body, handles = method.response.encode(value)
    if method.has_result:
        body = SUCCESS + (body or EMPTY_STRUCT)
    return body, handles


def write_domain_error(method: Method[Any, Any], error: DomainError[Any]) -> bytes:
    """Answer the reply's body for a domain error that the method declares.

    Raises: LocalProtocolError: it holds no value of the method's error enum.
    """
    codec = method.error
    assert codec is not None
    return bytes((_PAIR, _DOMAIN)) + codec.encode(error.error)[0]


def write_framework_error(status: Status) -> bytes:
    """Answer the reply's body for a call that no handler took."""
    return bytes((_PAIR, _FRAMEWORK)) + encode_value(int(status))


def read_result(method: Method[Any, ResponseT], body: Body, handles: Sequence[Handle]) -> ResponseT:
    """Answer the response; it owns the handles.

    Raises: DomainError, UnknownMethod, RemoteProtocolError; then all handles are closed.
    """
    if not method.has_result:
        return method.response.decode(body, handles)
    if body[:2] == SUCCESS and len(body) > 2 and method.response.type is not NoneType:
        return method.response.decode(body[2:], handles)
    try:
        ordinal = _ordinal(method, body)
    except RemoteProtocolError:
        close_all(handles)
        raise
    rest = body[2:]
    if ordinal == _RESPONSE:
        return method.response.decode(_without_empty_struct(rest), handles)
    raise _failure(method, ordinal, rest, handles)


def _failure(
    method: Method[Any, Any], ordinal: int, body: Body, handles: Sequence[Handle]
) -> Exception:
    """Answer the exception that a reply stands for."""
    if ordinal == _DOMAIN and method.error is not None and method.raises is not None:
        return method.raises(method.error.decode(body, handles))
    close_all(handles)
    if handles:
        return RemoteProtocolError(f"{method.selector}: failure with {len(handles)} handles")
    status = decode_value(body)
    if ordinal == _FRAMEWORK and not method.strict and type(status) is int and status != Status.OK:
        if status == Status.NOT_SUPPORTED:
            return UnknownMethod(f"{method.selector}: the server does not know it")
        return error_for(status, f"{method.selector}: failed in the server")
    return RemoteProtocolError(f"{method.selector}: result {ordinal}, which the method has not")


def _ordinal(method: Method[Any, Any], body: Body) -> int:
    if len(body) < 3 or body[0] != _PAIR or body[1] not in (_RESPONSE, _DOMAIN, _FRAMEWORK):
        raise RemoteProtocolError(f"{method.selector}: reply is no result union")
    return body[1]


def _without_empty_struct(body: Body) -> Body:
    if bytes(body) != EMPTY_STRUCT:
        raise RemoteProtocolError("empty success that is not []")
    return body[1:]
