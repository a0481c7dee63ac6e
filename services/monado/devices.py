"""The simulated devices: a headset that looks around, and a controller in each hand.

1. Where a device is, is a function of time alone: who asks twice for the same time gets the same
   answer, also for times to come. Velocities are the function's own slope.
2. A controller that vibrates trembles; that is all its outputs do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from ipcrt_services.monado.bindings import (
    HAND_JOINTS,
    HandJoint,
    InputName,
    OutputLimits,
    OutputName,
    Pose,
    Relation,
    RelationFlags,
    Vec3,
    Vibration,
)
from ipcrt_services.monado.geometry import (
    HERE,
    NOWHERE,
    UPRIGHT,
    looking,
    placed,
    turn,
)

RATE_HZ: Final = 1000
"""Poses that are published in a second."""

HEAD: Final = 0
LEFT: Final = 1
RIGHT: Final = 2

_ALL_VALID: Final = (
    RelationFlags.ORIENTATION_VALID
    | RelationFlags.POSITION_VALID
    | RelationFlags.LINEAR_VELOCITY_VALID
    | RelationFlags.ANGULAR_VELOCITY_VALID
)
UNKNOWN: Final = Relation(RelationFlags(0), HERE, NOWHERE, NOWHERE)
"""What a client is told that may not use the devices."""

_FINGERS: Final = 5
_FINGER_JOINTS: Final = (4, 5, 5, 5, 5)
_JOINT_M: Final = 0.025
_TREMBLE_M: Final = 0.002
_DEFAULT_HZ: Final = 160.0
_LIMITS: Final = OutputLimits(500.0, 2_000_000_000)
_NO_OUTPUT: Final = OutputLimits(0.0, 0)


def head_relation(t: float) -> Relation:
    """Answer where the head is after `t` seconds: it sways, and looks around."""
    looks, nods, sways = 2 * math.pi / 7, 2 * math.pi / 5, 2 * math.pi / 4
    return _relation(
        (0.30 * math.sin(looks * t), 0.30 * looks * math.cos(looks * t)),
        (0.12 * math.sin(nods * t), 0.12 * nods * math.cos(nods * t)),
        Vec3(0.05 * math.sin(sways * t), 1.6 + 0.01 * math.sin(t), 0.0),
        Vec3(0.05 * sways * math.cos(sways * t), 0.01 * math.cos(t), 0.0),
    )


def hand_relation(side: int, t: float) -> Relation:
    """Answer where a hand is: `side` is -1 for the left one, which is ahead of the right one."""
    circles = 2 * math.pi / 3
    angle = circles * t + (0.0 if side < 0 else math.pi)
    sine, cosine = math.sin(angle), math.cos(angle)
    return _relation(
        (-side * 0.2, 0.0),
        (0.3 * sine, 0.3 * circles * cosine),
        Vec3(side * 0.25 + 0.10 * cosine, 1.25 + 0.10 * sine, -0.45),
        Vec3(-0.10 * circles * sine, 0.10 * circles * cosine, 0.0),
    )


def _relation(
    yaw: tuple[float, float], pitch: tuple[float, float], position: Vec3, velocity: Vec3
) -> Relation:
    """Answer a relation of angles to the left and up, each with its rate (rule 1)."""
    turns, nods = yaw[1], pitch[1]
    # The yaw is about the world's axis; the pitch is about one that the yaw has turned.
    spin = Vec3(nods * math.cos(yaw[0]), turns, -nods * math.sin(yaw[0]))
    return Relation(_ALL_VALID, Pose(looking(yaw[0], pitch[0]), position), velocity, spin)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a controller's buttons say."""

    timestamp_ns: int
    trigger: float
    """From 0 to 1."""
    stick_x: float
    stick_y: float
    select: bool


