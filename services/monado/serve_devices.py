"""The calls of devices; what is asked for often lies in shared memory instead.

A client that may not use the devices is told nothing of the controllers, and of the headset all the
same: it could not draw without.
"""

from __future__ import annotations

import time

from ipcrt_services.monado.bindings import (
    InputName,
    MonadoDeviceGetHandTrackingResponse,
    MonadoDeviceGetOutputLimitsResponse,
    MonadoDeviceGetTrackedPoseResponse,
    MonadoServer,
    OutputName,
    Refusal,
    Refused,
    Vibration,
)
from ipcrt_services.monado.devices import HEAD, UNKNOWN
from ipcrt_services.monado.house import Guest, House


class DeviceCalls(MonadoServer):
    """Poses, hands, buttons, vibration."""

    _house: House
    _guest: Guest

    def device_update_input(self, device_id: int) -> None:
        device = self._house.device(device_id)
        self._check_io()
        self._house.publish_inputs(device, time.monotonic_ns())

    def device_get_tracked_pose(
        self, device_id: int, name: InputName, at_timestamp_ns: int
    ) -> MonadoDeviceGetTrackedPoseResponse:
        device = self._house.device(device_id)
        if name not in device.poses:
            raise Refused(Refusal.NO_SUCH_INPUT)
        if device_id != HEAD and not self._guest.member.io_active:
            return MonadoDeviceGetTrackedPoseResponse(UNKNOWN)
        return MonadoDeviceGetTrackedPoseResponse(device.relation(at_timestamp_ns, name))

    def device_get_hand_tracking(
        self, device_id: int, name: InputName, at_timestamp_ns: int
    ) -> MonadoDeviceGetHandTrackingResponse:
        device = self._house.device(device_id)
        if name != device.hand:
            raise Refused(Refusal.NO_SUCH_INPUT)
        self._check_io()
        joints = device.hand_joints(at_timestamp_ns)
        return MonadoDeviceGetHandTrackingResponse(joints, at_timestamp_ns)

    def device_get_output_limits(self, device_id: int) -> MonadoDeviceGetOutputLimitsResponse:
        limits = self._house.device(device_id).output_limits()
        return MonadoDeviceGetOutputLimitsResponse(limits)

    def device_set_output(self, device_id: int, name: OutputName, value: Vibration) -> None:
        device = self._house.device(device_id)
        if name not in device.outputs():
            raise Refused(Refusal.NO_SUCH_INPUT)
        self._check_io()
        device.vibrate(value, time.monotonic_ns())

    def _check_io(self) -> None:
        if not self._guest.member.io_active:
            raise Refused(Refusal.IO_INACTIVE)
