"""Throttle: as many messages as were granted, in order, and nothing lost to cancellation."""

from __future__ import annotations

import anyio
import pytest

from ipcrt.bindings.allowance import Allowance
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.server import ServerBinding
from ipcrt.bindings.throttle import Throttle
from ipcrt.errors import (
    BadState,
    Canceled,
    IpcError,
    OutOfRange,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    Status,
)
from ipcrt.port.aport import AsyncPort, open_port
from tests.bindings.ticker import Number, Ticker, TickerServer, Ticks, connect, tick
from tests.support.waiting import wait_until_async


def test_it_gives_what_was_granted() -> None:
    throttle = Throttle(limit=3)
    with pytest.raises(ShouldWait):
        throttle.take()
    throttle.grant(2)
    throttle.take()
    throttle.take()
    with pytest.raises(ShouldWait):
        throttle.take()
    assert throttle.left == 0


@pytest.mark.parametrize(
    "count, status",
    [(0, Status.INVALID_ARGS), (-1, Status.INVALID_ARGS), (3, Status.OUT_OF_RANGE)],
)
def test_a_grant_out_of_bounds_is_misuse(count: int, status: Status) -> None:
    throttle = Throttle(limit=3)
    throttle.grant(1)
    with pytest.raises(Misuse) as caught:
        throttle.grant(count)
    assert caught.value.status is status
    assert throttle.left == 1
    throttle.grant(2)
    assert throttle.left == 3


def test_a_finished_answer_keeps_nothing() -> None:
    throttle = Throttle(limit=8)
    throttle.grant(8)
    throttle.take()
    throttle.finish()
    with pytest.raises(ShouldWait):
        throttle.take()
    throttle.grant(8)
    assert throttle.left == 8


async def line_up(throttle: Throttle, count: int) -> None:
    await wait_until_async(lambda: throttle.statistics()["waiting"] == count)


@pytest.mark.anyio
async def test_those_who_wait_are_served_in_order() -> None:
    async with open_port() as port:
        throttle, served = Throttle(limit=9), list[int]()

        async def take(number: int) -> None:
            await throttle.take_wait(port)
            served.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(take, number)
                await line_up(throttle, number + 1)
            throttle.grant(1)
            await wait_until_async(lambda: served)
            with pytest.raises(ShouldWait):  # it would overtake those in line
                throttle.take()
            throttle.grant(4)
        assert sorted(served) == [0, 1, 2, 3]
        assert served[0] == 0
        assert throttle.statistics() == {"left": 1, "waiting": 0}


@pytest.mark.anyio
async def test_one_that_is_cancelled_passes_on_what_it_was_given() -> None:
    async with open_port() as port:
        throttle, served = Throttle(limit=9), list[str]()

        async def take(name: str) -> None:
            await throttle.take_wait(port)
            served.append(name)

        cancel = port.spawn(take("cancelled"), "cancelled")
        await line_up(throttle, 1)
        port.spawn(take("next"), "next")
        await line_up(throttle, 2)
        throttle.grant(1)
        cancel()  # in the same turn: asyncio's task has it and is cancelled, trio's takes it
        await wait_until_async(lambda: served)
        if served == ["cancelled"]:
            throttle.grant(1)
        await wait_until_async(lambda: "next" in served)
        assert throttle.statistics() == {"left": 0, "waiting": 0}


@pytest.mark.anyio
async def test_one_that_gives_up_leaves_the_line() -> None:
    async with open_port() as port:
        throttle = Throttle(limit=9)
        with anyio.move_on_after(0.01):
            await throttle.take_wait(port)
        assert throttle.statistics() == {"left": 0, "waiting": 0}
        throttle.grant(1)
        await throttle.take_wait(port)
        assert throttle.left == 0


