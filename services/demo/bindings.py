# Library ipcrt.demo: generated; do not edit.
"""What the demonstration's processes say to each other."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Uint32, Uint64
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo

MAX_TEXT_BYTES: Final = 1024
"""The most bytes that a report's text may have."""


class File(Struct):
    """A file of the demonstration."""

    path: Path
    """Where it is."""
    beneath: Path
    """Where it is beneath the files service's directory."""


class Timing(Struct):
    """How long calls of one kind took."""

    kind: Word
    """What was called."""
    us: Annotated[list[float], Meta(max_length=1000000)]
    """Microseconds, in the order in which the calls ended."""


class ChecksumSha256Request(Struct):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]


class ChecksumSha256Response(Struct):
    digest: Annotated[bytes, Meta(max_length=32)]
    pid: Uint32


class KeeperHoldRequest(Struct):
    peer: Annotated[EventPair, needs(Rights.WAIT)]


class DirectorGetPlanResponse(Struct):
    locator: Path
    """The locator's socket."""
    serves: Name
    """What the player offers to another one; empty where it has nothing to offer."""
    asks: Name
    """What it opens of another one."""
    vmo_bytes: Uint64
    """How much memory it passes to that one."""
    count: Uint32
    """How many clients of a crowd the player plays."""
    files: Annotated[list[File], Meta(max_length=100000)]
    """The files that it reads."""


class DirectorArriveRequest(Struct):
    stage: Word


class DirectorReportRequest(Struct):
    step: Word
    text: Annotated[str, Meta(max_length=1024)]
    passed: bool
    at_ns: Uint64
    """When the step was done, by CLOCK_MONOTONIC."""
    timings: Annotated[list[Timing], Meta(max_length=16)]


class DirectorProgressRequest(Struct):
    step: Word
    done: Uint64
    total: Uint64


class Checksum(Protocol):
    """Reads memory that another process filled."""


class Keeper(Protocol):
    """Keeps one end of an event pair until it dies."""


class Director(Protocol):
    """What a player asks and tells the conductor, over the channel that it was started with."""


Path: TypeAlias = Annotated[str, Meta(max_length=4095)]
"""A path, at most 4095 bytes."""

Name: TypeAlias = Annotated[str, Meta(max_length=255)]
"""The name under which the locator offers something."""

Word: TypeAlias = Annotated[str, Meta(max_length=64)]
"""The name of a stage, a step, or a kind of call."""

CHECKSUM_SHA256 = TwoWay(
    "ipcrt.demo/Checksum.Sha256", ChecksumSha256Request, ChecksumSha256Response
)
Checksum.TABLE = ProtocolTable("ipcrt.demo/Checksum", Openness.OPEN, (CHECKSUM_SHA256,))

KEEPER_HOLD = TwoWay("ipcrt.demo/Keeper.Hold", KeeperHoldRequest, type(None))
Keeper.TABLE = ProtocolTable("ipcrt.demo/Keeper", Openness.OPEN, (KEEPER_HOLD,))

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
Director.TABLE = ProtocolTable(
    "ipcrt.demo/Director",
    Openness.CLOSED,
    (DIRECTOR_GET_PLAN, DIRECTOR_ARRIVE, DIRECTOR_REPORT, DIRECTOR_PROGRESS),
)


class ChecksumProxy(Proxy[Checksum]):
    """A client, awaited."""

    PROTOCOL = Checksum
    __slots__ = ()

    async def sha256(self, vmo: Vmo, *, timeout: float | None = 25.0) -> ChecksumSha256Response:
        """Sum the content of `vmo`, and say who did."""
        return await self._call(CHECKSUM_SHA256, ChecksumSha256Request(vmo), timeout)


class ChecksumBlockingProxy(BlockingProxy[Checksum]):
    """A client, blocking its thread; see `ChecksumProxy`."""

    PROTOCOL = Checksum
    __slots__ = ()

    def sha256(self, vmo: Vmo, *, timeout: float | None = 25.0) -> ChecksumSha256Response:
        return self._call(CHECKSUM_SHA256, ChecksumSha256Request(vmo), timeout)