@dataclass(slots=True)
class Device:
    """One device; `side` is 0 for the headset."""

    id: int
    name: str
    side: int
    poses: tuple[InputName, ...]
    vibration: Vibration = field(default_factory=lambda: Vibration(0.0, 0.0, 0))
    vibration_since_ns: int = 0

    @property
    def hand(self) -> InputName | None:
        """By which name its hand's joints are asked for; None for the headset."""
        if not self.side:
            return None
        left = self.side < 0
        return (
            InputName.GENERIC_HAND_TRACKING_LEFT if left else InputName.GENERIC_HAND_TRACKING_RIGHT
        )

    def relation(self, at_ns: int, name: InputName | None = None) -> Relation:
        """Answer where it is at a time, as one of its `poses`; the first where none is named."""
        t = at_ns / 1e9
        if not self.side:
            return head_relation(t)
        relation = hand_relation(self.side, t)
        amplitude = self.vibration_at(at_ns)
        if amplitude:
            hertz = self.vibration.frequency_hz or _DEFAULT_HZ
            tremble = amplitude * _TREMBLE_M * math.sin(2 * math.pi * hertz * t)
            relation = _moved(relation, Pose(UPRIGHT, Vec3(0.0, tremble, 0.0)))
        if name is InputName.SIMPLE_AIM_POSE:
            relation = _moved(relation, Pose(turn(Vec3(1.0, 0.0, 0.0), 0.4), NOWHERE))
        return relation

    def inputs(self, at_ns: int) -> Inputs:
        """Answer what its buttons say at a time; all zero for the headset."""
        if not self.side:
            return Inputs(at_ns, 0.0, 0.0, 0.0, select=False)
        t = at_ns / 1e9
        trigger = 0.5 + 0.5 * math.sin(2 * math.pi * t / 2 + self.side)
        return Inputs(at_ns, trigger, math.cos(t), math.sin(t), select=trigger > 0.5)

    def hand_joints(self, at_ns: int) -> list[HandJoint]:
        """Answer the palm, the wrist, then each finger from the thumb on, from root to tip.

        The fingers curl as the trigger is pulled. Source: XR_EXT_hand_tracking.
        """
        palm = self.relation(at_ns).pose
        curl = self.inputs(at_ns).trigger
        joints = [HandJoint(palm, 0.02)]
        joints.append(HandJoint(placed(palm, Pose(UPRIGHT, Vec3(0.0, 0.0, 0.07))), 0.03))
        for finger in range(_FINGERS):
            joints += self._finger(palm, finger, curl)
        assert len(joints) == HAND_JOINTS
        return joints

    def _finger(self, palm: Pose, finger: int, curl: float) -> list[HandJoint]:
        across = -self.side * (0.04 - 0.02 * finger)
        joint = placed(palm, Pose(UPRIGHT, Vec3(across, 0.0, 0.02)))
        bend = turn(Vec3(1.0, 0.0, 0.0), -0.5 * curl)
        joints: list[HandJoint] = []
        for number in range(_FINGER_JOINTS[finger]):
            joints.append(HandJoint(joint, 0.01 - 0.001 * number))
            joint = placed(joint, Pose(bend, Vec3(0.0, 0.0, -_JOINT_M)))
        return joints

    def output_limits(self) -> OutputLimits:
        """Answer how much it can be told."""
        return _LIMITS if self.side else _NO_OUTPUT

    def outputs(self) -> tuple[OutputName, ...]:
        """Answer what it can be told."""
        return (OutputName.SIMPLE_VIBRATION,) if self.side else ()

    def vibrate(self, value: Vibration, now_ns: int) -> None:
        """Shake from now on, within the limits."""
        self.vibration = Vibration(
            _within(value.frequency_hz, _LIMITS.max_frequency_hz),
            _within(value.amplitude, 1.0),
            min(value.duration_ns, _LIMITS.max_duration_ns),
        )
        self.vibration_since_ns = now_ns

    def vibration_at(self, at_ns: int) -> float:
        """Answer how much it shakes at a time, from 0 to 1."""
        since = at_ns - self.vibration_since_ns
        return self.vibration.amplitude if 0 <= since < self.vibration.duration_ns else 0.0


def simulated() -> list[Device]:
    """Answer the devices; each one's `id` is its place here."""
    poses = (InputName.SIMPLE_GRIP_POSE, InputName.SIMPLE_AIM_POSE)
    return [
        Device(HEAD, "Simulated headset", 0, (InputName.GENERIC_HEAD_POSE,)),
        Device(LEFT, "Simulated left controller", -1, poses),
        Device(RIGHT, "Simulated right controller", 1, poses),
    ]


def _moved(relation: Relation, offset: Pose) -> Relation:
    return Relation(
        relation.flags,
        placed(relation.pose, offset),
        relation.linear_velocity,
        relation.angular_velocity,
    )


def _within(value: float, limit: float) -> float:
    """Cut to 0..limit; what is no number is 0."""
    return min(value, limit) if value > 0 else 0.0
