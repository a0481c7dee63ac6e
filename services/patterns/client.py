"""The client's halves: who listens to the board's events, and holds the board to its contract."""

from __future__ import annotations

from collections.abc import Callable

from ipcrt.bindings.acknowledger import Acknowledger
from ipcrt.bindings.allowance import Allowance
from ipcrt_services.patterns.bindings import (
    MAX_FOUND,
    STROKE_WINDOW,
    BoardEvents,
    Shape,
    StrokesEvents,
)


class BoardListener(BoardEvents):
    """Hears of changes and of what is found; a board that says more is closed."""

    def __init__(self) -> None:
        self._allowed = Allowance()
        self._expected = Allowance()
        self.shapes: list[int] = []
        """How many shapes the gallery had, each time that it changed."""
        self.found: list[Shape] = []
        self.scans = 0
        """How many scans are over."""

    def allow(self, count: int) -> int:
        """Answer the argument for `allow_changes`."""
        return self._allowed.grant(count)

    def expect_scan(self, prefix: str) -> str:
        """Answer the argument for `scan`."""
        self._expected.grant(MAX_FOUND + 1)  # and the end
        return prefix

    def on_change(self, shapes: int) -> None:
        self._allowed.receive()
        self.shapes.append(shapes)

    def on_found(self, shape: Shape) -> None:
        self._expected.receive()
        self.found.append(shape)

    def on_scan_finished(self) -> None:
        self._expected.receive()
        self._expected.finish()
        self.scans += 1


class StrokeListener(StrokesEvents):
    """Draws strokes, and says so when half a window is drawn; one that runs ahead is closed."""

    def __init__(self) -> None:
        self._acknowledger = Acknowledger(STROKE_WINDOW)
        self.drawn: list[Shape] = []
        self.acknowledge: Callable[[int], object] | None = None
        """How to say so: the proxy's `acknowledge_now`. Without it, nothing is acknowledged."""

    def on_stroke(self, seq: int, shape: Shape) -> None:
        self._acknowledger.receive(seq)
        self.drawn.append(shape)
        if self._acknowledger.due and self.acknowledge is not None:
            self.acknowledge(self._acknowledger.acknowledge())
