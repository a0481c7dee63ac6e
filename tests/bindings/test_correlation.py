"""Correlation by event pairs: in any order, once, and for those who were handed an end."""

from __future__ import annotations

import socket

import anyio
import pytest

from ipcrt.bindings.correlation import Correlation
from ipcrt.errors import (
    AlreadyExists,
    BadHandle,
    BadState,
    Canceled,
    IpcError,
    NoResources,
    NotFound,
    TimedOut,
)
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort, open_port
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

IDLE = {"exports": 0, "claims": 0}


class Shared(Correlation[str]):
    """Knows what was dropped."""

    def __init__(self, port: AsyncPort, limit: int = 8) -> None:
        self.dropped: list[str] = []
        super().__init__(port, limit=limit, on_drop=self.dropped.append)


class Claim:
    """A claim beside the test."""

    def __init__(self, shared: Shared, token: EventPair, port: AsyncPort) -> None:
        self.answers: list[str | type[IpcError]] = []
        self.cancel = port.spawn(self._claim(shared, token), "claim")

    async def _claim(self, shared: Shared, token: EventPair) -> None:
        try:
            self.answers.append(await shared.claim(token))
        except IpcError as error:
            self.answers.append(type(error))

    async def answered(self) -> str | type[IpcError]:
        await wait_until_async(lambda: self.answers)
        return self.answers[0]


async def test_an_export_is_claimed() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        shared.export(ours, "thing")
        assert await shared.claim(theirs) == "thing"
        assert (ours.closed, theirs.closed) == (True, True)
        assert shared.statistics() == IDLE
        assert shared.dropped == []
        assert port.statistics() == port.statistics() | {"waits": 0, "receivers": 0}


async def test_a_claim_may_come_first() -> None:
    async with open_port() as port:
        shared = Shared(port)
        pairs = [EventPair.create() for _ in range(5)]
        claims = [Claim(shared, theirs, port) for _, theirs in pairs]
        await wait_until_async(lambda: shared.statistics()["claims"] == 5)
        for number, (ours, _) in reversed(list(enumerate(pairs))):
            shared.export(ours, f"thing {number}")
        answers = [await claim.answered() for claim in claims]
        assert answers == [f"thing {number}" for number in range(5)]
        assert shared.statistics() == IDLE


async def test_an_export_is_claimed_once() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        shared.export(ours, "thing")
        second = theirs.duplicate()
        assert await shared.claim(theirs) == "thing"
        with pytest.raises(NotFound):
            await shared.claim(second)
        assert second.closed


async def test_one_end_is_claimed_by_one_at_a_time() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        second = theirs.duplicate()
        claim = Claim(shared, theirs, port)
        await wait_until_async(lambda: shared.statistics()["claims"])
        with pytest.raises(AlreadyExists):
            await shared.claim(second)
        assert second.closed
        shared.export(ours, "thing")
        assert await claim.answered() == "thing"


async def test_another_pair_claims_nothing() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        strange, stranger = EventPair.create()
        with theirs, strange:
            shared.export(ours, "thing")
            with pytest.raises(TimedOut):
                await shared.claim(stranger, 0.02)
            assert shared.statistics() == {"exports": 1, "claims": 0}
        await wait_until_async(lambda: shared.dropped == ["thing"])


async def test_a_forged_end_claims_nothing() -> None:
    """Its other end bears the export's name, which anybody may write; the export names another."""
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        koid = shared.export(ours, "thing")
        liar, mask = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, mask:
            mask.bind(b"\0ipcrt/eventpair/%x/1" % koid)
            forged = EventPair(liar.detach())
            assert forged.related_koid == koid
            with pytest.raises(TimedOut):
                await shared.claim(forged, 0.02)
            assert await shared.claim(theirs) == "thing"


async def test_an_end_claims_not_itself() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        with theirs:
            second = ours.duplicate()
            shared.export(ours, "thing")
            with pytest.raises(TimedOut):
                await shared.claim(second, 0.02)


async def test_what_nobody_can_claim_is_dropped() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        theirs.signal_peer()
        shared.export(ours, "thing")
        assert shared.statistics()["exports"] == 1
        theirs.close()
        await wait_until_async(lambda: shared.dropped == ["thing"])
        assert ours.closed
        assert shared.statistics() == IDLE


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_nobody_can_export_is_not_waited_for(when: str) -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        if when == "before":
            ours.close()
        claim = Claim(shared, theirs, port)
        if when == "after":
            await wait_until_async(lambda: shared.statistics()["claims"])
            ours.close()
        assert await claim.answered() is NotFound
        assert shared.statistics() == IDLE


async def test_an_exporter_takes_it_back() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        koid = shared.export(ours, "thing")
        shared.withdraw(koid)
        shared.withdraw(koid)
        assert shared.dropped == ["thing"]
        with pytest.raises(NotFound):
            await shared.claim(theirs)


async def test_a_claim_that_is_cancelled_leaves_the_export() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        again = theirs.duplicate()
        claim = Claim(shared, theirs, port)
        await wait_until_async(lambda: shared.statistics()["claims"])
        shared.export(ours, "thing")
        claim.cancel()  # in the same turn: trio has taken it, asyncio's task has not
        await wait_until_async(lambda: theirs.closed)
        if claim.answers:
            again.close()
        else:
            assert await shared.claim(again) == "thing"
        assert shared.statistics() == IDLE


async def test_too_many_are_refused() -> None:
    async with open_port() as port:
        shared = Shared(port, limit=1)
        ours, theirs = EventPair.create()
        more, most = EventPair.create()
        with theirs, most:
            second = ours.duplicate()
            shared.export(ours, "thing")
            with pytest.raises(AlreadyExists):
                shared.export(second, "again")
            with pytest.raises(NoResources, match="1 exports wait"):
                shared.export(more, "more")
            assert (second.closed, more.closed) == (True, True)
            shared.close()
            assert shared.dropped == ["thing"]
            assert shared.statistics() == IDLE


async def test_closing_ends_the_claims() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        with ours:
            claim = Claim(shared, theirs, port)
            await wait_until_async(lambda: shared.statistics()["claims"])
            shared.close()
            assert await claim.answered() is Canceled


async def test_a_token_that_is_closed_is_refused() -> None:
    async with open_port() as port:
        shared = Shared(port)
        ours, theirs = EventPair.create()
        ours.close()
        with theirs, pytest.raises(BadHandle):
            shared.export(ours, "thing")
        with pytest.raises(BadHandle):
            await shared.claim(theirs)
        assert port.statistics()["receivers"] == 0


async def test_a_port_that_closes_leaves_nothing_open() -> None:
    ours, theirs = EventPair.create()
    more, most = EventPair.create()
    again, rest = EventPair.create()
    with theirs, more, rest:
        async with anyio.create_task_group() as tasks, open_port() as port:
            shared = Shared(port)
            shared.export(ours, "thing")
            tasks.start_soon(refused, shared, most)
            await wait_until_async(lambda: shared.statistics()["claims"])
            port.close()
            assert ours.closed
            with pytest.raises(BadState):
                shared.export(again, "late")
        assert (most.closed, again.closed) == (True, True)


async def refused(shared: Shared, token: EventPair) -> None:
    with pytest.raises(IpcError):
        await shared.claim(token)
