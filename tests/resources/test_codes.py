"""Error codes and the exceptions that they stand for."""

from __future__ import annotations

import errno

import pytest

from ipcrt.errors import AccessDenied, IpcError, NotFound, Status
from ipcrt.resources.codes import code_of, error_of, is_expected


@pytest.mark.parametrize(
    "error, code",
    [
        (NotFound("x"), Status.NOT_FOUND),
        (FileNotFoundError(errno.ENOENT, "x"), Status.NOT_FOUND),
        (PermissionError(errno.EPERM, "x"), Status.ACCESS_DENIED),
        (OSError(errno.ENOSPC, "x"), Status.NO_SPACE),
        (TimeoutError(), Status.TIMED_OUT),
        (OSError("no errno"), Status.IO),
        (ValueError("x"), Status.INTERNAL),
        (IpcError("x", Status.OK), Status.INTERNAL),
    ],
)
def test_an_exception_has_a_code(error: Exception, code: Status) -> None:
    assert code_of(error) == code


def test_a_code_is_the_exception_again() -> None:
    assert isinstance(error_of(Status.ACCESS_DENIED, "open x:"), AccessDenied)
    assert str(error_of(Status.NOT_FOUND, "open x:")) == "open x:: NOT_FOUND"
    unknown = error_of(12345, "open x:")
    assert unknown.status is Status.INTERNAL
    assert "12345" in str(unknown)


def test_defects_are_told_from_what_a_handler_means_to_say() -> None:
    assert is_expected(NotFound("x"))
    assert is_expected(FileNotFoundError())
    assert not is_expected(KeyError("x"))
