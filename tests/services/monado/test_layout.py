from __future__ import annotations

import pytest

from ipcrt_services.monado.devices import LEFT, UNKNOWN, simulated
from ipcrt_services.monado.layout import (
    INPUTS,
    LAYOUT,
    POSES,
    inputs_record,
    pose_record,
    relation_of,
)

AT = 1_234_567_890_123


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_relation_is_read_as_it_was_published(number: int) -> None:
    relation = simulated()[number].relation(AT)
    shape = POSES[number].shape
    record = shape.unpack(shape.pack(pose_record(AT, relation, 0.25)))
    assert (record.timestamp_ns, record.vibration) == (AT, 0.25)
    found = relation_of(record)
    assert found.flags == relation.flags
    for one, other in (
        (found.pose.position, relation.pose.position),
        (found.linear_velocity, relation.linear_velocity),
        (found.angular_velocity, relation.angular_velocity),
    ):
        assert (one.x, one.y, one.z) == pytest.approx((other.x, other.y, other.z), abs=1e-6)
    found_way, way = found.pose.orientation, relation.pose.orientation
    assert (found_way.x, found_way.y, found_way.z, found_way.w) == pytest.approx(
        (way.x, way.y, way.z, way.w), abs=1e-6
    )


def test_what_is_not_known_has_no_flags() -> None:
    assert not relation_of(pose_record(AT, UNKNOWN, 0.0)).flags


def test_buttons_are_read_as_they_were_published() -> None:
    inputs = simulated()[LEFT].inputs(AT)
    shape = INPUTS[LEFT].shape
    record = shape.unpack(shape.pack(inputs_record(inputs)))
    assert (record.timestamp_ns, record.select) == (AT, inputs.select)
    assert (record.trigger, *record.stick) == pytest.approx(
        (inputs.trigger, inputs.stick_x, inputs.stick_y), abs=1e-6
    )


def test_no_two_sections_share_a_cache_line() -> None:
    begins = [place.begin for place in LAYOUT.places]
    assert all(begin % 64 == 0 for begin in begins)
    assert len(begins) == len(set(begins)) == 7
