from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import NoResources
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.kernel_queue import unread_by_us
from ipcrt.locator.limits import Quota, Quotas, Resource
from ipcrt.locator.locator import LocatorService
from ipcrt.locator.policy import Namespace, Policy
from ipcrt.locator.protocol import LOCATOR_GET_IDENTITY, Locator, LocatorProxy
from ipcrt.locator.queue_watch import queued_bytes
from ipcrt.locator.session import Session
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio
NAMESPACE = Namespace(("*",), ("*",))
LIMIT = 20_000


class Club:
    """A locator in this process, and clients that read or do not."""

    def __init__(self, port: AsyncPort) -> None:
        self.port = port
        self.service = LocatorService(port, Policy())

    def admit(self, pid: int, quotas: Quotas) -> ClientEnd[Locator]:
        client, server = create_endpoints(Locator)
        who = Credentials(pid, 1000, 1000, frozenset())
        session = Session(self.service, who, NAMESPACE, quotas=quotas)
        assert self.service.admit(server, session)
        return client

    def queued(self) -> int:
        return self.service.ledger.held(1000, Resource.QUEUED_BYTES)

    def proxy(self, pid: int) -> LocatorProxy:
        return LocatorProxy(self.admit(pid, Quotas()), self.port)


@asynccontextmanager
async def opened() -> AsyncGenerator[Club, None]:
    async with open_port() as port:
        club = Club(port)
        try:
            yield club
        finally:
            club.service.close()
            assert len(club.service.ledger) == 0


def ask(end: ClientEnd[Locator], count: int) -> None:
    """Make calls whose answers nobody reads."""
    for txid in range(1, count + 1):
        end.channel.write(encode(txid, LOCATOR_GET_IDENTITY.ordinal, FLEXIBLE, b""))


async def answered(club: Club, end: ClientEnd[Locator], count: int) -> None:
    ask(end, count)
    await wait_until_async(lambda: unread_by_us(end.channel) >= count * 20)


def last_words(channel: Channel) -> int:
    """Read to the end; answer the epitaph's status."""
    while True:
        for frame in split(memoryview(channel.read().data), 0):
            if frame[1] == EPITAPH_ORDINAL:
                return decode_epitaph(frame[3])


async def test_who_lets_too_much_pile_up_is_closed_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened() as club, club.proxy(pid=os.getpid()) as other:
        quotas = Quotas(client=Quota(queued_bytes=LIMIT))
        with club.admit(5, quotas) as hoarder:
            ask(hoarder, 60)
            await wait_until_async(lambda: club.service.statistics()["clients"] == 1)
            assert last_words(hoarder.channel) == NoResources.STATUS
        assert (await other.get_identity()).identity.uid == 1000
        [record] = [each for each in caplog.records if "queued_bytes" in each.getMessage()]
        assert record.getMessage().startswith("client pid 5 uid 1000 is closed: ")
        assert record.getMessage().endswith(
            f" queued_bytes of client pid 5 uid 1000, limit {LIMIT}"
        )
        assert club.service.ledger.refused[Resource.QUEUED_BYTES] == 1


async def test_who_reads_may_ask_without_end() -> None:
    async with opened() as club:
        quotas = Quotas(client=Quota(queued_bytes=LIMIT))
        async with LocatorProxy(club.admit(5, quotas), club.port) as client:
            for _ in range(300):
                await client.get_identity()
            await club.port.sleep(0.1)
            await client.get_identity()
            await wait_until_async(lambda: not club.queued())


async def test_of_a_uid_over_its_limit_the_worst_is_closed() -> None:
    async with opened() as club:
        quotas = Quotas(uid=Quota(queued_bytes=60_000))
        with club.admit(5, quotas) as small, club.admit(6, quotas) as large:
            ask(small, 10)
            await wait_until_async(club.queued)
            before = club.queued()
            ask(large, 150)
            await wait_until_async(lambda: club.service.statistics()["clients"] == 1)
            assert last_words(large.channel) == NoResources.STATUS
            assert club.queued() == before, "of who stays, no more and no less"


async def test_what_was_read_meanwhile_is_not_held_against_anybody() -> None:
    async with opened() as club:
        quotas = Quotas(uid=Quota(queued_bytes=60_000))
        with club.admit(5, quotas) as reader, club.admit(6, quotas) as other:
            ask(reader, 60)
            await wait_until_async(lambda: club.queued() > 30_000)
            while unread_by_us(reader.channel):
                reader.channel.read()
            ask(other, 60)
            await wait_until_async(lambda: unread_by_us(other.channel) > 1000)
            await club.port.sleep(0.15)
            assert club.service.statistics()["clients"] == 2


async def test_nobody_is_looked_at_who_does_nothing() -> None:
    async with opened() as club, club.proxy(5) as client:
        await client.get_identity()
        await wait_until_async(lambda: not club.port.statistics()["deadlines"])
        (guest,) = club.service._sessions
        assert queued_bytes(guest) == 0


async def test_a_guest_that_has_gone_has_nothing_queued() -> None:
    async with opened() as club:
        with club.admit(5, Quotas()) as client:
            ask(client, 10)
            await wait_until_async(club.queued)
            (guest,) = club.service._sessions
            assert queued_bytes(guest) == club.queued()
        await wait_until_async(lambda: not club.service.statistics()["clients"])
        assert queued_bytes(guest) == 0
        assert club.queued() == 0
