from __future__ import annotations

import pytest

from ipcrt.shm.shared_state import SharedState
from ipcrt.shm.state_reader import StateReader
from ipcrt_services.monado.devices import simulated
from ipcrt_services.monado.layout import LAYOUT, POSES, pose_record
from ipcrt_services.monado.publisher import Publisher, after_tick
from tests.support.waiting import wait_until


def test_each_device_is_published_at_the_time_beside_it() -> None:
    devices = simulated()
    with SharedState.create(LAYOUT) as state, StateReader.attach(state.share(), LAYOUT) as reader:
        publisher = Publisher(state, devices)
        wait_until(lambda: publisher.ticks > 20)
        publisher.close()
        for device in devices:
            section = POSES[device.id]
            found = reader.read(section)
            at = found.timestamp_ns
            shape = section.shape
            wanted = shape.pack(pose_record(at, device.relation(at), 0.0))
            assert shape.pack(found) == wanted
            assert reader.version(section) == publisher.ticks


def test_readers_find_something_from_the_start() -> None:
    with SharedState.create(LAYOUT) as state, StateReader.attach(state.share(), LAYOUT) as reader:
        publisher = Publisher(state, simulated())
        assert all(reader.version(section) for section in POSES.values())
        publisher.close()
        publisher.close()
        ticks = publisher.ticks
        assert reader.version(POSES[0]) == ticks


@pytest.mark.parametrize(
    "now, left_out, due",
    [
        (5_000_000, 0, 6_000_000),
        (5_999_999, 0, 6_000_000),
        (6_000_000, 1, 7_000_000),
        (9_500_000, 4, 10_000_000),
    ],
)
def test_ticks_that_are_too_late_are_left_out(now: int, left_out: int, due: int) -> None:
    assert after_tick(5_000_000, now) == (left_out, due)
