"""Cancellation of one call out of many, by an event pair."""

from __future__ import annotations

from abc import abstractmethod

import anyio
import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.cancelled_by import cancelled_by
from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.proxy import Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import BadHandle, BadState
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.signals import Signals
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


class Fetch(Struct, frozen=True):
    number: int
    cancel: EventPair


class Fetched(Struct, frozen=True):
    number: int


class Loader(Protocol):
    """Loads slowly."""


FETCH = TwoWay("test/Loader.Fetch", Fetch, Fetched, strict=True)
Loader.TABLE = ProtocolTable("test/Loader", Openness.CLOSED, (FETCH,))


class LoaderProxy(Proxy[Loader]):
    PROTOCOL = Loader

    async def fetch(self, number: int, cancel: EventPair) -> int:
        return (await self._call(FETCH, Fetch(number, cancel), 10)).number


class LoaderServerBase(Server[Loader]):
    PROTOCOL = Loader

    @abstractmethod
    def fetch(self, number: int, cancel: EventPair) -> Answer[Fetched]: ...


class LoaderServer(LoaderServerBase):
    """A number is loaded when it is let go; one that was given up answers -1."""

    def __init__(self, port: AsyncPort) -> None:
        self._port = port
        self.loading: dict[int, anyio.Event] = {}
        self.ends: list[str] = []

    async def fetch(self, number: int, cancel: EventPair) -> Fetched:
        with cancelled_by(cancel, self._port):
            self.loading[number] = anyio.Event()
            try:
                await self.loading[number].wait()
                self.ends.append(f"{number} loaded")
                return Fetched(number)
            finally:
                del self.loading[number]
        self.ends.append(f"{number} given up")
        return Fetched(-1)


class Load:
    """A fetch beside the test; `cancel` is the client's end."""

    def __init__(self, client: LoaderProxy, number: int, port: AsyncPort) -> None:
        self.answers: list[int] = []
        self.cancel, theirs = EventPair.create()
        port.spawn(self._fetch(client, number, theirs), "fetch")

    async def _fetch(self, client: LoaderProxy, number: int, theirs: EventPair) -> None:
        with self.cancel:
            self.answers.append(await client.fetch(number, theirs))

    async def answered(self) -> int:
        await wait_until_async(lambda: self.answers)
        return self.answers[0]


async def test_one_call_out_of_many_is_given_up() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Loader)
        server = LoaderServer(port)
        with ServerBinding(end, server, port):
            async with LoaderProxy(client, port) as loader:
                loads = [Load(loader, number, port) for number in range(4)]
                await wait_until_async(lambda: len(server.loading) == 4)
                loads[2].cancel.close()
                assert await loads[2].answered() == -1
                assert sorted(server.loading) == [0, 1, 3]
                for event in server.loading.values():
                    event.set()
                assert [await load.answered() for load in loads] == [0, 1, -1, 3]
        assert server.ends[0] == "2 given up"
        assert port.statistics()["waits"] == 0


async def test_the_client_sees_the_end() -> None:
    async with open_port() as port:
        ours, theirs = EventPair.create()
        with ours:
            with cancelled_by(theirs, port) as call:
                assert not call.canceled
            assert theirs.closed
            await port.wait_one(ours, Signals.PEER_CLOSED)


async def test_it_may_be_given_up_before_it_begins() -> None:
    async with open_port() as port:
        ours, theirs = EventPair.create()
        ours.close()
        reached: list[str] = []
        with cancelled_by(theirs, port) as call:
            reached.append("begun")
            await anyio.sleep(5)
            reached.append("slept")
        assert reached == ["begun"]
        assert call.canceled


async def test_a_signal_neither_cancels_nor_hides() -> None:
    async with open_port() as port:
        ours, theirs = EventPair.create()
        with cancelled_by(theirs, port) as call:
            ours.signal_peer()
            await port.sleep(0.02)
            assert not call.canceled
            ours.close()
            await anyio.sleep(5)
        assert call.canceled


async def test_what_the_block_raises_comes_out() -> None:
    async with open_port() as port:
        ours, theirs = EventPair.create()
        with ours, pytest.raises(KeyError, match="mine"), cancelled_by(theirs, port):
            raise KeyError("mine")
        assert theirs.closed
        assert port.statistics()["queued_packets"] == 0


async def test_another_cancellation_passes_through() -> None:
    async with open_port() as port:
        ours, theirs = EventPair.create()
        with ours:
            with anyio.move_on_after(0.01) as outer:
                with cancelled_by(theirs, port):
                    await anyio.sleep(5)
                raise AssertionError("it swallowed what was not its own")
            assert outer.cancelled_caught
            assert theirs.closed


async def test_a_pair_that_cannot_be_watched_is_closed() -> None:
    async with open_port() as port:
        ours, theirs = EventPair.create()
    with ours, pytest.raises(BadState), cancelled_by(theirs, port):
        pass
    assert theirs.closed
    async with open_port() as port:
        with pytest.raises(BadHandle), cancelled_by(theirs, port):
            pass
        assert port.statistics()["receivers"] == 0
