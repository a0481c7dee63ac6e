from __future__ import annotations

import errno
import os
import pickle

import pytest

from ipcrt import errors
from ipcrt.errors import (
    InvalidArgs,
    IoError,
    IpcError,
    NoResources,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    Status,
    TimedOut,
    error_for,
    from_oserror,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, IpcError)
]


def test_every_error_has_a_status_and_says_it() -> None:
    for cls in CLASSES:
        assert cls().status is cls.STATUS
        assert str(cls()) == cls.STATUS.name
        assert str(cls("what happened")) == "what happened"
        assert isinstance(cls(), IpcError)


def test_the_tree_in_the_docstring_names_every_class() -> None:
    words = (errors.__doc__ or "").split()
    assert [cls.__name__ for cls in CLASSES if cls.__name__ not in words] == []


@pytest.mark.parametrize("status", Status)
def test_a_status_becomes_the_error_that_stands_for_it(status: Status) -> None:
    error = error_for(status, "told")
    assert error.status is status
    assert str(error) == "told"
    if cls := next((cls for cls in CLASSES if cls.STATUS is status and cls is not IpcError), None):
        assert isinstance(error, cls)


def test_a_status_that_nobody_knows_is_internal() -> None:
    assert error_for(-999).status is Status.INTERNAL
    assert "-999" in str(error_for(-999))
    assert type(error_for(int(Status.PEER_CLOSED))) is PeerClosed


def test_broken_data_from_afar_is_the_peers_fault() -> None:
    assert type(error_for(Status.IO_DATA_INTEGRITY)) is RemoteProtocolError
    assert type(error_for(Status.INVALID_ARGS)) is InvalidArgs


@pytest.mark.parametrize(
    "number,cls",
    [
        (errno.EAGAIN, ShouldWait),
        (errno.EPIPE, PeerClosed),
        (errno.ETOOMANYREFS, NoResources),
        (errno.ENOTDIR, IpcError),
        (errno.EIO, IoError),
        (9999, IoError),
    ],
)
def test_the_kernels_errors_are_translated(number: int, cls: type[IpcError]) -> None:
    error = from_oserror(OSError(number, os.strerror(number)), "do it")
    assert isinstance(error, cls)
    assert str(error) == f"do it: {os.strerror(number)}"


def test_an_error_of_the_kernel_without_a_number() -> None:
    assert str(from_oserror(OSError("odd"), "do it")) == "do it: odd"


def test_a_time_out_is_pythons_too() -> None:
    with pytest.raises(TimeoutError, match="late"):
        raise TimedOut("late")


def test_an_error_survives_a_journey() -> None:
    error = pickle.loads(pickle.dumps(IpcError("told", Status.NOT_DIR)))  # noqa: S301
    assert (str(error), error.status) == ("told", Status.NOT_DIR)
