"""The thread that publishes where the devices are, a thousand times a second.

1. What is published is where each device is at the time that stands beside it; a tick that comes
   too late is left out, never caught up with.
2. The thread ends when it is told to, and then the memory may be closed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from ipcrt.shm.shared_state import SharedState
from ipcrt_services.monado.devices import RATE_HZ, Device
from ipcrt_services.monado.layout import POSES, pose_record

_TICK_NS: Final = 1_000_000_000 // RATE_HZ


class Publisher:
    """Owns its thread; the state is lent."""

    def __init__(self, state: SharedState, devices: Sequence[Device]) -> None:
        """Publish once, so that readers find something, and begin."""
        self._writers = [(device, state.writer(POSES[device.id])) for device in devices]
        self._stopped = False
        self.ticks = 0
        self.left_out = 0
        """Ticks that would have been too late."""
        self.tick(time.monotonic_ns())
        self._thread = threading.Thread(target=self._run, name="monado devices")
        self._thread.start()

    def tick(self, now_ns: int) -> None:
        """Publish every device once."""
        for device, writer in self._writers:
            relation = device.relation(now_ns)
            writer.publish(pose_record(now_ns, relation, device.vibration_at(now_ns)))
        self.ticks += 1

    def _run(self) -> None:
        due = time.monotonic_ns()
        while not self._stopped:
            now = time.monotonic_ns()
            if now < due:
                time.sleep((due - now) / 1e9)
                continue
            self.tick(now)
            late, due = after_tick(due, time.monotonic_ns())
            self.left_out += late

    def close(self) -> None:
        """End the thread (rule 2). Idempotent."""
        self._stopped = True
        self._thread.join()


def after_tick(due_ns: int, now_ns: int) -> tuple[int, int]:
    """Answer how many ticks are left out, and when the next is due (rule 1)."""
    late = max(0, now_ns - due_ns) // _TICK_NS
    return late, due_ns + (late + 1) * _TICK_NS
