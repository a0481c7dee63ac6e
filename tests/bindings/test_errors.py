from __future__ import annotations

import pytest

from ipcrt.bindings.errors import DomainError, UnknownMethod, again
from ipcrt.errors import IpcError, PeerClosed, Status, TimedOut
from tests.bindings.calc import CalcError, CalcFailed


def test_a_domain_error_is_told_by_its_name() -> None:
    error = CalcFailed(CalcError.DIVISION_BY_ZERO)
    assert isinstance(error, DomainError)
    assert isinstance(error, IpcError)
    assert error.error is CalcError.DIVISION_BY_ZERO
    assert str(error) == "DIVISION_BY_ZERO"
    assert error.status is Status.OK, "the transport did its work"


def test_an_unknown_method_is_no_domain_error() -> None:
    assert UnknownMethod().status is Status.NOT_SUPPORTED
    assert not issubclass(UnknownMethod, DomainError)


@pytest.mark.parametrize(
    "error",
    [
        PeerClosed("gone"),
        TimedOut("late"),
        IpcError("odd", Status.NO_SPACE),
        CalcFailed(CalcError.DIVISION_BY_ZERO),
    ],
)
def test_again_is_the_same_error_without_its_traceback(error: IpcError) -> None:
    try:
        raise error
    except IpcError:
        fresh = again(error)
    assert fresh is not error
    assert type(fresh) is type(error)
    assert str(fresh) == str(error)
    assert fresh.status is error.status
    assert vars(fresh) == vars(error)
    assert fresh.__cause__ is error
    assert fresh.__traceback__ is None
