"""The demonstration's own contracts: tables and typed signatures, as a generator would emit them.

library ipcrt.demo;

type File = struct { path string:4095; beneath string:4095; };
type Timing = struct { kind string:64; us vector<float64>:1000000; };

@discoverable
open protocol Checksum {
    flexible Sha256(resource struct { vmo zx.Handle:VMO; })
        -> (struct { digest vector<uint8>:32; pid uint32; });
};

@discoverable
open protocol Keeper {
    flexible Hold(resource struct { peer zx.Handle:EVENTPAIR; }) -> ();
};

// Between the conductor, who serves it, and each of its players.
closed protocol Director {
    strict GetPlan() -> (struct { locator string:4095; serves string:255; asks string:255;
                                  vmo_bytes int64; count uint32; files vector<File>:100000; });
    strict Arrive(struct { stage string:64; }) -> ();
    strict Report(struct { step string:64; text string:1024; passed bool; at_ns int64;
                           timings vector<Timing>:16; }) -> ();
    strict Progress(struct { step string:64; done int64; total int64; });
};
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine
from typing import Annotated, Any

from msgspec import Meta

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.vmo import Vmo

Word = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(max_length=255)]
Path = Annotated[str, Meta(max_length=4095)]
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]

MAX_TEXT_BYTES = 1024


class File(Struct, frozen=True):
    """A file of the demonstration: where it is, and where beneath the files service's directory."""

    path: Path
    beneath: Path


class Timing(Struct, frozen=True):
    """How long calls of one kind took, in microseconds, in the order in which they ended."""

    kind: Word
    us: Annotated[list[float], Meta(max_length=1_000_000)]


class ChecksumSha256Request(Struct, frozen=True):
    """Request of Checksum.Sha256."""

    vmo: Vmo


class ChecksumSha256Response(Struct, frozen=True):
    """Response of Checksum.Sha256."""

    digest: Annotated[bytes, Meta(max_length=32)]
    pid: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]


class KeeperHoldRequest(Struct, frozen=True):
    """Request of Keeper.Hold."""

    peer: EventPair


class DirectorGetPlanResponse(Struct, frozen=True):
    """Response of Director.GetPlan."""

    locator: Path
    serves: Name
    asks: Name
    vmo_bytes: Count
    count: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
    files: Annotated[list[File], Meta(max_length=100_000)]


class DirectorArriveRequest(Struct, frozen=True):
    """Request of Director.Arrive."""

    stage: Word


class DirectorReportRequest(Struct, frozen=True):
    """Request of Director.Report; `at_ns` is when the step was done, by CLOCK_MONOTONIC."""

    step: Word
    text: Annotated[str, Meta(max_length=MAX_TEXT_BYTES)]
    passed: bool
    at_ns: Count
    timings: Annotated[list[Timing], Meta(max_length=16)]


class DirectorProgressRequest(Struct, frozen=True):
    """Request of Director.Progress."""

    step: Word
    done: Count
    total: Count


class Checksum(Protocol):
    """Reads memory that another process filled."""


class Keeper(Protocol):
    """Keeps one end of an event pair until it dies."""


class Director(Protocol):
    """What a player asks and tells the conductor."""


CHECKSUM_SHA256 = TwoWay(
    "ipcrt.demo/Checksum.Sha256", ChecksumSha256Request, ChecksumSha256Response
)
KEEPER_HOLD = TwoWay("ipcrt.demo/Keeper.Hold", KeeperHoldRequest, type(None))
DIRECTOR_GET_PLAN = TwoWay(
    "ipcrt.demo/Director.GetPlan", type(None), DirectorGetPlanResponse, strict=True
)
DIRECTOR_ARRIVE = TwoWay(
    "ipcrt.demo/Director.Arrive", DirectorArriveRequest, type(None), strict=True
)
DIRECTOR_REPORT = TwoWay(
    "ipcrt.demo/Director.Report", DirectorReportRequest, type(None), strict=True
)
DIRECTOR_PROGRESS = OneWay("ipcrt.demo/Director.Progress", DirectorProgressRequest, strict=True)

Checksum.TABLE = ProtocolTable("ipcrt.demo/Checksum", Openness.OPEN, (CHECKSUM_SHA256,))
Keeper.TABLE = ProtocolTable("ipcrt.demo/Keeper", Openness.OPEN, (KEEPER_HOLD,))
Director.TABLE = ProtocolTable(
    "ipcrt.demo/Director",
    Openness.CLOSED,
    (DIRECTOR_GET_PLAN, DIRECTOR_ARRIVE, DIRECTOR_REPORT, DIRECTOR_PROGRESS),
)


