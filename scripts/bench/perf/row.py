"""What is measured, and what a module in `rows/` or `rows/peers/` exports: `ROWS: tuple[Row, ...]`.

Each row is two processes, started once and kept alive while all rows take turns, round by round:

1. The server process calls `serve(address, ready)`, which calls `ready()` as soon as clients can
   connect, and serves any number of them until it is killed. SIGKILL comes unannounced.
2. The client process calls `connect(address)` once, and `run(measure, count)` of what it answers,
   many times, in any order of measures, with pauses in between.
3. `address` is an empty directory of the row's own: sockets and files go there.
4. A process that waits, sleeps: between runs nobody spins, since others are being measured.
   Spinning ends by itself 20 ms after the last message.
5. A process that a row starts besides is made by `beside.start`, so that it ends with the row. The
   runner pins it, and counts its processor time, with the process that started it.
6. A module in `rows/` imports what is not installed everywhere inside `serve` and `connect`, never
   at its head; `requires` names it.
7. Nothing is printed. What fails, raises: the row is then told as failed, and the others go on.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol


class Kind(enum.StrEnum):
    """What a row is, in the table's order."""

    FLOOR = "floor"
    OWN = "own"
    SYNC_PEER = "sync peer"
    ASYNC_PEER = "async peer"


class Measure(enum.StrEnum):
    """What a row may do; `run` answers nanoseconds, by time.perf_counter_ns.

    *Each*: a list of `count` numbers, one for each operation, which begins when the one before has
    ended. *Total*: a list of one number, from the start of the first operation to the end of the
    last of `count`.
    """

    ADD = "add"
    """Each: call `add(a, b)` with two small integers (typed, if the row has types). A row that has
    no calls sends 32 bytes, and has them back."""
    ECHO = "echo"
    """Each: send 64 bytes, have them back."""
    FLIGHT_1 = "flight_1"
    """Total: `add`, with one call in flight, made as in FLIGHT_64."""
    FLIGHT_64 = "flight_64"
    """Total: `add`, with 64 calls in flight on one connection, as long as there are any left. A row
    that has no calls sends a message when one has come back, each delimited at both sides."""
    FLIGHT_1000 = "flight_1000"
    """Total: as FLIGHT_64, with 1,000."""
    ONE_WAY = "one_way"
    """Total: the client sends messages without a reply, of two small integers or 64 bytes; it ends
    when the server has handled the last."""
    EVENTS = "events"
    """Total: as ONE_WAY, from the server to the client; it begins when the client asks for them."""
    FD = "fd"
    """Each: a call that moves a descriptor there and the same one, or another, back."""
    FD_NONE = "fd_none"
    """Each: the same call without a descriptor, to compare FD with."""
    BYTES_1M = "bytes_1m"
    """Each: a call with 1 MiB as its argument, made before. The server reads a byte of every page
    (`timing.touch`) before it replies."""
    BYTES_64M = "bytes_64m"
    """Each: as BYTES_1M, with 64 MiB."""
    VMO_1M = "vmo_1m"
    """Each: as BYTES_1M, in a memfd that was filled before: its descriptor is passed, and the
    server maps it, reads a byte of every page, unmaps and closes it. Each time it is another memfd:
    what touching one costs depends on the pages that it has happened to get."""
    VMO_64M = "vmo_64m"
    """Each: as VMO_1M, with 64 MiB."""
    CLIENTS_1 = "clients_1"
    """Each: `add`, while nobody else is connected but what the other measures need."""
    CLIENTS_1000 = "clients_1000"
    """Each: `add`, while 999 more clients are connected and idle. They are connected at the start
    of the run, outside the time that is taken, and closed at its end."""
    STALLED_0 = "stalled_0"
    """Each: `add` by ten clients at once, together `count` calls."""
    STALLED_100 = "stalled_100"
    """Each: as STALLED_0, while 100 more clients have called without reading until nothing fits any
    more, and leave it at that."""


MIB: Final = 1 << 20
IN_FLIGHT: Final = {Measure.FLIGHT_1: 1, Measure.FLIGHT_64: 64, Measure.FLIGHT_1000: 1000}
SIZES: Final = {
    Measure.BYTES_1M: MIB,
    Measure.BYTES_64M: 64 * MIB,
    Measure.VMO_1M: MIB,
    Measure.VMO_64M: 64 * MIB,
}
"""How many bytes are passed."""
TOTALS: Final = frozenset(
    {
        Measure.FLIGHT_1,
        Measure.FLIGHT_64,
        Measure.FLIGHT_1000,
        Measure.ONE_WAY,
        Measure.EVENTS,
    }
)
"""Measures that answer one number for all operations."""


class Driver(Protocol):
    """The client's side of a row, connected."""

    def run(self, measure: Measure, count: int) -> list[int]:
        """Do `count` operations; answer nanoseconds, as the measure says."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One way to talk."""

    name: str
    """Unique, short, in the table's first column: letters, digits, spaces, `-`, `_`, `.`."""
    kind: Kind
    measures: frozenset[Measure]
    serve: Callable[[str, Callable[[], None]], None]
    """`serve(address, ready)`: see rules 1 and 3."""
    connect: Callable[[str], Driver]
    requires: tuple[str, ...] = ()
    """Modules that must be importable, and commands as `command:NAME`; else the row is skipped."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the row's two processes have in their environment besides."""
    spins: bool = False
    """True where it spins even if that keeps the other side from running: it is measured only
    where each side has a core."""
    unfit: Callable[[], str | None] | None = None
    """Answers why the row cannot run here, None where it can. Called in the runner: it is quick."""
