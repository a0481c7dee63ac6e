"""What the daemon writes for people: one line for each message, and never a flood of them.

Clients cause most messages, so a hostile one could fill the disk and bury what matters. The
throttle lets a burst through, then a few lines a second, and says how many it dropped.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Final

BURST: Final = 200
"""Messages that may come at once."""

PER_SECOND: Final = 10.0
"""Messages that may follow."""

_PRIORITIES: Final = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}


def set_up_logging(*, verbose: bool) -> None:
    """Log to stderr: warnings and errors, and what goes well where `verbose`.

    Under JOURNAL_STREAM each line begins with its priority. Source: sd-daemon(3), systemd.exec(5).
    """
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("ipcrt-locatord: %(levelname)s: %(message)s"))
    handler.addFilter(Throttle())
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])


class JournalFormatter(logging.Formatter):
    """Put the priority in front of each line."""

    def format(self, record: logging.LogRecord) -> str:
        """Answer the message, and a traceback where there is one."""
        prefix = f"<{_PRIORITIES.get(record.levelname, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


class Throttle(logging.Filter):
    """A bucket of messages: each takes one out, time fills it again."""

    def __init__(
        self,
        burst: int = BURST,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` tells seconds."""
        super().__init__()
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = float(burst)
        self._filled = clock()
        self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass, or count it; the next to pass tells how many did not."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._filled) * self._per_second)
        self._filled = now
        if self._left < 1:
            self._dropped += 1
            return False
        self._left -= 1
        if self._dropped:
            record.msg = f"({self._dropped} messages dropped) {record.msg}"
            self._dropped = 0
        return True
