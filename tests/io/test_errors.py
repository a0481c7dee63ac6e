from __future__ import annotations

import errno
import io
import os

import pytest

from ipcrt.errors import NotFound, NotSupported, Status, TimedOut, error_for
from ipcrt.io.errors import ERRNO_OF, PosixErrors, oserror_for


def test_every_status_has_an_errno() -> None:
    assert set(ERRNO_OF) == set(Status) - {Status.OK}
    assert errno.EINTR not in ERRNO_OF.values()  # Python's buffers would try again for ever


@pytest.mark.parametrize(
    "status, kind",
    [
        (Status.NOT_FOUND, FileNotFoundError),
        (Status.ACCESS_DENIED, PermissionError),
        (Status.PEER_CLOSED, BrokenPipeError),
        (Status.TIMED_OUT, TimeoutError),
        (Status.SHOULD_WAIT, BlockingIOError),
        (Status.ALREADY_EXISTS, FileExistsError),
        (Status.NOT_DIR, NotADirectoryError),
        (Status.NOT_FILE, IsADirectoryError),
        (Status.CONNECTION_REFUSED, ConnectionRefusedError),
        (Status.NOT_SUPPORTED, io.UnsupportedOperation),
    ],
)
def test_a_status_is_the_subclass_that_its_errno_stands_for(
    status: Status, kind: type[OSError]
) -> None:
    error = oserror_for(error_for(status, "why"), "name")
    assert type(error) is kind
    assert error.errno == ERRNO_OF[status]
    assert (error.strerror, error.filename) == (os.strerror(ERRNO_OF[status]), "name")


def test_a_context_turns_ours_alone_and_chains_them() -> None:
    with pytest.raises(FileNotFoundError) as caught, PosixErrors("uri"):
        raise NotFound("where it was looked for")
    assert isinstance(caught.value.__cause__, NotFound)
    with pytest.raises(TimeoutError) as late, PosixErrors():
        raise TimedOut
    assert late.value.errno == errno.ETIMEDOUT
    with pytest.raises(KeyError), PosixErrors():
        raise KeyError
    with pytest.raises(ValueError, match="Operation not supported"), PosixErrors():
        raise NotSupported
