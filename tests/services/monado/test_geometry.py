from __future__ import annotations

import math

import pytest

from ipcrt_services.monado.bindings import Pose, Quat, Relation, RelationFlags, Vec3
from ipcrt_services.monado.geometry import (
    AHEAD,
    HERE,
    NOWHERE,
    UPRIGHT,
    inverse,
    looking,
    normalized,
    placed,
    predicted,
    product,
    rotated,
    turn,
)

UP = Vec3(0.0, 1.0, 0.0)


def close(a: Vec3, b: Vec3) -> bool:
    return (a.x, a.y, a.z) == pytest.approx((b.x, b.y, b.z), abs=1e-9)


def test_a_quarter_to_the_left_looks_left() -> None:
    assert close(rotated(looking(math.pi / 2, 0.0), AHEAD), Vec3(-1.0, 0.0, 0.0))


def test_a_quarter_up_looks_up() -> None:
    assert close(rotated(looking(0.0, math.pi / 2), AHEAD), UP)


def test_looking_is_a_turn_to_the_left_of_a_turn_up() -> None:
    both = product(turn(UP, 0.7), turn(Vec3(1.0, 0.0, 0.0), -0.4))
    found = looking(0.7, -0.4)
    assert (found.x, found.y, found.z, found.w) == pytest.approx((both.x, both.y, both.z, both.w))


def test_a_product_turns_by_the_second_first() -> None:
    left, tilted = turn(UP, math.pi / 2), turn(Vec3(1.0, 0.0, 0.0), math.pi / 2)
    assert close(rotated(product(left, tilted), AHEAD), UP)
    assert close(rotated(product(tilted, left), AHEAD), Vec3(-1.0, 0.0, 0.0))


def test_the_inverse_turns_back() -> None:
    there = looking(0.3, -0.8)
    assert close(rotated(inverse(there), rotated(there, Vec3(1.0, 2.0, 3.0))), Vec3(1.0, 2.0, 3.0))


def test_a_pose_is_placed_in_another() -> None:
    base = Pose(turn(UP, math.pi / 2), Vec3(10.0, 0.0, 0.0))
    found = placed(base, Pose(UPRIGHT, AHEAD))
    assert close(found.position, Vec3(9.0, 0.0, 0.0))
    assert found.orientation == base.orientation


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_what_is_no_rotation_is_none(bad: float) -> None:
    assert normalized(Quat(0.0, 0.0, 0.0, bad)) is None


def test_a_rotation_gets_length_one() -> None:
    assert normalized(Quat(0.0, 3.0, 0.0, 4.0)) == Quat(0.0, 0.6, 0.0, 0.8)


def test_what_moves_is_predicted_to_move_on() -> None:
    relation = Relation(RelationFlags(15), HERE, Vec3(1.0, 0.0, 0.0), Vec3(0.0, math.pi, 0.0))
    pose = predicted(relation, 0.5)
    assert close(pose.position, Vec3(0.5, 0.0, 0.0))
    assert close(rotated(pose.orientation, AHEAD), Vec3(-1.0, 0.0, 0.0))
    still = Relation(RelationFlags(15), HERE, NOWHERE, NOWHERE)
    assert predicted(still, 7.0) == HERE
