from __future__ import annotations

from ipcrt.locator.connect import connect_blocking
from tests.locator.stage import Stage
from tests.locator.supervisor import Supervise


def test_what_a_supervisor_is_told_when_and_where(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise()
    assert supervisor.told == ["READY=1"]
    with connect_blocking(stage.path):
        supervisor.told.clear()
        assert supervisor.stop() == 0
        stored = ["FDSTORE=1", "FDPOLL=0"]
        assert supervisor.told == [
            "STOPPING=1",
            "EXTEND_TIMEOUT_USEC=1010000",
            *(*stored, "FDNAME=ipcrt-kept"),
            *(*stored, "FDNAME=ipcrt-state"),
        ]
        supervisor.start()  # nothing is read before the store is empty
        assert supervisor.told == [
            "EXTEND_TIMEOUT_USEC=1020000",
            *("FDSTOREREMOVE=1", "FDNAME=ipcrt-state"),
            *("FDSTOREREMOVE=1", "FDNAME=ipcrt-kept"),
            "READY=1",
        ]


def test_with_nobody_there_nothing_is_stored(supervise: Supervise) -> None:
    supervisor = supervise()
    supervisor.told.clear()
    assert supervisor.stop() == 0
    assert supervisor.told == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=1000000"]


def test_the_store_of_a_newer_systemd_needs_no_option(stage: Stage, supervise: Supervise) -> None:
    supervisor = supervise(start=False)
    supervisor.options = ()
    supervisor.environment = {"FDSTORE": "10"}
    supervisor.start()
    with connect_blocking(stage.path) as locator:
        supervisor.restart()
        assert locator.names() == []
