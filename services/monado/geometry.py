"""Turning and moving in space, on the contract's own types.

Unit quaternions; x goes right, y up, -z ahead. Everything is a pure function of numbers.
Source: OpenXR, "Coordinate System".
"""

from __future__ import annotations

import math
from typing import Final

from ipcrt_services.monado.bindings import Pose, Quat, Relation, Vec3

NOWHERE: Final = Vec3(0.0, 0.0, 0.0)
UPRIGHT: Final = Quat(0.0, 0.0, 0.0, 1.0)
HERE: Final = Pose(UPRIGHT, NOWHERE)
AHEAD: Final = Vec3(0.0, 0.0, -1.0)


def add(a: Vec3, b: Vec3) -> Vec3:
    """Answer `a` and then `b`."""
    return Vec3(a.x + b.x, a.y + b.y, a.z + b.z)


def scaled(a: Vec3, factor: float) -> Vec3:
    """Answer `a`, so many times as long."""
    return Vec3(a.x * factor, a.y * factor, a.z * factor)


def length(a: Vec3) -> float:
    """Answer how long it is."""
    return math.sqrt(a.x * a.x + a.y * a.y + a.z * a.z)


def product(a: Quat, b: Quat) -> Quat:
    """Answer the rotation that turns by `b`, then by `a`."""
    return Quat(
        a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
    )


def inverse(a: Quat) -> Quat:
    """Answer the rotation back."""
    return Quat(-a.x, -a.y, -a.z, a.w)


def rotated(a: Quat, v: Vec3) -> Vec3:
    """Answer `v` turned by `a`."""
    turned = product(product(a, Quat(v.x, v.y, v.z, 0.0)), inverse(a))
    return Vec3(turned.x, turned.y, turned.z)


def turn(axis: Vec3, angle: float) -> Quat:
    """Answer the rotation about an axis of length one, by radians."""
    half = math.sin(angle / 2)
    return Quat(axis.x * half, axis.y * half, axis.z * half, math.cos(angle / 2))


def looking(yaw: float, pitch: float) -> Quat:
    """Answer the rotation to the left by `yaw`, and up by `pitch`: a product of two turns."""
    yaw_sine, yaw_cosine = math.sin(yaw / 2), math.cos(yaw / 2)
    sine, cosine = math.sin(pitch / 2), math.cos(pitch / 2)
    return Quat(yaw_cosine * sine, yaw_sine * cosine, -yaw_sine * sine, yaw_cosine * cosine)


def placed(base: Pose, pose: Pose) -> Pose:
    """Answer where `pose`, meant from `base`, is."""
    return Pose(
        product(base.orientation, pose.orientation),
        add(base.position, rotated(base.orientation, pose.position)),
    )


def normalized(a: Quat) -> Quat | None:
    """Answer it with length one; None for what is no rotation at all."""
    size = math.sqrt(a.x * a.x + a.y * a.y + a.z * a.z + a.w * a.w)
    if not 1e-3 < size < 1e3:  # also false for a NaN
        return None
    return Quat(a.x / size, a.y / size, a.z / size, a.w / size)


def predicted(relation: Relation, seconds: float) -> Pose:
    """Answer where what is at `relation` will be if it goes on as it does."""
    pose, spin = relation.pose, relation.angular_velocity
    speed = length(spin)
    orientation = pose.orientation
    if speed > 1e-9:
        orientation = product(turn(scaled(spin, 1 / speed), speed * seconds), orientation)
    return Pose(orientation, add(pose.position, scaled(relation.linear_velocity, seconds)))
