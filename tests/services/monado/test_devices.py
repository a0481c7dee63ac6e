from __future__ import annotations

import math

import pytest

from ipcrt_services.monado.bindings import HAND_JOINTS, InputName, Vec3, Vibration
from ipcrt_services.monado.devices import HEAD, LEFT, RIGHT, Device, simulated
from ipcrt_services.monado.geometry import AHEAD, length, predicted, rotated

SECOND = 1_000_000_000
AT = 123 * SECOND


@pytest.fixture
def devices() -> list[Device]:
    return simulated()


def test_each_device_is_at_its_place(devices: list[Device]) -> None:
    assert [device.id for device in devices] == [HEAD, LEFT, RIGHT] == [0, 1, 2]


def test_where_a_device_is_depends_on_time_alone() -> None:
    for first, second in zip(simulated(), simulated(), strict=True):
        assert first.relation(AT) == second.relation(AT)
        assert first.relation(AT) != second.relation(AT + SECOND)


@pytest.mark.parametrize("number", [HEAD, LEFT, RIGHT])
def test_velocities_lead_to_where_it_will_be(devices: list[Device], number: int) -> None:
    step_ns = 2_000_000
    for at in range(AT, AT + 5 * SECOND, SECOND // 3):
        now, later = devices[number].relation(at), devices[number].relation(at + step_ns)
        found, wanted = predicted(now, step_ns / SECOND), later.pose
        a, b = found.position, wanted.position
        assert (a.x, a.y, a.z) == pytest.approx((b.x, b.y, b.z), abs=1e-5)
        for axis in (AHEAD, Vec3(0.0, 1.0, 0.0)):
            a, b = (rotated(each.orientation, axis) for each in (found, wanted))
            assert (a.x, a.y, a.z) == pytest.approx((b.x, b.y, b.z), abs=1e-5)
        assert length(now.linear_velocity) > 0


def test_the_hands_are_on_their_sides(devices: list[Device]) -> None:
    for at in range(AT, AT + 10 * SECOND, SECOND):
        assert devices[LEFT].relation(at).pose.position.x < 0
        assert devices[RIGHT].relation(at).pose.position.x > 0


def test_the_aim_points_elsewhere_than_the_grip(devices: list[Device]) -> None:
    grip = devices[LEFT].relation(AT, InputName.SIMPLE_GRIP_POSE)
    aim = devices[LEFT].relation(AT, InputName.SIMPLE_AIM_POSE)
    assert (aim.pose.position, aim.linear_velocity) == (grip.pose.position, grip.linear_velocity)
    assert rotated(aim.pose.orientation, AHEAD).y > rotated(grip.pose.orientation, AHEAD).y


def test_a_hand_has_all_its_joints_and_curls_with_the_trigger(devices: list[Device]) -> None:
    hand = devices[RIGHT]
    spread: dict[float, float] = {}
    for at in range(AT, AT + 2 * SECOND, SECOND // 8):
        joints = hand.hand_joints(at)
        assert len(joints) == HAND_JOINTS
        root, tip = joints[6].pose.position, joints[10].pose.position
        across = math.dist((root.x, root.y, root.z), (tip.x, tip.y, tip.z))
        spread[hand.inputs(at).trigger] = across
    assert spread[min(spread)] > spread[max(spread)]


def test_the_headset_has_no_hand_and_does_not_shake(devices: list[Device]) -> None:
    assert devices[HEAD].hand is None
    assert devices[HEAD].outputs() == ()
    assert devices[HEAD].output_limits().max_frequency_hz == 0
    assert devices[HEAD].inputs(AT).trigger == 0


def test_vibration_trembles_for_its_time(devices: list[Device]) -> None:
    shaken, still = devices[LEFT], simulated()[LEFT]
    shaken.vibrate(Vibration(100.0, 0.5, SECOND), AT)
    assert shaken.vibration_at(AT - 1) == shaken.vibration_at(AT + SECOND) == 0
    assert shaken.vibration_at(AT) == 0.5
    during, after = AT + SECOND // 400, AT + SECOND
    moved = shaken.relation(during).pose.position.y - still.relation(during).pose.position.y
    assert 0 < abs(moved) <= 0.001
    assert shaken.relation(after) == still.relation(after)


@pytest.mark.parametrize("amplitude, kept", [(7.0, 1.0), (-1.0, 0.0), (math.nan, 0.0)])
def test_vibration_stays_within_limits(
    devices: list[Device], amplitude: float, kept: float
) -> None:
    devices[LEFT].vibrate(Vibration(math.inf, amplitude, 1 << 63), AT)
    limits = devices[LEFT].output_limits()
    found = devices[LEFT].vibration
    assert found == Vibration(limits.max_frequency_hz, kept, limits.max_duration_ns)
