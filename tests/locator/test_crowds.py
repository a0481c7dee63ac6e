"""Clients of one uid that do not read, and others beside them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.locator import crowds
from ipcrt.locator.crowds import Crowds, most_of_one, queued_bytes
from ipcrt.locator.protocol import Identity
from ipcrt.locator.service import Peer
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from tests.locator.echo import CROWD, Echo, EchoServer
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio
LIMITS = Limits(calls_in_flight=4)


class Street:
    """Clients of a service in this process."""

    def __init__(self, port: AsyncPort, limit: int) -> None:
        self.port = port
        self.crowds = Crowds(port, limit, LIMITS)
        self.bindings: dict[ServerBinding[Echo], int] = {}

    def come(self, uid: int) -> tuple[ServerBinding[Echo], ClientEnd[Echo]]:
        client, server = create_endpoints(Echo)
        peer = Peer(Identity(0, uid, uid), None)
        binding = ServerBinding(server, EchoServer(peer), self.port, LIMITS)
        self.bindings[binding] = uid
        self.crowds.join(uid, binding)
        return binding, client

    def go(self, binding: ServerBinding[Echo]) -> None:
        self.crowds.leave(self.bindings.pop(binding), binding)
        binding.close()

    def watching(self) -> bool:
        return self.crowds._token is not None


@asynccontextmanager
async def street(limit: int, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Street, None]:
    """One in which two clients may exceed the limit."""

    def most(limits: Limits) -> int:
        del limits
        return limit

    monkeypatch.setattr(crowds, "most_of_one", most)
    async with open_port() as port:
        found = Street(port, limit)
        try:
            yield found
        finally:
            for binding in list(found.bindings):
                found.go(binding)


def ask(end: ClientEnd[Echo], count: int) -> None:
    for txid in range(1, count + 1):
        with contextlib.suppress(ShouldWait):
            end.channel.write(encode(txid, CROWD.ordinal, FLEXIBLE, b""))


def take_all(end: ClientEnd[Echo]) -> bool:
    """Read all that is there; True when it ends there."""
    while True:
        try:
            end.channel.read()
        except ShouldWait:
            return False
        except PeerClosed:
            return True


async def test_those_with_the_most_go_until_the_limit_is_met(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with street(20_000, monkeypatch) as place:
        pairs = [place.come(1000) for _ in range(3)]
        other = place.come(1001)
        with pairs[0][1], pairs[1][1], pairs[2][1], other[1]:
            for (_, end), count in zip((*pairs, other), (5, 60, 5, 60), strict=True):
                ask(end, count)
            await wait_until_async(lambda: queued_bytes(pairs[1][0]) > 20_000)
            await wait_until_async(lambda: queued_bytes(other[0]) > 20_000)
            place.crowds.look()
            assert place.crowds.closed == 0, "the first look closes nobody"
            place.crowds.look()
            assert place.crowds.closed == 1
            assert pairs[1][0].closed
            assert take_all(pairs[1][1])
            assert not any(each.closed for each in (pairs[0][0], pairs[2][0], other[0]))
            place.crowds.look()
            place.crowds.look()
            assert place.crowds.closed == 1
    [record] = caplog.get_records("call")
    assert record.levelno == logging.WARNING
    assert "queued_bytes of uid 1000, limit 20000" in record.message


async def test_who_reads_late_keeps_its_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    async with street(20_000, monkeypatch) as place:
        (slow, end), (_, second) = place.come(1000), place.come(1000)
        with end, second:
            for _ in range(3):
                ask(end, 60)
                await wait_until_async(lambda: queued_bytes(slow) > 20_000)
                place.crowds.look()
                while queued_bytes(slow):
                    take_all(end)
                    await place.port.sleep(0)
                place.crowds.look()
            assert place.crowds.closed == 0


async def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "_LOOK_S", 0.01)
    async with street(20_000, monkeypatch) as place:
        (greedy, end), (_, second) = place.come(1000), place.come(1000)
        with end, second:
            ask(end, 60)
            await wait_until_async(lambda: greedy.closed)
        for binding in list(place.bindings):
            place.go(binding)
        await wait_until_async(lambda: not place.watching())


async def test_few_clients_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with street(20_000, monkeypatch) as place:
        (first, end), (_, other) = place.come(1000), place.come(1001)
        with end, other:
            assert not place.watching()
            second, more = place.come(1000)
            with more:
                assert place.watching()
                place.go(second)
            place.crowds.look()
            assert not place.watching()
            assert not first.closed


async def test_an_account_of_those_with_the_most_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "MAX_UIDS", 2)
    async with street(20_000, monkeypatch) as place:
        ends = [place.come(uid)[1] for uid in (7, 8, 8, 9, 9, 9)]
        told = place.crowds.account()
        assert list(told) == ["closed", "uid-9", "uid-8", "not_shown"]
        assert told["uid-9"] == {"clients": 3, "calls_in_flight": 0, "queued_bytes": 0}
        assert told["not_shown"] == 1
        for end in ends:
            end.close()


async def test_one_client_cannot_leave_more_than_is_reckoned() -> None:
    """All its queue takes, and more calls than are answered while nobody reads."""
    async with open_port() as port:
        place = Street(port, 1 << 25)
        binding, end = place.come(1000)
        with end:
            seen = 0
            while True:
                ask(end, 100)
                await port.sleep(0.005)
                before, seen = seen, queued_bytes(binding)
                if seen == before > 100_000:
                    break
            assert seen < most_of_one(LIMITS)
        place.go(binding)


def test_without_a_word_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = most_of_one(LIMITS)
    monkeypatch.setattr(crowds, "_WMEM_MAX", crowds._WMEM_MAX / "none")
    assert 0 < most_of_one(LIMITS) <= usual
