"""Start a command with a listening socket, as a service manager does.

1. The command finds the socket as descriptor 3, blocking, and the LISTEN_ variables with its own
   pid in them, which nobody knows before fork(2). No other descriptor above 2 reaches it.
2. It starts with default signal handling, and no signal that was sent after fork(2) is lost.
3. It has a process group of its own: Ctrl-C reaches it once, through whoever passes it on.
4. It is sent SIGTERM when its parent dies, however that happens, so that it cannot go on serving
   a socket that nobody watches. The kernel forgets this if the command is set-uid.
Source: sd_listen_fds(3); PR_SET_PDEATHSIG in prctl(2).
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from typing import Final, NoReturn

from ipcrt.cli.complaint import Misused
from ipcrt.locator.spawn_with_parent import NOT_EXECUTABLE, NOT_FOUND, die_with_parent

_FIRST_FD: Final = 3
_LISTEN_VARIABLES: Final = ("LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES")


def check_name(name: str) -> None:
    """Refuse what $LISTEN_FDNAMES cannot hold.

    Raises: Misused. Source: sd_listen_fds_with_names(3).
    """
    if not name or len(name) > 255 or ":" in name or not (name.isascii() and name.isprintable()):
        raise Misused(f"{name!r} cannot name a socket: 1 to 255 ASCII characters, no colon")


def find_program(program: str) -> str:
    """Answer where a command is, before anybody waits for it.

    Beside our own interpreter too: `ipcrt-locatord` need not be on the PATH where `ipcrt` is
    called by its path. Raises: Misused.
    """
    found = shutil.which(program) or shutil.which(program, path=os.path.dirname(sys.executable))
    if found is None:
        raise Misused(f"{program}: no such command")
    return found


def launch(command: list[str], listener_fd: int, name: str) -> int:
    """Start `command` with the socket and answer its pid; the socket stays the caller's.

    Where it cannot be executed, the child says so and ends with 126 or 127. Call it from the main
    thread of a process with no other: the rest of fork(2) is not safe.
    """
    parent = os.getpid()
    environment = _environment(name)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _become(command, listener_fd, environment, parent)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def _environment(name: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in _LISTEN_VARIABLES}
    return kept | {"LISTEN_FDS": "1", "LISTEN_FDNAMES": name}


def _become(
    command: list[str], listener_fd: int, environment: Mapping[str, str], parent: int
) -> NoReturn:
    """Turn this fresh child into `command`; returns in no case."""
    status = NOT_EXECUTABLE
    try:
        os.setpgid(0, 0)
        die_with_parent(parent)
        _pass_socket(listener_fd)
        _reset_signals()
        os.execvpe(command[0], command, {**environment, "LISTEN_PID": str(os.getpid())})
    except OSError as error:
        if error.errno == errno.ENOENT:
            status = NOT_FOUND
        os.write(2, f"ipcrt: cannot run {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(status)


def _pass_socket(listener_fd: int) -> None:
    os.set_blocking(listener_fd, True)
    if listener_fd == _FIRST_FD:
        os.set_inheritable(_FIRST_FD, True)
    else:
        os.dup2(listener_fd, _FIRST_FD)
    os.closerange(_FIRST_FD + 1, os.sysconf("SC_OPEN_MAX"))


def _reset_signals() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
