"""A canvas: of its lines it keeps the rectangle around them, which is all that anybody asks for."""

from __future__ import annotations

from collections.abc import Iterable

from ipcrt_services.canvas.bindings import BoundingBox, Point


class Canvas:
    """One client's canvas."""

    def __init__(self) -> None:
        self._box: BoundingBox | None = None
        self.changed = False
        """True while it holds a line that `draw` has not shown."""

    def add(self, lines: Iterable[list[Point]]) -> None:
        """Add lines, each of two points."""
        for line in lines:
            self.changed = True
            for point in line:
                self._box = _around(self._box, point)

    def draw(self) -> BoundingBox | None:
        """Answer the rectangle around all lines; None where there is none."""
        self.changed = False
        return self._box


def _around(box: BoundingBox | None, point: Point) -> BoundingBox:
    if box is None:
        return BoundingBox(point, point)
    least, most = box.top_left, box.bottom_right
    return BoundingBox(
        Point(min(least.x, point.x), min(least.y, point.y)),
        Point(max(most.x, point.x), max(most.y, point.y)),
    )
