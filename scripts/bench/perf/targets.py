"""What is aimed at, as ratios within one run, and whether it was reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from scripts.bench.perf.placement import Placement
from scripts.bench.perf.results import Figure, Results, ratio
from scripts.bench.perf.row import Kind, Measure

UVLOOP_ECHO: Final = "uvloop echo"
MAIN: Final = "ipcrt uvloop def"
BEST: Final = (f"{MAIN} C", f"{MAIN} pure")
"""What the peers are compared with: the first of these that has figures."""

_BLOCKING: Final = ("ipcrt blocking C", "ipcrt blocking pure")


class Verdict(msgspec.Struct):
    """A target, and what was found."""

    target: str
    pure: bool | None
    """Of which build; None where it does not matter."""
    limit: float
    at_least: bool
    """True where `limit` is the least; else it is the most."""
    found: float | None
    """None where it was not measured."""
    unit: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether it was reached."""
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    @property
    def margin(self) -> float | None:
        """Answer by which share of the limit it was kept (positive) or missed."""
        if self.found is None:
            return None
        difference = self.found - self.limit if self.at_least else self.limit - self.found
        return difference / self.limit


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two rows' figures of one placement."""

    text: str
    placement: Placement
    row: str
    measure: Measure
    floor: str | None
    """None: the row itself."""
    floor_measure: Measure
    pure: float
    extended: float
    rate: bool = False
    """True where rates are compared, the more the better."""


_PAIRS: Final = (
    _Pair(
        "round trip, `def`, over uvloop echo, one core",
        Placement.SAME,
        MAIN,
        Measure.ADD,
        UVLOOP_ECHO,
        Measure.ADD,
        1.6,
        1.0,
    ),
    _Pair(
        "round trip, `async def`, over uvloop echo, one core",
        Placement.SAME,
        "ipcrt uvloop async def",
        Measure.ADD,
        UVLOOP_ECHO,
        Measure.ADD,
        1.9,
        1.2,
    ),
    _Pair(
        "round trip, blocking, over Python send and recv, one core",
        Placement.SAME,
        "ipcrt blocking",
        Measure.ADD,
        "Python send and recv",
        Measure.ADD,
        1.8,
        1.2,
    ),
    _Pair(
        "calls/s, 64 in flight, over uvloop echo, unpinned",
        Placement.FREE,
        MAIN,
        Measure.FLIGHT_64,
        UVLOOP_ECHO,
        Measure.FLIGHT_64,
        0.7,
        1.3,
        rate=True,
    ),
    _Pair(
        "round trip, busy-poll, over C spinning, two cores",
        Placement.SPLIT,
        "ipcrt uvloop def busy-poll",
        Measure.ADD,
        "C spinning",
        Measure.ADD,
        6.0,
        3.0,
    ),
    _Pair(
        "one fd each way over the same call without, one core",
        Placement.SAME,
        MAIN,
        Measure.FD,
        None,
        Measure.FD_NONE,
        1.4,
        1.4,
    ),
    _Pair(
        "64 MiB by VMO over a plain memfd hand-over",
        Placement.FREE,
        MAIN,
        Measure.VMO_64M,
        "Python memfd",
        Measure.VMO_64M,
        1.05,
        1.05,
    ),
    _Pair(
        "GiB/s of 1 MiB `bytes` over raw SEQPACKET into a fresh buffer",
        Placement.FREE,
        MAIN,
        Measure.BYTES_1M,
        "Python SEQPACKET fresh buffer",
        Measure.BYTES_1M,
        2.0,
        2.0,
        rate=True,
    ),
    _Pair(
        "GiB/s of 64 MiB `bytes` over raw SEQPACKET into a fresh buffer",
        Placement.FREE,
        MAIN,
        Measure.BYTES_64M,
        "Python SEQPACKET fresh buffer",
        Measure.BYTES_64M,
        2.0,
        2.0,
        rate=True,
    ),
    _Pair(
        "cost of a call, 1,000 clients over 1",
        Placement.SAME,
        MAIN,
        Measure.CLIENTS_1000,
        None,
        Measure.CLIENTS_1,
        1.15,
        1.15,
    ),
    _Pair(
        "cost of a call, 1,000 in flight over 1",
        Placement.SAME,
        MAIN,
        Measure.FLIGHT_1000,
        None,
        Measure.FLIGHT_1,
        1.15,
        1.15,
    ),
)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of a measure that has no rows."""

    text: str
    special: str
    figure: str
    limit: float
    unit: str = ""
    at_least: bool = False


_SPECIALS: Final = (
    _Figure("import of a client over bare Python", "import", "client_over_bare_ms", 60.0, "ms"),
    _Figure("import of a blocking one", "import", "blocking_client_over_bare_ms", 60.0, "ms"),
    _Figure("resident in the daemon for each idle client", "clients", "private_kib", 25.0, "KiB"),
    _Figure(
        "8-byte records/s through a ring, batches of 64",
        "ring",
        "batch_64_records_s",
        1e6,
        at_least=True,
    ),
    _Figure(
        "GB/s of 1 MiB records through a ring, popped by copy, over memcpy",
        "ring",
        "copied_over_memcpy",
        0.8,
        at_least=True,
    ),
)


def judge(results: Results) -> list[Verdict]:
    """Answer all targets, in the order of their table."""
    verdicts = [_judge_pair(results, pair, pure) for pair in _PAIRS for pure in (True, False)]
    verdicts += _judge_peers(results)
    for each in _SPECIALS:
        special = results.special(each.special)
        found = special.figures.get(each.figure) if special else None
        verdicts.append(Verdict(each.text, None, each.limit, each.at_least, found, each.unit))
    return verdicts


def _judge_pair(results: Results, pair: _Pair, pure: bool) -> Verdict:
    row = f"{pair.row} {'pure' if pure else 'C'}"
    over = results.figure(pair.placement, pair.measure, row)
    under = results.figure(pair.placement, pair.floor_measure, pair.floor or row)
    found = ratio(under, over) if pair.rate else ratio(over, under)
    limit = pair.pure if pure else pair.extended
    return Verdict(pair.text, pure, limit, at_least=pair.rate, found=found)


def _judge_peers(results: Results) -> list[Verdict]:
    """Judge the nearest peer of each kind: by the round trip on one core."""
    judged = (
        (Kind.SYNC_PEER, "nearest synchronous peer over ours", 1.0, _BLOCKING),
        (Kind.ASYNC_PEER, "nearest asynchronous peer over ours", 3.0, BEST),
    )
    verdicts: list[Verdict] = []
    for kind, text, limit, ours in judged:
        found = _nearest(results, kind, ours)
        name = f" ({found[1]})" if found else ""
        target = f"round trip, {text}{name}, one core"
        verdicts.append(Verdict(target, None, limit, True, found[0] if found else None))
    return verdicts


def _nearest(results: Results, kind: Kind, ours: tuple[str, ...]) -> tuple[float, str] | None:
    """Answer the smallest ratio of a peer of that kind over the first of ours, and its name."""

    def find(name: str) -> Figure | None:
        return results.figure(Placement.SAME, Measure.ADD, name)

    our = next((figure for name in ours if (figure := find(name)) is not None), None)
    peers = [row.name for row in results.rows if row.kind is kind]
    ratios = [(found, name) for name in peers if (found := ratio(find(name), our)) is not None]
    return min(ratios, default=None)
