"""Process: one process, never another that was given its number.

A pidfd. Source: zx_task_kill, zx_object_get_info (koid); pidfd_open(2), waitid(2).
"""

from __future__ import annotations

import os
from typing import ClassVar, Final, Protocol, Self

from ipcrt.errors import BadState, ShouldWait, from_oserror
from ipcrt.objects import _syscalls
from ipcrt.objects import rights as _rights
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, fdinfo
from ipcrt.objects.rights import Rights

_SIGKILL: Final = 9


class Child(Protocol):
    """A child that was started by `subprocess`, `asyncio.subprocess` or trio."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it has not been waited for."""
        ...


class Process(Handle):
    """A process, which lives on when the handle is closed.

    Waiting: TERMINATED once it has ended, whether or not its parent has waited for it. Rights are
    advisory: whoever holds the descriptor may do what the kernel lets its user do.
    """

    TYPE: ClassVar[ObjType] = ObjType.PROCESS
    DEFAULT_RIGHTS: ClassVar[Rights] = (
        _rights.BASIC | _rights.IO | _rights.PROPERTY | Rights.DESTROY | Rights.SIGNAL
    )

    __slots__ = ()

    @classmethod
    def open(cls, pid: int) -> Self:
        """Make a handle to the process that has `pid` now; owned by the caller.

        A pid may be given to another process once its parent has waited for it: only a parent,
        or who compares what it finds behind the handle, knows whose it is.
        Raises: NotFound. InvalidArgs: no process's id. NoResources.
        """
        try:
            return cls(os.pidfd_open(pid))
        except OSError as error:
            raise from_oserror(error, f"open process {pid}") from error

    @classmethod
    def of_child(cls, child: Child) -> Self:
        """Make a handle to a child that was not waited for yet; owned by the caller.

        Raises: BadState: it was, so its pid may be another's. NoResources.
        """
        if child.returncode is not None:
            raise BadState(f"child {child.pid} ended with {child.returncode} and is waited for")
        return cls.open(child.pid)

    def kill(self, number: int = _SIGKILL) -> None:
        """Send a signal.

        Raises: NotFound: it has ended and was waited for. AccessDenied: the kernel refuses, or no
        DESTROY right. InvalidArgs: no signal's number.
        """
        self.require(Rights.DESTROY, "kill")
        import signal  # only here: it makes enums of all signals

        try:
            signal.pidfd_send_signal(self.fileno(), number)
        except OSError as error:
            raise from_oserror(error, f"send signal {int(number)}") from error

    @property
    def pid(self) -> int:
        """Its id as this process sees it; -1 once it was waited for, 0 in a foreign pid namespace.

        By the time it is looked at it may be another's: use it to tell, never to act.
        """
        return fdinfo(self.fileno(), "Pid")

    def wait_status(self, *, reap: bool = False, block: bool = False) -> int:
        """Answer how our child ended: its exit status, or the negative number of a signal.

        It stays a zombie, and answers the same again, unless we `reap` it. Leave that to the
        module that started it, where one did: `subprocess` would report status 0. One that runs is
        waited for where that may `block`; Ctrl-C ends the wait. With a deadline: `port.waiting`.
        Raises: ShouldWait: it runs. BadState: no child of ours, or reaped.
        """
        options = os.WEXITED | (0 if reap else os.WNOWAIT) | (0 if block else os.WNOHANG)
        try:
            result = os.waitid(os.P_PIDFD, self.fileno(), options)
        except ChildProcessError:
            raise BadState("no child of this process, or it was waited for already") from None
        except OSError as error:
            raise from_oserror(error, "wait for a process") from error
        if result is None:
            raise ShouldWait("the process has not ended")
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status

    def is_terminated(self) -> bool:
        """True once it has ended, all threads of it; asks once and does not wait."""
        try:
            return _syscalls.is_readable(self.fileno())
        except OSError as error:
            raise from_oserror(error, "look at a process") from error
