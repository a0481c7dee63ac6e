"""What is shown while it goes on: bars on a terminal, lines elsewhere, nothing for machines."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_REFRESH_S: Final = 0.05


def show(line: str) -> None:
    """Print a line, without a buffer that could fail later; where nobody reads, it is lost."""
    rest = (line + "\n").encode(errors="replace")
    try:
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
    except BrokenPipeError:
        return


class View:
    """Shows nothing; also the base of those that do."""

    def __init__(self) -> None:
        self.deeds: list[tuple[str, str]] = []
        """Who did what, in the order in which it was told."""

    def say(self, who: str, text: str) -> None:
        """Tell what a process did."""
        self.deeds.append((who, text))

    def progress(self, who: str, step: str, done: int, total: int) -> None:
        """Tell how far a process is."""

    def finish(self) -> None:
        """Stop showing progress; what is said from now on is the summary."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()


class Lines(View):
    """One line for each deed."""

    def say(self, who: str, text: str) -> None:
        super().say(who, text)
        show(f"{who:<10} {text}")


class Bars(View):
    """Lines above, and one bar for each process that is at work. Needs a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        super().__init__()
        self._console = Console(highlight=False)
        # Not refreshed by a thread of its own: the conductor forks, and stays single-threaded.
        self._progress: Progress = Progress(
            TextColumn("{task.fields[who]:<10}"),
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._shown = 0.0
        self._stack = ExitStack()
        self._stack.enter_context(self._progress)

    def say(self, who: str, text: str) -> None:
        super().say(who, text)
        self._console.print(f"{who:<10} {text}", markup=False, soft_wrap=True)

    def progress(self, who: str, step: str, done: int, total: int) -> None:
        if total < 2:
            return
        if who not in self._tasks:
            self._tasks[who] = self._progress.add_task(step, total=total, who=who)
        self._progress.update(self._tasks[who], description=step, completed=done, total=total)
        now = time.monotonic()
        if now - self._shown > _REFRESH_S or done == total:
            self._shown = now
            self._progress.refresh()

    def finish(self) -> None:
        self._stack.close()


def view_for(*, as_json: bool) -> View:
    """Answer the view that fits where standard output goes."""
    if as_json:
        return View()
    return Bars() if sys.stdout.isatty() else Lines()
