from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipcrt_services.canvas.bindings import Point
from ipcrt_services.canvas.canvas import Canvas

NUMBERS = st.integers(-100, 100)
POINTS = st.builds(Point, NUMBERS, NUMBERS)


def test_it_knows_whether_there_is_anything_new() -> None:
    canvas = Canvas()
    seen = [canvas.changed]
    canvas.add([[Point(0, 0), Point(1, 1)]])
    seen.append(canvas.changed)
    canvas.draw()
    seen.append(canvas.changed)
    assert seen == [False, True, False]


def test_an_empty_canvas_has_no_rectangle() -> None:
    canvas = Canvas()
    assert canvas.draw() is None
    canvas.add([])
    assert not canvas.changed


@given(st.lists(st.lists(POINTS, min_size=2, max_size=2), min_size=1))
def test_the_rectangle_holds_all_points_and_touches_one_on_each_side(
    lines: list[list[Point]],
) -> None:
    canvas = Canvas()
    for each in lines:
        canvas.add([each])
    box = canvas.draw()
    assert box is not None
    xs, ys = zip(*((point.x, point.y) for each in lines for point in each), strict=True)
    assert (box.top_left, box.bottom_right) == (
        Point(min(xs), min(ys)),
        Point(max(xs), max(ys)),
    )
