from __future__ import annotations

import math

import numpy as np
import pytest

from ipcrt_services.monado.bindings import (
    Fov,
    Layer,
    LayerFlags,
    LayerProjection,
    Pose,
    ProjectionLayer,
    Quat,
    Rect,
    Refusal,
    Refused,
    SubImage,
    Vec3,
)
from ipcrt_services.monado.geometry import HERE, UPRIGHT, looking
from ipcrt_services.monado.layers import Infinite, Quad, check_layers
from tests.services.monado.looking import (
    RIGHT_ANGLE,
    SIZE,
    eye,
    projection_layer,
    quad_layer,
    quarters,
)
from tests.services.monado.refusing import refused

IMAGE = quarters()
WHOLE = Rect(0, 0, SIZE, SIZE)
AHEAD = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0))
NAN, FAR = math.nan, 1e9


def seen(matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]], x: float, y: float) -> object:
    """Which of the image's pixels is seen at a pixel of the eye's picture."""
    u, v, k = matrix @ np.array([x, y, 1.0])
    assert k > 0
    return pytest.approx((u / k, v / k), abs=1e-6)


@pytest.mark.parametrize("x, y", [(0, 0), (7, 31), (SIZE - 1, SIZE - 1)])
def test_a_projection_that_fits_shows_each_pixel_at_its_place(x: int, y: int) -> None:
    matrix = Infinite(UPRIGHT, RIGHT_ANGLE, False).matrix(eye(), WHOLE)
    assert seen(matrix, x, y) == (x + 0.5, y + 0.5)


@pytest.mark.parametrize("x, y", [(0, 0), (7, 31), (SIZE - 1, SIZE - 1)])
def test_a_quad_that_fills_the_view_shows_each_pixel_at_its_place(x: int, y: int) -> None:
    matrix = Quad(AHEAD, 2.0, 2.0, False).matrix(eye(), WHOLE)
    assert matrix is not None
    assert seen(matrix, x, y) == (x + 0.5, y + 0.5)


def test_a_part_of_an_image_is_seen_as_the_whole() -> None:
    part = Rect(10, 20, 20, 10)
    for plane in (Infinite(UPRIGHT, RIGHT_ANGLE, False), Quad(AHEAD, 2.0, 2.0, False)):
        matrix = plane.matrix(eye(), part)
        assert matrix is not None
        assert seen(matrix, SIZE / 2 - 0.5, SIZE / 2 - 0.5) == (20.0, 25.0)
        assert seen(matrix, -0.5, -0.5) == (10.0, 20.0)


def test_turning_the_head_moves_the_world_the_other_way() -> None:
    turned = eye(Pose(looking(math.pi / 8, 0.0), HERE.position))
    matrix = Infinite(UPRIGHT, RIGHT_ANGLE, False).matrix(turned, WHOLE)
    u, _, k = matrix @ np.array([SIZE / 2 - 0.5, SIZE / 2 - 0.5, 1.0])
    assert u / k == pytest.approx(SIZE / 2 * (1 - math.tan(math.pi / 8)))


def test_what_is_far_away_does_not_move_with_steps() -> None:
    aside = eye(Pose(UPRIGHT, Vec3(5.0, 2.0, 1.0)))
    plane = Infinite(UPRIGHT, RIGHT_ANGLE, False)
    assert np.allclose(plane.matrix(aside, WHOLE), plane.matrix(eye(), WHOLE))


def test_what_is_in_view_goes_with_the_head() -> None:
    head = Pose(looking(0.7, -0.2), Vec3(3.0, 1.0, 2.0))
    for plane in (Infinite(UPRIGHT, RIGHT_ANGLE, True), Quad(AHEAD, 2.0, 2.0, True)):
        found, still = plane.matrix(eye(head), WHOLE), plane.matrix(eye(), WHOLE)
        assert found is not None
        assert still is not None
        assert np.allclose(found, still)


def test_nobody_sees_a_quad_from_behind() -> None:
    behind = Pose(UPRIGHT, Vec3(0.0, 0.0, -2.0))
    assert Quad(AHEAD, 2.0, 2.0, False).matrix(eye(behind), WHOLE) is None


def test_one_view_is_for_all_eyes_and_two_are_one_for_each() -> None:
    for views, eyes in ((1, [None]), (2, [0, 1])):
        layer = projection_layer(IMAGE, views=views)
        found = check_layers([layer], lambda _: (SIZE, SIZE))
        assert [surface.eye for surface in found] == eyes


def test_flags_say_how_it_is_laid() -> None:
    [plain, blended] = check_layers(
        [quad_layer(IMAGE, AHEAD), quad_layer(IMAGE, AHEAD, flags=3)], lambda _: (SIZE, SIZE)
    )
    assert (plain.blend, plain.unpremultiplied) == (False, False)
    assert (blended.blend, blended.unpremultiplied) == (True, True)


def size_of(sub: SubImage) -> tuple[int, int]:
    """As for an image of SIZE x SIZE."""
    del sub
    return SIZE, SIZE


def posed(x: float = 0.0, w: float = 1.0) -> Pose:
    return Pose(Quat(0.0, 0.0, 0.0, w), Vec3(x, 0.0, -1.0))


def fov(left: float = -0.5, right: float = 0.5, up: float = 0.5, down: float = -0.5) -> Fov:
    return Fov(left, right, up, down)


@pytest.mark.parametrize(
    "layer",
    [
        quad_layer(IMAGE, posed(x=NAN)),
        quad_layer(IMAGE, posed(x=math.inf)),
        quad_layer(IMAGE, posed(x=FAR)),
        quad_layer(IMAGE, posed(w=0.0)),
        quad_layer(IMAGE, posed(w=NAN)),
        quad_layer(IMAGE, AHEAD, (0.0, 1.0)),
        quad_layer(IMAGE, AHEAD, (1.0, -1.0)),
        quad_layer(IMAGE, AHEAD, (NAN, 1.0)),
        quad_layer(IMAGE, AHEAD, (1.0, FAR)),
        quad_layer(IMAGE, AHEAD, rect=Rect(0, 0, SIZE + 1, SIZE)),
        quad_layer(IMAGE, AHEAD, rect=Rect(0, 1, SIZE, SIZE)),
        quad_layer(IMAGE, AHEAD, rect=Rect(0, 0, 0, 1)),
        quad_layer(IMAGE, AHEAD, rect=Rect(2**32 - 1, 0, 2, 1)),
        projection_layer(IMAGE, posed(w=0.0)),
        projection_layer(IMAGE, fov=fov(left=0.5)),
        projection_layer(IMAGE, fov=fov(up=-0.5)),
        projection_layer(IMAGE, fov=fov(right=math.pi / 2)),
        projection_layer(IMAGE, fov=fov(down=NAN)),
        LayerProjection(ProjectionLayer(LayerFlags(0), [])),
    ],
)
def test_what_makes_no_picture_is_refused(layer: Layer) -> None:
    assert refused(check_layers, [layer], size_of) is Refusal.BAD_LAYER


def test_an_unknown_image_is_refused_as_whoever_knows_says() -> None:
    def none_of(sub: SubImage) -> tuple[int, int]:
        del sub
        raise Refused(Refusal.NO_SUCH_SWAPCHAIN)

    layer = quad_layer(IMAGE, AHEAD)
    assert refused(check_layers, [layer], none_of) is Refusal.NO_SUCH_SWAPCHAIN
