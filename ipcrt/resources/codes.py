"""Error codes of Abort and Error: statuses, as 32-bit integers, and the exceptions they stand for.

Zero is no error and never sent. A number that has no name is carried all the same.
"""

from __future__ import annotations

from ipcrt.errors import IpcError, Status, error_for, from_oserror


def code_of(error: BaseException) -> int:
    """Answer the code that tells a peer of `error`; no text of it crosses the wire."""
    if isinstance(error, IpcError):
        return int(error.status) or int(Status.INTERNAL)
    if isinstance(error, TimeoutError):
        return int(Status.TIMED_OUT)
    if isinstance(error, OSError):
        return int(from_oserror(error, "").status)
    return int(Status.INTERNAL)


def is_expected(error: BaseException) -> bool:
    """True where a handler that raises `error` means to tell it: no defect of the server."""
    return isinstance(error, IpcError | OSError)


def error_of(code: int, doing: str) -> IpcError:
    """Make the exception that a code stands for; `doing` says what failed."""
    name = next((each.name for each in Status if each == code), str(code))
    return error_for(code, f"{doing}: {name}")
