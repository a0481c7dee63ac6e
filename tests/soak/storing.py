"""Clients of the store: one calls without a pause, one comes and goes."""

from __future__ import annotations

import os

import anyio

from ipcrt.locator.connect import connect
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt_services.kvstore.bindings import Item, StoreBlockingProxy, StoreProxy
from tests.soak.opening import BREATH_S, GONE, opened
from tests.soak.tally import Tally

_READS = 6


class Keeper:
    """Calls without a pause, and holds the store to what it has acknowledged."""

    def __init__(self) -> None:
        self._tried = 0
        self._acknowledged = 0

    def run(self, tally: Tally) -> None:
        with opened(StoreBlockingProxy) as store:
            if self._acknowledged:
                self._check(store, self._acknowledged)
            tally.begin()
            while True:
                # One that was not answered may have been done all the same.
                self._tried += 1
                store.write_item(Item(_key(self._tried), _value(self._tried)))
                self._acknowledged = self._tried
                for _ in range(_READS):
                    self._check(store, self._acknowledged)
                    tally.step()

    def _check(self, store: StoreBlockingProxy, number: int) -> None:
        found = store.read_item(_key(number)).value
        assert found == _value(number), f"item {number} is {found!r}"


def _key(number: int) -> str:
    return f"soak/{os.getpid()}/{number:08d}"


def _value(number: int) -> bytes:
    return b"%d:" % number * (1 + number % 50)


class Visitor:
    """Comes and goes: each step is a connection of one's own, and some calls at once."""

    def __init__(self) -> None:
        self._tried = 0

    async def run(self, tally: Tally) -> None:
        async with open_port() as port:
            tally.begin()
            while True:
                self._tried += 1
                await self._visit(port)
                tally.step()
                await port.sleep(BREATH_S)

    async def _visit(self, port: AsyncPort) -> None:
        number = self._tried
        async with connect(port=port) as locator, await locator.open(StoreProxy) as store:
            await store.write_item(Item(_key(number), _value(number)))
            async with await locator.another() as another:
                await another.get_identity()
            await read_all(store, number)


async def read_all(store: StoreProxy, number: int) -> None:
    """Read the same item several times at once."""
    found: list[bytes] = []
    gone: list[Exception] = []

    async def read() -> None:
        try:
            found.append((await store.read_item(_key(number))).value)
        except GONE as error:
            gone.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(_READS):
            group.start_soon(read)
    if gone:
        raise gone[0]
    assert found == [_value(number)] * _READS
