"""A stepping stone for children that are to die with their parent: run as a file, then replaced.

    python -I -S spawn_with_parent.py PARENT SIGNAL COMMAND...

Only the child itself can ask the kernel for that, between fork(2) and execve(2), where a process
with threads may run no Python. So the child asks as this program, which becomes COMMAND then: same
process, same descriptors, same environment. It imports nothing of ours, to cost little.
Source: PR_SET_PDEATHSIG in prctl(2).
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C is the command's, and needs no traceback of its stepping stone
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import ctypes
import os
import sys
from typing import Final, NoReturn

_PR_SET_PDEATHSIG: Final = 1
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
"""What a shell answers for commands that it cannot run."""

_libc: Final = ctypes.CDLL(
    None
)  # loaded here, since `die_with_parent` may run between fork and exec


def die_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Have the kernel send us `number` when the thread that forked us ends, `parent`'s.

    Exits at once where it has ended already. Source: prctl(2).
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(NOT_EXECUTABLE)


def main(arguments: list[str]) -> NoReturn:
    """Become the command."""
    parent, number, *command = arguments
    die_with_parent(int(parent), int(number))
    for changed in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):  # by the interpreter's start
        signal.signal(changed, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, os.environ)
    except OSError as error:
        os.write(2, f"ipcrt: cannot run {command[0]}: {error.strerror}\n".encode())
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
