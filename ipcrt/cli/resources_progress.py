"""Progress: a bar on a terminal's standard error, for what takes longer than a moment.

It is drawn by rich, which is loaded only then, and only where somebody counts: of bytes that come
through here who stalls sees the bar stand still. Sizes are in bytes.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final, Self

from ipcrt.cli.resources_stdio import STDERR

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

AFTER_S: Final = 0.5
"""What is done sooner is not worth a bar."""
EVERY_S: Final = 0.1


class Progress:
    """Counts bytes, and shows them where somebody looks; owns the bar."""

    def __init__(self, *, shown: bool, total: int | None = None) -> None:
        """`total` is how many bytes are to come, where that is known."""
        self.bytes = 0
        """So many have come."""
        self.total = total
        self.shown: Final = shown
        """True where somebody looks."""
        self._begun = time.monotonic()
        self._due = self._begun + AFTER_S if shown else float("inf")
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken until now."""
        return time.monotonic() - self._begun

    def add(self, count: int) -> None:
        """So many more bytes have come."""
        self.reach(self.bytes + count)

    def reach(self, count: int | None) -> None:
        """So many bytes have come in all; None: nobody knows, and time has passed."""
        if count is not None:
            self.bytes = count
        now = time.monotonic()
        if now >= self._due:
            self._due = now + EVERY_S
            self._draw()

    def _draw(self) -> None:
        if self._bar is None:
            self._begin()
        assert self._bar is not None
        assert self._task is not None
        self._bar.update(self._task, completed=self.bytes, total=self.total)
        self._bar.refresh()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as RichProgress

        # stdout is not rich's to redirect: the data goes there, past Python's buffers.
        self._bar = RichProgress(
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeElapsedColumn() if self.total is None else TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=self.total)
        self._bar.start()

    def close(self) -> None:
        """Wipe the bar, and give the terminal back as it was. Idempotent."""
        self._due = float("inf")
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def can_show() -> bool:
    """True where standard error is a terminal."""
    try:
        return os.isatty(STDERR)
    except OSError:
        return False
