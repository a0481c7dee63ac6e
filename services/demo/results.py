"""What came out of it, for people and for machines."""

from __future__ import annotations

import dataclasses
from typing import Any

from ipcrt_services.demo.measure import Descriptors, Memory
from ipcrt_services.demo.timings import Latency


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessResult:
    """One process, measured before and after its work, while it was quiet."""

    name: str
    pid: int
    what: str
    before: Descriptors
    after: Descriptors
    memory: Memory

    @property
    def leaked(self) -> list[str]:
        """What it has open now and had not before."""
        return self.after.since(self.before)


@dataclasses.dataclass(frozen=True, slots=True)
class CrowdResult:
    """Many clients of one locator at once."""

    clients: int
    connects_per_s: float
    calls: int
    calls_per_s: float
    rss_per_client_kib: float
    pss_per_client_kib: float
    refused: int
    refusal: str
    leaked: list[str]


@dataclasses.dataclass(slots=True)
class Results:
    """Everything that was seen."""

    activated_by: str = ""
    deeds: list[tuple[str, str]] = dataclasses.field(default_factory=list[tuple[str, str]])
    latencies: list[Latency] = dataclasses.field(default_factory=list[Latency])
    processes: list[ProcessResult] = dataclasses.field(default_factory=list[ProcessResult])
    crowd: CrowdResult | None = None
    seconds: float = 0.0

    @property
    def leaks(self) -> list[str]:
        """One line for each process that has more open than before."""
        leaks = [(f"{each.name} (pid {each.pid})", each.leaked) for each in self.processes]
        if self.crowd is not None:
            leaks.append(("the crowd's locator", self.crowd.leaked))
        return [f"{who} leaked {', '.join(leaked)}" for who, leaked in leaks if leaked]

    def to_json(self) -> dict[str, Any]:
        """Answer what `json` can write."""
        return {
            "ok": True,
            "seconds": round(self.seconds, 3),
            "activated_by": self.activated_by,
            "deeds": [{"process": name, "text": text} for name, text in self.deeds],
            "latencies": [dataclasses.asdict(each) for each in self.latencies],
            "processes": [_process(each) for each in self.processes],
            "crowd": None if self.crowd is None else dataclasses.asdict(self.crowd),
        }


def _process(each: ProcessResult) -> dict[str, Any]:
    return {
        "name": each.name,
        "pid": each.pid,
        "what": each.what,
        "fds_before": len(each.before),
        "fds_after": len(each.after),
        "leaked": each.leaked,
        "rss_kib": each.memory.rss,
        "pss_kib": each.memory.pss,
    }
