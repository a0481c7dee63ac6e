"""The supervisor: waits for a client, runs the command, waits again.

1. The listening socket stays open here, so that no connection is lost while the command is away.
   Nobody accepts here: a client that waits keeps the socket readable.
2. A command that ends at once must not spin: the pause before it may start again doubles from
   0.1 to 10 seconds, and is back at its first length once the command has run for a second and
   ended well, or has run for 10.
3. SIGTERM, SIGINT and SIGHUP are passed on to the command, which is killed if it does not end
   within 10 seconds. It is always waited for.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

from ipcrt.cli.launch import launch
from ipcrt.errors import TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_many

_STOPPERS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_FIRST_PAUSE_S: Final = 0.1
_LAST_PAUSE_S: Final = 10.0
_HEALTHY_S: Final = (1.0, 10.0)
"""How long a command must have run, if it ended well and if it failed, to be healthy."""
GRACE_S: Final = 10.0
"""Seconds in which a command must end when it is told to."""


class Supervisor:
    """Runs one command for one listening socket; borrows the socket."""

    def __init__(
        self,
        listener_fd: int,
        name: str,
        command: Sequence[str],
        *,
        once: bool = False,
        grace_s: float = GRACE_S,
    ) -> None:
        """`name` is the socket's in $LISTEN_FDNAMES; `grace_s` is how long rule 3 waits."""
        self._listener_fd = listener_fd
        self._name = name
        self._command = list(command)
        self._once = once
        self._grace_s = grace_s
        self._stopped_by: signal.Signals | None = None
        self._pause = _FIRST_PAUSE_S

    def run(self, ready: Callable[[], object]) -> int:
        """Serve until a signal comes, or with `once` until the command ends; answer the status.

        That is the command's own with `once`, 130 for SIGINT, and 0 for the other signals.
        `ready` is called when signals are no longer lost on us.
        """
        with self._wake_on_signals() as wake, Handle(os.dup(self._listener_fd)) as listener:
            ready()
            while True:
                _sleep(wake, listener)
                if self._stopped():
                    return self._status_after_stop()
                started = time.monotonic()
                status = self._run_command(wake)
                if self._stopped():
                    return self._status_after_stop()
                if self._once:
                    return status if status >= 0 else 128 - status
                self._hold_back(wake, status, time.monotonic() - started)

    def _run_command(self, wake: Handle) -> int:
        """Run the command to its end; answer its exit status, or a signal's number negated."""
        with Process.open(launch(self._command, self._listener_fd, self._name)) as process:
            while not process.is_terminated():
                _sleep(wake, process)
                if self._stopped():
                    self._end(process)
            return process.wait_status(reap=True)

    def _end(self, process: Process) -> None:
        """Pass the signal on, and see to it that the command ends."""
        assert self._stopped_by is not None
        process.kill(self._stopped_by)
        try:
            wait_many([(process, Signals.TERMINATED)], self._grace_s)
        except TimedOut:
            _say(f"{self._command[0]} does not end within {self._grace_s:g} s; killing it")
            process.kill()
            wait_many([(process, Signals.TERMINATED)])

    def _hold_back(self, wake: Handle, status: int, lived_s: float) -> None:
        """Tell of a failure, and pause (rule 2)."""
        if lived_s >= _HEALTHY_S[status != 0]:
            self._pause = _FIRST_PAUSE_S
        if status:
            _say(f"{self._command[0]} {_ending(status)}; pausing {self._pause:.1f} s")
        _sleep(wake, timeout=self._pause)
        self._pause = min(self._pause * 2, _LAST_PAUSE_S)

    @contextmanager
    def _wake_on_signals(self) -> Generator[Handle]:
        """Note the signals of rule 3, and make a pipe readable when one comes."""
        fds = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        with Handle(fds[0]) as wake, Handle(fds[1]) as writer:
            before = {number: signal.signal(number, self._note) for number in _STOPPERS}
            wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            try:
                yield wake
            finally:
                signal.set_wakeup_fd(wakeup)
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _note(self, number: int, _: object) -> None:
        self._stopped_by = signal.Signals(number)

    def _stopped(self) -> bool:
        return self._stopped_by is not None

    def _status_after_stop(self) -> int:
        return 130 if self._stopped_by is signal.SIGINT else 0


def _sleep(wake: Handle, other: Handle | None = None, timeout: float | None = None) -> None:
    """Return when a signal has come, `other` is readable or has ended, or time is up."""
    items = [(wake, Signals.READABLE)]
    if other is not None:
        items.append((other, Signals.READABLE | Signals.TERMINATED))
    try:
        wait_many(items, timeout)
    except TimedOut:
        return


def _ending(status: int) -> str:
    if status > 0:
        return f"failed with status {status}"
    return f"was ended by {signal.Signals(-status).name}"


def _say(text: str) -> None:
    sys.stderr.write(f"ipcrt activate: {text}\n")
    sys.stderr.flush()
