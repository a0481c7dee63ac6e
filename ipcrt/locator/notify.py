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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from ipcrt.errors import IpcError
from ipcrt.objects import _scm

_SEND_SECONDS: Final = 1.0
"""How long a message may wait for room; a supervisor that needs longer does not listen."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notifier:
    """Send our state to the supervisor; without one, every method does nothing.

    `address` is a path, or "@" and a name in the abstract namespace, or "" for no supervisor.
    `watchdog_interval_us` is the time between two `watchdog()` after which the supervisor kills
    us (send twice as often), or None if it does not watch. `fd_store` is how many descriptors it
    says that it keeps for us.
    """

    address: str = ""
    watchdog_interval_us: int | None = None
    fd_store: int = 0

    @classmethod
    def from_environment(cls) -> Self:
        """Read and remove NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID and FDSTORE.

        What cannot be understood is logged and counts as absent.
        """
        address = os.environ.pop("NOTIFY_SOCKET", "")
        if address and address[0] not in "/@":
            _log.warning("cannot notify %r: only AF_UNIX addresses are known", address)
            address = ""
        store = os.environ.pop("FDSTORE", "")
        if store and not _is_number(store):
            _log.warning("FDSTORE=%r is not a number of descriptors", store)
            store = ""
        interval = os.environ.pop("WATCHDOG_USEC", "")
        watched = os.environ.pop("WATCHDOG_PID", "")
        if watched and watched != str(os.getpid()):
            interval = ""
        if interval and not (_is_number(interval) and int(interval)):
            _log.warning("WATCHDOG_USEC=%r is not a number of microseconds", interval)
            interval = ""
        return cls(address, int(interval) if interval else None, int(store) if store else 0)

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

    def store(self, name: str, fds: Sequence[int]) -> bool:
        """Have the supervisor keep copies of `fds`, 253 at most, under `name` for our successor.

        False: it was not told. That it was does not say that it has room for them.
        """
        return self._send(f"FDSTORE=1\nFDPOLL=0\nFDNAME={name}", fds)

    def unstore(self, name: str) -> bool:
        """Have the supervisor let go of all that it keeps under `name`. False: it was not told."""
        return self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def _send(self, assignment: str, fds: Sequence[int] = ()) -> bool:
        if not self.address:
            return False
        # The leading "@" stands for the NUL byte of the abstract namespace.
        address = "\0" + self.address[1:] if self.address[0] == "@" else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(_SEND_SECONDS)
                # Connected, because only then does poll(2) wait for room at the other side.
                sender.connect(address)
                _scm.send(sender, assignment.encode(errors="replace"), fds)
        except (OSError, IpcError) as error:
            _log.warning("cannot notify %s of %s: %s", self.address, assignment, error)
            return False
        return True


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
