"""Pictures, by their pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ipcrt_services.monado.bindings import Fov, LayerFlags, Pose, Rect, Vec3
from ipcrt_services.monado.compositor import BACKGROUND, blended, colour, compose, new_canvas
from ipcrt_services.monado.geometry import UPRIGHT, looking
from ipcrt_services.monado.layers import Surface
from tests.services.monado.looking import (
    BLUE,
    GREEN,
    RED,
    SIZE,
    WHITE,
    Pixels,
    eye,
    image,
    projection_layer,
    quad_layer,
    quarters,
    surfaces,
)

EMPTY = colour(*BACKGROUND)
AHEAD = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0))
BLEND = int(LayerFlags.BLEND_TEXTURE_SOURCE_ALPHA)
STRAIGHT = BLEND | int(LayerFlags.UNPREMULTIPLIED_ALPHA)


def one(value: int) -> Pixels:
    return image((value,))


def seen(*layers: tuple[Surface, Pixels], by: Pose | None = None) -> Pixels:
    """What one eye sees of layers, the lowest first."""
    eyes = [eye() if by is None else eye(by)]
    canvas = new_canvas(eyes)
    compose(canvas, eyes, layers)
    return canvas


def test_nothing_is_the_background() -> None:
    assert (seen() == EMPTY).all()


def test_a_projection_shows_every_pixel() -> None:
    assert np.array_equal(seen(*surfaces(quarters(), projection_layer(quarters()))), quarters())


def test_a_quad_that_fills_the_view_shows_every_pixel() -> None:
    found = seen(*surfaces(quarters(), quad_layer(quarters(), AHEAD)))
    assert np.array_equal(found, quarters())


def test_a_quad_twice_as_far_is_half_as_big() -> None:
    far = Pose(UPRIGHT, Vec3(0.0, 0.0, -2.0))
    found = seen(*surfaces(quarters(), quad_layer(quarters(), far)))
    quarter = SIZE // 4
    inner = found[quarter:-quarter, quarter:-quarter]
    assert np.array_equal(inner, quarters()[::2, ::2])
    found[quarter:-quarter, quarter:-quarter] = EMPTY
    assert (found == EMPTY).all()


def test_a_quad_up_and_to_the_right_is_seen_there() -> None:
    corner = Pose(UPRIGHT, Vec3(0.5, 0.5, -1.0))
    found = seen(*surfaces(one(RED), quad_layer(one(RED), corner, (1.0, 1.0))))
    half = SIZE // 2
    assert (found[:half, half:] == RED).all()
    assert (found == RED).sum() == half * half


def test_stepping_to_the_right_moves_a_quad_to_the_left() -> None:
    right = Pose(UPRIGHT, Vec3(0.5, 0.0, 0.0))
    found = seen(*surfaces(one(RED), quad_layer(one(RED), AHEAD, (1.0, 1.0))), by=right)
    columns = np.flatnonzero((found == RED).any(axis=0))
    assert (columns[0], columns[-1]) == (0, SIZE // 2 - 1)


def test_a_quad_that_is_turned_away_looks_narrower() -> None:
    turned = Pose(looking(math.pi / 3, 0.0), Vec3(0.0, 0.0, -3.0))
    straight = Pose(UPRIGHT, Vec3(0.0, 0.0, -3.0))
    widths = [
        (seen(*surfaces(one(RED), quad_layer(one(RED), pose))) == RED).any(axis=0).sum()
        for pose in (turned, straight)
    ]
    assert 0 < widths[0] < 0.7 * widths[1]


def test_a_quad_at_the_shoulder_is_seen_in_part_only() -> None:
    wall = Pose(looking(-math.pi / 2, 0.0), Vec3(1.0, 0.0, 0.0))  # from ahead to behind
    found = seen(*surfaces(one(RED), quad_layer(one(RED), wall, (8.0, 1.0))))
    assert (found[:, : SIZE // 2] == EMPTY).all()
    assert found[SIZE // 2, -1] == RED


def test_what_is_behind_is_not_seen() -> None:
    behind = Pose(looking(math.pi, 0.0), Vec3(0.0, 0.0, 1.0))
    assert (seen(*surfaces(one(RED), quad_layer(one(RED), behind))) == EMPTY).all()


def test_the_last_layer_lies_above() -> None:
    low = surfaces(one(RED), projection_layer(one(RED)))
    high = surfaces(one(GREEN), quad_layer(one(GREEN), AHEAD, (1.0, 1.0)))
    found = seen(*low, *high)
    assert found[SIZE // 2, SIZE // 2] == GREEN
    assert found[0, 0] == RED
    assert (seen(*high, *low) == RED).all()


def test_without_the_flag_alpha_means_nothing() -> None:
    ghost = colour(10, 20, 30, 0)
    assert (seen(*surfaces(one(ghost), projection_layer(one(ghost)))) == ghost).all()


@pytest.mark.parametrize(
    "over, flags, result",
    [
        (colour(255, 0, 0, 255), STRAIGHT, RED),
        (colour(255, 0, 0, 0), STRAIGHT, BLUE),
        (colour(255, 0, 0, 128), STRAIGHT, colour(128, 0, 127)),
        (colour(128, 0, 0, 128), BLEND, colour(128, 0, 127)),
        (colour(255, 0, 255, 128), BLEND, colour(255, 0, 255)),  # never beyond white
        (colour(0, 0, 0, 0), BLEND, BLUE),
    ],
)
def test_what_lies_beneath_shines_through(over: int, flags: int, result: int) -> None:
    low = surfaces(one(BLUE), projection_layer(one(BLUE)))
    high = surfaces(one(over), projection_layer(one(over), flags=flags))
    assert (seen(*low, *high) == result).all()


def test_blending_is_exact_for_all_bytes() -> None:
    values = np.arange(256)
    for alpha in (0, 1, 77, 128, 254, 255):
        over = np.array([[colour(int(v), 0, 0, alpha) for v in values]], np.uint32)
        under = np.array([[colour(255 - int(v), 0, 0) for v in values]], np.uint32)
        found = blended(over, under, unpremultiplied=True).view(np.uint8).reshape(256, 4)[:, 0]
        exact = (values * alpha + (255 - values) * (255 - alpha)) / 255
        assert np.abs(found - exact).max() <= 0.5


def test_each_eye_sees_its_own_view() -> None:
    eyes = [eye(index=0), eye(index=1)]
    canvas = new_canvas(eyes)
    assert canvas.shape == (SIZE, 2 * SIZE)
    [left, right] = surfaces(one(RED), projection_layer(one(RED), views=2))
    compose(canvas, eyes, [left, (right[0], one(GREEN))])
    assert (canvas[:, :SIZE] == RED).all()
    assert (canvas[:, SIZE:] == GREEN).all()


def test_eyes_apart_see_what_is_near_at_different_places() -> None:
    eyes = [eye(Pose(UPRIGHT, Vec3(x, 0.0, 0.0)), index=i) for i, x in enumerate((-0.25, 0.25))]
    canvas = new_canvas(eyes)
    compose(canvas, eyes, surfaces(one(RED), quad_layer(one(RED), AHEAD, (0.5, 0.5))))
    middles = [np.flatnonzero((half == RED).any(axis=0)).mean() for half in np.hsplit(canvas, 2)]
    assert middles[0] - middles[1] == pytest.approx(SIZE / 4)


def test_of_a_part_of_an_image_nothing_else_is_seen() -> None:
    half = SIZE // 2
    layer = quad_layer(quarters(), AHEAD, rect=Rect(half, half, half, half))
    assert (seen(*surfaces(quarters(), layer)) == WHITE).all()


def test_rows_may_be_wider_than_the_image() -> None:
    wide = np.zeros((SIZE, SIZE + 24), np.uint32)
    wide[:, :SIZE] = quarters()
    part = wide[:, :SIZE]
    assert np.array_equal(seen(*surfaces(part, projection_layer(part))), quarters())


def test_any_pose_makes_a_picture_and_nothing_worse() -> None:
    chance = np.random.default_rng(7)
    for _ in range(200):
        x, y, z, yaw, pitch = (float(each) for each in chance.normal(0, 2, 5))
        pose = Pose(looking(yaw, pitch), Vec3(x, y, z))
        by = Pose(looking(pitch, yaw), Vec3(z, x, y))
        layers = surfaces(
            quarters(),
            quad_layer(quarters(), pose, (1e-3 + abs(x), 1e-3 + abs(y)), flags=STRAIGHT),
            projection_layer(quarters(), pose),
        )
        known = {EMPTY, RED, GREEN, BLUE, WHITE}
        assert set(np.unique(seen(*layers, by=by)).tolist()) <= known


def test_the_strangest_numbers_that_pass_the_checks_make_a_picture() -> None:
    chance = np.random.default_rng(11)
    places = (0.0, 1e-6, -1e-6, 1e-3, 1.0, -1.0, 1e5, -1e5)
    sizes = (1e-4, 1.0, 1e5)
    angles = (0.0, math.pi / 2, math.pi / 2 - 1e-9, math.pi, 1e-7)
    widths = (math.radians(89), 1e-3, 0.5)
    for _ in range(400):
        x, y, z = (float(each) for each in chance.choice(places, 3))
        pose = Pose(looking(*map(float, chance.choice(angles, 2))), Vec3(x, y, z))
        by = Pose(looking(*map(float, chance.choice(angles, 2))), Vec3(z, 0.0, x))
        size = float(chance.choice(sizes)), float(chance.choice(sizes))
        wide = float(chance.choice(widths))
        layers = surfaces(
            quarters(),
            projection_layer(quarters(), pose, Fov(-wide, wide, wide, -wide)),
            quad_layer(quarters(), pose, size, flags=BLEND),
            quad_layer(quarters(), pose, size, flags=int(LayerFlags.VIEW_SPACE)),
        )
        assert seen(*layers, by=by).shape == (SIZE, SIZE)
