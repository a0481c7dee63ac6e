"""What a call may raise beyond the transport's own errors.

IpcError
├── DomainError      the server refused, with a value of the method's own error enum
└── UnknownMethod    the server does not know the method (framework error)
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Generic, TypeVar

from ipcrt.errors import IpcError, Status

ErrorT = TypeVar("ErrorT", bound=int)


class DomainError(IpcError, Generic[ErrorT]):
    """A method's own error; subclass it once for each error enum and name the enum.

        class WriteFailed(DomainError[WriteError]):
            ERROR = WriteError

    A handler raises it, the client's call raises the same.
    """

    ERROR: ClassVar[type[Any]]
    STATUS = Status.OK

    def __init__(self, error: ErrorT) -> None:
        self.error: Final[ErrorT] = error
        super().__init__(getattr(error, "name", str(error)))


class UnknownMethod(IpcError):
    """The server does not know the method; it may be older or newer than this client."""

    STATUS = Status.NOT_SUPPORTED


def again(error: IpcError) -> IpcError:
    """Make a fresh copy: one error that many tasks raise would gather all their tracebacks.

    By hand: where a peer dies with a thousand calls pending, `copy` takes the most of their end.
    """
    kind = type(error)
    fresh = kind.__new__(kind)
    fresh.args = error.args
    fresh.__dict__.update(error.__dict__)
    fresh.__cause__ = error
    return fresh