@pytest.mark.anyio
async def test_a_peer_that_goes_ends_all_waits() -> None:
    async with open_port() as port:
        throttle, ended = Throttle(limit=9), list[IpcError]()

        async def take() -> None:
            with pytest.raises(PeerClosed) as caught:
                await throttle.take_wait(port)
            ended.append(caught.value)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(take)
            tasks.start_soon(take)
            await line_up(throttle, 2)
            throttle.close(PeerClosed("gone"))
            throttle.close(BadState("told already"))
        assert len(ended) == len({id(error) for error in ended}) == 2
        throttle.grant(1)
        with pytest.raises(PeerClosed):
            await throttle.take_wait(port)


@pytest.mark.anyio
async def test_a_port_that_closes_ends_a_wait() -> None:
    throttle = Throttle(limit=1)

    async def take(port: AsyncPort) -> None:
        with pytest.raises(Canceled):
            await throttle.take_wait(port)

    async with anyio.create_task_group() as tasks, open_port() as port:
        tasks.start_soon(take, port)
        await line_up(throttle, 1)
    assert throttle.statistics()["waiting"] == 0


@pytest.mark.anyio
async def test_slots_keep_so_many_calls_in_flight() -> None:
    async with open_port() as port:
        throttle = Throttle(limit=3, granted=3)
        at_work = most = 0

        async def call() -> None:
            nonlocal at_work, most
            async with throttle.slot(port):
                at_work += 1
                most = max(most, at_work)
                await port.sleep(0.001)
                at_work -= 1

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(call)
        assert most == 3
        assert throttle.statistics() == {"left": 3, "waiting": 0}


class Scanner(TickerServer):
    """Sends events as they are granted; a `rude` one does not ask."""

    def __init__(self, port: AsyncPort, *, rude: bool = False) -> None:
        self._port = port
        self._rude = rude
        self.throttle = Throttle(limit=16)
        self.sent = 0
        self.ended: list[IpcError] = []

    def client_came(self, binding: ServerBinding[Ticker]) -> None:
        self._port.spawn(self._scan(binding), "scan")

    def client_gone(self, reason: IpcError) -> None:
        self.throttle.close(reason)

    def tell(self, number: int) -> None:
        self.throttle.grant(number)

    def watch(self) -> Answer[Number]:
        return Number(self.sent)

    async def _scan(self, binding: ServerBinding[Ticker]) -> None:
        try:
            while True:
                if not self._rude:
                    await self.throttle.take_wait(self._port)
                await self._port.checkpoint()
                tick(binding, self.sent)
                self.sent += 1
        except IpcError as error:
            self.ended.append(error)


class Granting(Ticks):
    def __init__(self) -> None:
        super().__init__()
        self.allowance = Allowance()

    def on_tick(self, number: int) -> None:
        self.allowance.receive()
        super().on_tick(number)


@pytest.mark.anyio
async def test_a_server_sends_what_its_client_granted() -> None:
    async with open_port() as port:
        server, events = Scanner(port), Granting()
        client, _ = connect(server, port, events)
        async with client:
            for total in (3, 4, 16):
                await client.tell(events.allowance.grant(total - len(events.heard)))
                await wait_until_async(lambda: not events.allowance.left)
                assert len(events.heard) == await client.watch() == total
            assert events.heard == list(range(16))
        await wait_until_async(lambda: server.ended)
        assert server.throttle.statistics() == {"left": 0, "waiting": 0}


@pytest.mark.anyio
async def test_a_client_that_grants_too_much_is_closed() -> None:
    async with open_port() as port:
        server = Scanner(port)
        client, binding = connect(server, port)
        async with client:
            await client.tell(17)
            with pytest.raises(OutOfRange):
                await client.watch()
            assert binding.closed
        await wait_until_async(lambda: server.ended)


@pytest.mark.anyio
async def test_a_server_that_sends_more_is_closed() -> None:
    async with open_port() as port:
        server, events = Scanner(port, rude=True), Granting()
        events.allowance.grant(5)
        client, _ = connect(server, port, events)
        async with client:
            await wait_until_async(lambda: client.closed)
            assert events.heard == [0, 1, 2, 3, 4]
            with pytest.raises(RemoteProtocolError, match="beyond what was granted"):
                await client.watch()
        await wait_until_async(lambda: server.ended)
        assert server.ended[0].status is Status.PEER_CLOSED