class ChecksumProxy(Proxy[Checksum]):
    """A client of a checksummer, awaited."""

    PROTOCOL = Checksum
    __slots__ = ()

    async def sha256(
        self, vmo: Vmo, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> ChecksumSha256Response:
        """Have the content of `vmo` summed; it is moved."""
        return await self._call(CHECKSUM_SHA256, ChecksumSha256Request(vmo), timeout)


class ChecksumBlockingProxy(BlockingProxy[Checksum]):
    """A client of a checksummer, blocking its thread; see `ChecksumProxy`."""

    PROTOCOL = Checksum
    __slots__ = ()

    def sha256(
        self, vmo: Vmo, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> ChecksumSha256Response:
        """Have the content of `vmo` summed; it is moved."""
        return self._call(CHECKSUM_SHA256, ChecksumSha256Request(vmo), timeout)


class ChecksumServer(Server[Checksum]):
    """One client of a checksummer, served."""

    PROTOCOL = Checksum

    @abstractmethod
    def sha256(
        self, vmo: Vmo
    ) -> Coroutine[Any, Any, ChecksumSha256Response] | ChecksumSha256Response:
        """Sum the content of `vmo`, which is owned here."""


class KeeperProxy(Proxy[Keeper]):
    """A client of the keeper, awaited."""

    PROTOCOL = Keeper
    __slots__ = ()

    async def hold(self, peer: EventPair, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Have `peer` kept; it is moved."""
        await self._call(KEEPER_HOLD, KeeperHoldRequest(peer), timeout)


class KeeperBlockingProxy(BlockingProxy[Keeper]):
    """A client of the keeper, blocking its thread; see `KeeperProxy`."""

    PROTOCOL = Keeper
    __slots__ = ()

    def hold(self, peer: EventPair, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Have `peer` kept; it is moved."""
        self._call(KEEPER_HOLD, KeeperHoldRequest(peer), timeout)


class KeeperServer(Server[Keeper]):
    """One client of the keeper, served."""

    PROTOCOL = Keeper

    @abstractmethod
    def hold(self, peer: EventPair) -> Coroutine[Any, Any, None] | None:
        """Keep `peer`."""


class DirectorProxy(Proxy[Director]):
    """A player, awaited."""

    PROTOCOL = Director
    __slots__ = ()

    async def get_plan(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> DirectorGetPlanResponse:
        """Ask what to do."""
        return await self._call(DIRECTOR_GET_PLAN, None, timeout)

    async def arrive(self, stage: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Say that a stage is reached, and wait until the conductor lets everybody go on."""
        await self._call(DIRECTOR_ARRIVE, DirectorArriveRequest(stage), timeout)

    async def report(
        self,
        step: str,
        text: str,
        passed: bool,
        at_ns: int,
        timings: list[Timing],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Tell how a step went."""
        request = DirectorReportRequest(step, text, passed, at_ns, timings)
        await self._call(DIRECTOR_REPORT, request, timeout)

    async def progress(self, step: str, done: int, total: int) -> None:
        """Tell how far a step is."""
        await self._send(DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total))


class DirectorBlockingProxy(BlockingProxy[Director]):
    """A player, blocking its thread; see `DirectorProxy`."""

    PROTOCOL = Director
    __slots__ = ()

    def get_plan(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> DirectorGetPlanResponse:
        """Ask what to do."""
        return self._call(DIRECTOR_GET_PLAN, None, timeout)

    def arrive(self, stage: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        """Say that a stage is reached, and wait until the conductor lets everybody go on."""
        self._call(DIRECTOR_ARRIVE, DirectorArriveRequest(stage), timeout)

    def report(
        self,
        step: str,
        text: str,
        passed: bool,
        at_ns: int,
        timings: list[Timing],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Tell how a step went."""
        self._call(
            DIRECTOR_REPORT, DirectorReportRequest(step, text, passed, at_ns, timings), timeout
        )

    def progress(self, step: str, done: int, total: int) -> None:
        """Tell how far a step is."""
        self._send(DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total))


class DirectorServer(Server[Director]):
    """One player, served. A method may be a plain `def` or a coroutine."""

    PROTOCOL = Director

    @abstractmethod
    def get_plan(
        self,
    ) -> Coroutine[Any, Any, DirectorGetPlanResponse] | DirectorGetPlanResponse:
        """Answer what to do."""

    @abstractmethod
    def arrive(self, stage: str) -> Coroutine[Any, Any, None] | None:
        """Hold the player up until all may go on."""

    @abstractmethod
    def report(
        self, step: str, text: str, passed: bool, at_ns: int, timings: list[Timing]
    ) -> Coroutine[Any, Any, None] | None:
        """Take note of a step's outcome."""

    @abstractmethod
    def progress(self, step: str, done: int, total: int) -> None:
        """Take note of a step's progress."""
