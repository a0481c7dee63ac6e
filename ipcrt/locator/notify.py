"""Telling the supervisor how we are: the protocol of sd_notify(3).

1. A supervisor that is gone, slow or absent is no reason to fail: nothing here raises.
2. No descriptor is kept between two messages, so none can leak or go stale.
3. The variables speak to this process and leave the environment when they are read.
Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from typing import Final, Self

_SEND_SECONDS: Final = 1.0
"""How long a message may wait for room; a supervisor that needs longer does not listen."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Send our state to the supervisor; without one, every method does nothing.

    `address` is a path, or "@" and a name in the abstract namespace, or "" for no supervisor.
    `watchdog_interval_us` is the time between two `watchdog()` after which the supervisor kills
    us (send twice as often), or None if it does not watch.
    """

    address: str = ""
    watchdog_interval_us: int | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read and remove NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.

        What cannot be understood is logged and counts as absent.
        """
        address = os.environ.pop("NOTIFY_SOCKET", "")
        if address and address[0] not in "/@":
            _log.warning("cannot notify %r: only AF_UNIX addresses are known", address)
            address = ""
        interval = os.environ.pop("WATCHDOG_USEC", "")
        watched = os.environ.pop("WATCHDOG_PID", "")
        if watched and watched != str(os.getpid()):
            interval = ""
        if interval and not (interval.isascii() and interval.isdecimal() and int(interval)):
            _log.warning("WATCHDOG_USEC=%r is not a number of microseconds", interval)
            interval = ""
        return cls(address, int(interval) if interval else None)

    def ready(self) -> None:
        """Say that start-up, or a reload, is done."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Say that we are on our way out."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Give one line for people; line breaks in `text` become blanks."""
        self._send("STATUS=" + " ".join(text.splitlines()))

    def watchdog(self) -> None:
        """Say that we are alive."""
        self._send("WATCHDOG=1")

    def extend_timeout(self, us: int) -> None:
        """Ask for `us` microseconds from now for the start, run or stop in progress."""
        self._send(f"EXTEND_TIMEOUT_USEC={us}")

    def _send(self, assignment: str) -> None:
        if not self.address:
            return
        # The leading "@" stands for the NUL byte of the abstract namespace.
        address = "\0" + self.address[1:] if self.address[0] == "@" else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(_SEND_SECONDS)
                # Connected, because only then does poll(2) wait for room at the other side.
                sender.connect(address)
                sender.send(assignment.encode(errors="replace"))
        except OSError as error:
            _log.warning("cannot notify %s of %s: %s", self.address, assignment, error)
