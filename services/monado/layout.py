"""How the memory is laid out in which the service publishes its devices, for all clients.

Each section has one writer, the service; a reader maps it read-only and calls nobody. Times are
nanoseconds of CLOCK_MONOTONIC, the rest is in the contract's units.
"""

from __future__ import annotations

from typing import Final

from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.record import F32, I64, U32, U64, F32x2, F32x3, F32x4, Record
from ipcrt_services.monado.bindings import Pose, Quat, Relation, RelationFlags, Vec3
from ipcrt_services.monado.devices import HEAD, LEFT, RIGHT, Inputs


class SystemState(Record):
    """What never changes: which device is which, and the display's pace."""

    started_ns: U64
    period_ns: U64
    """From one displayed frame to the next."""
    rate_hz: U32
    """Poses that are published in a second."""
    head: U32
    left: U32
    right: U32


class DevicePose(Record):
    """Where a device was at `timestamp_ns`."""

    timestamp_ns: U64
    flags: U32
    orientation: F32x4
    position: F32x3
    linear_velocity: F32x3
    angular_velocity: F32x3
    vibration: F32
    """How much it shakes, from 0 to 1."""


class DeviceInputs(Record):
    """What a controller's buttons said when a client last asked for them to be looked at."""

    timestamp_ns: U64
    trigger: F32
    stick: F32x2
    select: bool


class CompositorState(Record):
    """What the compositor did last."""

    frames: U64
    """Frames that were composed."""
    late: U64
    """Frames that were left out, since composing took too long."""
    display_time_ns: I64
    layers: U32
    """Layers in the newest frame."""
    clients: U32
    """Clients whose layers were in it."""


SYSTEM: Final = Section("system", SystemState)
POSES: Final = {
    HEAD: Section("head", DevicePose),
    LEFT: Section("left", DevicePose),
    RIGHT: Section("right", DevicePose),
}
INPUTS: Final = {
    LEFT: Section("left_inputs", DeviceInputs),
    RIGHT: Section("right_inputs", DeviceInputs),
}
COMPOSITOR: Final = Section("compositor", CompositorState)
LAYOUT: Final = Layout("ipcrt.monado", (SYSTEM, *POSES.values(), *INPUTS.values(), COMPOSITOR))


def pose_record(timestamp_ns: int, relation: Relation, vibration: float) -> DevicePose:
    """Answer a relation as it is published."""
    turned, where = relation.pose.orientation, relation.pose.position
    linear, angular = relation.linear_velocity, relation.angular_velocity
    return DevicePose(
        timestamp_ns,
        int(relation.flags),
        (turned.x, turned.y, turned.z, turned.w),
        (where.x, where.y, where.z),
        (linear.x, linear.y, linear.z),
        (angular.x, angular.y, angular.z),
        vibration,
    )


def relation_of(record: DevicePose) -> Relation:
    """Answer what was published as a relation."""
    return Relation(
        RelationFlags(record.flags),
        Pose(Quat(*record.orientation), Vec3(*record.position)),
        Vec3(*record.linear_velocity),
        Vec3(*record.angular_velocity),
    )


def inputs_record(inputs: Inputs) -> DeviceInputs:
    """Answer a controller's buttons as they are published."""
    stick = (inputs.stick_x, inputs.stick_y)
    return DeviceInputs(inputs.timestamp_ns, inputs.trigger, stick, inputs.select)