class ChecksumServer(Server[Checksum]):
    """Serves one client; see `ChecksumProxy`."""

    PROTOCOL = Checksum

    @abstractmethod
    def sha256(self, vmo: Vmo) -> Answer[ChecksumSha256Response]: ...


class KeeperProxy(Proxy[Keeper]):
    """A client, awaited."""

    PROTOCOL = Keeper
    __slots__ = ()

    async def hold(self, peer: EventPair, *, timeout: float | None = 25.0) -> None:
        """Keep `peer`."""
        await self._call(KEEPER_HOLD, KeeperHoldRequest(peer), timeout)


class KeeperBlockingProxy(BlockingProxy[Keeper]):
    """A client, blocking its thread; see `KeeperProxy`."""

    PROTOCOL = Keeper
    __slots__ = ()

    def hold(self, peer: EventPair, *, timeout: float | None = 25.0) -> None:
        self._call(KEEPER_HOLD, KeeperHoldRequest(peer), timeout)


class KeeperServer(Server[Keeper]):
    """Serves one client; see `KeeperProxy`."""

    PROTOCOL = Keeper

    @abstractmethod
    def hold(self, peer: EventPair) -> Answer[None]: ...


class DirectorProxy(Proxy[Director]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Director
    __slots__ = ()

    async def get_plan(self, *, timeout: float | None = 25.0) -> DirectorGetPlanResponse:
        """Ask what to do."""
        return await self._call(DIRECTOR_GET_PLAN, None, timeout)

    async def arrive(self, stage: str, *, timeout: float | None = 25.0) -> None:
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
        timeout: float | None = 25.0,
    ) -> None:
        """Tell how a step went."""
        await self._call(
            DIRECTOR_REPORT, DirectorReportRequest(step, text, passed, at_ns, timings), timeout
        )

    async def progress(self, step: str, done: int, total: int) -> None:
        """Tell how far a step is."""
        await self._send(DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total))

    def progress_now(self, step: str, done: int, total: int) -> None:
        self._send_now(DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total))

    def progress_soon(self, step: str, done: int, total: int, on_sent: Done) -> bool:
        return self._send_soon(
            DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total), on_sent
        )


class DirectorBlockingProxy(BlockingProxy[Director]):
    """A client, blocking its thread; see `DirectorProxy`."""

    PROTOCOL = Director
    __slots__ = ()

    def get_plan(self, *, timeout: float | None = 25.0) -> DirectorGetPlanResponse:
        return self._call(DIRECTOR_GET_PLAN, None, timeout)

    def arrive(self, stage: str, *, timeout: float | None = 25.0) -> None:
        self._call(DIRECTOR_ARRIVE, DirectorArriveRequest(stage), timeout)

    def report(
        self,
        step: str,
        text: str,
        passed: bool,
        at_ns: int,
        timings: list[Timing],
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(
            DIRECTOR_REPORT, DirectorReportRequest(step, text, passed, at_ns, timings), timeout
        )

    def progress(self, step: str, done: int, total: int) -> None:
        self._send(DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total))

    def progress_now(self, step: str, done: int, total: int) -> None:
        self._send_now(DIRECTOR_PROGRESS, DirectorProgressRequest(step, done, total))


class DirectorServer(Server[Director]):
    """Serves one client; see `DirectorProxy`."""

    PROTOCOL = Director

    @abstractmethod
    def get_plan(self) -> Answer[DirectorGetPlanResponse]: ...

    @abstractmethod
    def arrive(self, stage: str) -> Answer[None]: ...

    @abstractmethod
    def report(
        self, step: str, text: str, passed: bool, at_ns: int, timings: list[Timing]
    ) -> Answer[None]: ...

    @abstractmethod
    def progress(self, step: str, done: int, total: int) -> Answer[None]: ...
