"""What a player on an event loop does, step by step; the same code on uvloop and on trio."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Final

import anyio

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import TimedOut
from ipcrt.locator.connect import LocatorClient, connect
from ipcrt.locator.service import provide
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt_services.demo import material
from ipcrt_services.demo.bindings import (
    ChecksumProxy,
    DirectorGetPlanResponse,
    DirectorProxy,
    KeeperProxy,
)
from ipcrt_services.demo.checksummer import Checksummer, filled_vmo
from ipcrt_services.demo.material import CheckFailed, Pages
from ipcrt_services.demo.stages import BEGIN, END, HOLDING, KEEPER_DIES_WITHIN_S, Ticker
from ipcrt_services.demo.timings import Timings
from ipcrt_services.files.bindings import FilesProxy
from ipcrt_services.kvstore.bindings import Item, IteratorProxy, StoreProxy
from ipcrt_services.kvstore.bindings import Iterator as KeyIterator

WRITES_IN_FLIGHT: Final = 16

AsyncTicker = Ticker[Coroutine[Any, Any, None]]


class AsyncPlay:
    """One player on an event loop."""

    def __init__(
        self, name: str, port: AsyncPort, director: DirectorProxy, plan: DirectorGetPlanResponse
    ) -> None:
        self._name = name
        self._port = port
        self._director = director
        self._plan = plan
        self._timings = Timings()

    async def run(self) -> None:
        """Play the whole part; the conductor measures before and after, while nothing moves.

        Raises: CheckFailed: something came back changed. IpcError: something did not work.
        """
        async with connect(self._plan.locator, port=self._port) as locator:
            await self._offer_checksum()
            await self._director.arrive(BEGIN, timeout=None)
            await self._store_lines(locator)
            await self._open_files(locator)
            await self._pass_memory(locator)
            await self._wait_for_a_death(locator)
            await self._director.arrive(END, timeout=None)

    async def _offer_checksum(self) -> None:
        """Serve the other players' memory from now on."""
        registered = anyio.Event()
        serving = provide(
            self._port,
            {self._plan.serves: lambda peer: Checksummer()},
            path=self._plan.locator,
            on_registered=registered.set,
        )
        self._port.spawn(serving, "checksum service")
        with anyio.fail_after(10):
            await registered.wait()

    async def _report(self, step: str, text: str) -> None:
        now = time.monotonic_ns()
        await self._director.report(step, text, True, now, self._timings.take())

    # ---- lines

    async def _store_lines(self, locator: LocatorClient) -> None:
        items = material.items(self._name, self._plan.files)
        ticker: AsyncTicker = Ticker(self._director.progress, len(items) * 2)
        async with await locator.open(StoreProxy) as store:
            rest = iter(items)
            async with anyio.create_task_group() as tasks:
                for _ in range(WRITES_IN_FLIGHT):
                    tasks.start_soon(self._write, store, rest, ticker)
            await self._read_back(store, items, ticker)
        await self._report(
            "lines",
            f"stored {len(items)} lines of {len(self._plan.files)} files and read them back: "
            "every line, in order",
        )

    async def _write(
        self, store: StoreProxy, rest: Iterator[tuple[str, bytes]], ticker: AsyncTicker
    ) -> None:
        for key, value in rest:
            began = time.perf_counter_ns()
            await store.write_item(Item(key, value))
            self._timings.add("write an item", began)
            if step := ticker.tick("storing"):
                await step

    async def _read_back(
        self, store: StoreProxy, items: Sequence[tuple[str, bytes]], ticker: AsyncTicker
    ) -> None:
        """Walk over the keys with a pipelined iterator; read each value, compare all."""
        if not items:
            return
        pages = Pages(items)
        client, server = create_endpoints(KeyIterator)
        async with anyio.create_task_group() as tasks:
            with server:
                tasks.start_soon(store.iterate, items[0][0], server)
                await self._read_pages(store, client, pages, ticker)

    async def _read_pages(
        self, store: StoreProxy, end: ClientEnd[KeyIterator], pages: Pages, ticker: AsyncTicker
    ) -> None:
        async with IteratorProxy(end, self._port) as iterator:
            while not pages.complete:
                began = time.perf_counter_ns()
                keys = (await iterator.get()).entries
                self._timings.add("iterate a page of 10", began)
                async with anyio.create_task_group() as tasks:
                    for key, value in pages.take(keys):
                        tasks.start_soon(self._compare, store, key, value)
                        if step := ticker.tick("reading back"):
                            await step

    async def _compare(self, store: StoreProxy, key: str, value: bytes) -> None:
        began = time.perf_counter_ns()
        found = (await store.read_item(key)).value
        self._timings.add("read an item", began)
        material.same_value(key, found, value)

    # ---- descriptors, memory, a death

    async def _open_files(self, locator: LocatorClient) -> None:
        async with await locator.open(FilesProxy) as files:
            for file in self._plan.files:
                began = time.perf_counter_ns()
                opened = (await files.open(file.beneath)).file
                self._timings.add("open a file", began)
                with opened:
                    found = material.digest_of_fd(opened.fileno())
                material.same_digest(file.path, found, material.digest_of_path(file.path))
        await self._report(
            "files", f"received {len(self._plan.files)} file descriptors: every SHA-256 is right"
        )

    async def _pass_memory(self, locator: LocatorClient) -> None:
        vmo, digest = filled_vmo(self._plan.vmo_bytes)
        with vmo:
            async with await locator.open(ChecksumProxy, self._plan.asks) as checksum:
                began = time.perf_counter_ns()
                answer = await checksum.sha256(vmo)
                self._timings.add("pass a VMO, get its SHA-256", began)
        material.same_digest("the memory passed", answer.digest, digest)
        await self._report(
            "memory", f"passed {self._plan.vmo_bytes >> 20} MiB to pid {answer.pid}: SHA-256 right"
        )

    async def _wait_for_a_death(self, locator: LocatorClient) -> None:
        mine, theirs = EventPair.create()
        with mine, theirs:
            async with await locator.open(KeeperProxy) as keeper:
                await keeper.hold(theirs)
                try:
                    await self._port.wait_one(mine, Signals.PEER_CLOSED, 0.01)
                except TimedOut:
                    pass
                else:
                    raise CheckFailed("PEER_CLOSED came while the peer was alive")
                await self._director.progress(HOLDING, 1, 1)
                await self._port.wait_one(mine, Signals.PEER_CLOSED, KEEPER_DIES_WITHIN_S)
                await self._report("death", "")
