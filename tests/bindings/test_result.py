"""Result unions, arm by arm and byte by byte. Source: docs/wire-format.md, "Replies"."""

from __future__ import annotations

from typing import Any

import pytest

from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.result import (
    read_result,
    write_domain_error,
    write_framework_error,
    write_response,
)
from ipcrt.bindings.tables import Method, TwoWay
from ipcrt.errors import LocalProtocolError, RemoteProtocolError, Status, Unavailable
from tests.bindings.calc import CalcError, CalcFailed, File, Number, Pair
from tests.bindings.hand import null
from tests.support.proc import open_fds

STRICT = TwoWay("test/Result.Strict", Pair, Number, strict=True)
STRICT_ERROR = TwoWay("test/Result.StrictError", Pair, Number, raises=CalcFailed, strict=True)
FLEXIBLE = TwoWay("test/Result.Flexible", Pair, Number)
FLEXIBLE_ERROR = TwoWay("test/Result.FlexibleError", Pair, Number, raises=CalcFailed)
STRICT_EMPTY = TwoWay("test/Result.StrictEmpty", Pair, type(None), strict=True)
EMPTY = TwoWay("test/Result.Empty", Pair, type(None))
FILE = TwoWay("test/Result.File", Pair, File, raises=CalcFailed)

ANSWERS = [
    pytest.param(STRICT, Number(5), b"\x91\x05", id="strict"),
    pytest.param(STRICT_ERROR, Number(5), b"\x92\x01\x91\x05", id="strict with an error"),
    pytest.param(FLEXIBLE, Number(5), b"\x92\x01\x91\x05", id="flexible"),
    pytest.param(FLEXIBLE_ERROR, Number(5), b"\x92\x01\x91\x05", id="flexible with an error"),
    pytest.param(STRICT_EMPTY, None, b"", id="strict and empty"),
    pytest.param(EMPTY, None, b"\x92\x01\x90", id="empty"),
]


def read(method: Method[Any, Any], body: bytes) -> Any:
    return read_result(method, memoryview(body), ())


@pytest.mark.parametrize("method, value, body", ANSWERS)
def test_responses(method: Method[Any, Any], value: object, body: bytes) -> None:
    assert write_response(method, value) == (body, ())
    assert read(method, body) == value


@pytest.mark.parametrize("method", [STRICT_ERROR, FLEXIBLE_ERROR])
def test_domain_errors(method: Method[Any, Any]) -> None:
    body = write_domain_error(method, CalcFailed(CalcError.DIVISION_BY_ZERO))
    assert body == b"\x92\x02\x01"
    with pytest.raises(CalcFailed) as caught:
        read(method, body)
    assert caught.value.error is CalcError.DIVISION_BY_ZERO


def test_a_domain_error_holds_a_value_of_its_enum() -> None:
    wrong: Any = 99
    with pytest.raises(LocalProtocolError):
        write_domain_error(FLEXIBLE_ERROR, CalcFailed(wrong))


def test_framework_errors() -> None:
    body = write_framework_error(Status.NOT_SUPPORTED)
    assert body == b"\x92\x03\xfe"
    for method in (FLEXIBLE, FLEXIBLE_ERROR):
        with pytest.raises(UnknownMethod, match="test/Result"):
            read(method, body)
    with pytest.raises(Unavailable, match="failed in the server"):
        read(FLEXIBLE, write_framework_error(Status.UNAVAILABLE))


BAD = [
    pytest.param(FLEXIBLE, b"", id="nothing"),
    pytest.param(FLEXIBLE, b"\x92\x01", id="no value"),
    pytest.param(FLEXIBLE, b"\x91\x01\x05", id="an array of one"),
    pytest.param(FLEXIBLE, b"\x93\x01\x91\x05\x00", id="an array of three"),
    pytest.param(FLEXIBLE, b"\x92\x00\x91\x05", id="arm 0"),
    pytest.param(FLEXIBLE, b"\x92\x04\x91\x05", id="arm 4"),
    pytest.param(FLEXIBLE, b"\xdc\x00\x02\x01\x91\x05", id="not the shortest form"),
    pytest.param(FLEXIBLE, b"\x92\x01\x91\x05\x00", id="bytes behind a response"),
    pytest.param(FLEXIBLE, b"\x92\x01\x91\xa1x", id="a response of the wrong type"),
    pytest.param(FLEXIBLE, b"\x92\x02\x01", id="a domain error that is not declared"),
    pytest.param(FLEXIBLE_ERROR, b"\x92\x02\x63", id="a domain error unheard of"),
    pytest.param(FLEXIBLE_ERROR, b"\x92\x02\x01\x00", id="bytes behind a domain error"),
    pytest.param(FLEXIBLE, b"\x92\x03\x00", id="failed with OK"),
    pytest.param(STRICT_ERROR, b"\x92\x03\xfe", id="a strict method that is not known"),
    pytest.param(FLEXIBLE, b"\x92\x03\xa1x", id="a status that is text"),
    pytest.param(FLEXIBLE, b"\x92\x03\xc3", id="a status that is true"),
    pytest.param(FLEXIBLE, b"\x92\x03\xfe\x00", id="bytes behind a status"),
    pytest.param(EMPTY, b"\x92\x01\xc0", id="an empty success that is nil"),
    pytest.param(EMPTY, b"\x92\x01\x91\x05", id="an empty success with a member"),
    pytest.param(STRICT, b"\x92\x01\x91\x05", id="a result where none belongs"),
    pytest.param(STRICT_EMPTY, b"\x90", id="a body where none belongs"),
]


@pytest.mark.parametrize("method, body", BAD)
def test_bad_results(method: Method[Any, Any], body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(method, body)


def test_a_response_owns_its_handles() -> None:
    value = read_result(FILE, memoryview(b"\x92\x01\x91\xd4\x01\x00"), [null()])
    assert not value.file.closed
    value.file.close()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x92\x00\x91\xd4\x01\x00", id="arm 0"),
        pytest.param(b"\x92\x01\x91\x05", id="a response of the wrong type"),
        pytest.param(b"\x92\x02\x01", id="a domain error with a handle"),
        pytest.param(b"\x92\x03\xfe", id="a framework error with a handle"),
        pytest.param(b"\x92\x03\xc1", id="a status that is no value at all"),
    ],
)
def test_a_bad_result_leaves_no_handle(body: bytes) -> None:
    before = len(open_fds())
    with pytest.raises(RemoteProtocolError):
        read_result(FILE, memoryview(body), [null()])
    assert len(open_fds()) == before
