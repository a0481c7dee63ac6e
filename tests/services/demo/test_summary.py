from __future__ import annotations

from collections import Counter

from ipcrt_services.demo.measure import Descriptors, Memory
from ipcrt_services.demo.results import CrowdResult, ProcessResult, Results
from ipcrt_services.demo.summary import summary
from ipcrt_services.demo.timings import Latency

CLEAN = Descriptors(Counter({"socket": 3}))
MORE = Descriptors(Counter({"socket": 4, "/dev/null": 1}))
MEMORY = Memory(20480, 10240)


def results() -> Results:
    return Results(
        activated_by="somebody",
        deeds=[],
        latencies=[Latency("write", 1000, 12.4, 123456.0)],
        processes=[
            ProcessResult("locator", 12, "locator", CLEAN, CLEAN, MEMORY),
            ProcessResult("files", 1234, "service", CLEAN, MORE, MEMORY),
        ],
        crowd=CrowdResult(10, 1000.4, 100, 5000.0, 2.25, 1.0, 5, "full", ["socket"]),
    )


def test_people_get_tables() -> None:
    assert list(summary(results())) == [
        "",
        "call   count    p50     p99",
        "write   1000  12 us  123 ms",
        "",
        "process   pid  fds before  after                                 RSS       PSS",
        "locator    12           3      3  no fd leaked              20.0 MiB  10.0 MiB",
        "files    1234           3      5  LEAKED /dev/null, socket  20.0 MiB  10.0 MiB",
        "",
        "10 clients at once, each with a connection of its own to one locator",
        "  connected      1,000 a second, the first call included",
        "  called         100 calls, 5,000 a second",
        "  idle client    2.2 KiB RSS, 1.0 KiB PSS in the locator",
        "  over the limit 5 refused: full; the others called on",
    ]


def test_machines_get_all_of_it() -> None:
    found = results().to_json()
    assert found["latencies"] == [
        {"kind": "write", "count": 1000, "p50_us": 12.4, "p99_us": 123456.0}
    ]
    assert found["processes"][1] == {
        "name": "files",
        "pid": 1234,
        "what": "service",
        "fds_before": 3,
        "fds_after": 5,
        "leaked": ["/dev/null", "socket"],
        "rss_kib": 20480,
        "pss_kib": 10240,
    }
    assert found["crowd"]["refusal"] == "full"


def test_every_leak_is_told() -> None:
    assert results().leaks == [
        "files (pid 1234) leaked /dev/null, socket",
        "the crowd's locator leaked socket",
    ]
