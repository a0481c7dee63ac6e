"""What a player in a plain thread does: as `play_async`, without an event loop."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import TimedOut
from ipcrt.locator.connect import BlockingLocatorClient, connect_blocking
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt_services.demo import material
from ipcrt_services.demo.bindings import (
    ChecksumBlockingProxy,
    DirectorBlockingProxy,
    DirectorGetPlanResponse,
    KeeperBlockingProxy,
)
from ipcrt_services.demo.checksummer import filled_vmo
from ipcrt_services.demo.material import CheckFailed, Pages
from ipcrt_services.demo.stages import BEGIN, END, HOLDING, KEEPER_DIES_WITHIN_S, Ticker
from ipcrt_services.demo.timings import Timings
from ipcrt_services.files.bindings import FilesBlockingProxy
from ipcrt_services.kvstore.bindings import (
    Item,
    Iterator,
    IteratorBlockingProxy,
    StoreBlockingProxy,
)


class BlockingPlay:
    """One player without an event loop."""

    def __init__(
        self,
        name: str,
        port: BlockingPort,
        director: DirectorBlockingProxy,
        plan: DirectorGetPlanResponse,
    ) -> None:
        self._name = name
        self._port = port
        self._director = director
        self._plan = plan
        self._timings = Timings()

    def run(self) -> None:
        """Play the whole part; the conductor measures before and after, while nothing moves.

        Raises: CheckFailed: something came back changed. IpcError: something did not work.
        """
        with connect_blocking(self._plan.locator, port=self._port) as locator:
            self._director.arrive(BEGIN, timeout=None)
            self._store_lines(locator)
            self._open_files(locator)
            self._pass_memory(locator)
            self._wait_for_a_death(locator)
            self._director.arrive(END, timeout=None)

    def _report(self, step: str, text: str) -> None:
        now = time.monotonic_ns()
        self._director.report(step, text, True, now, self._timings.take())

    # ---- lines

    def _store_lines(self, locator: BlockingLocatorClient) -> None:
        items = material.items(self._name, self._plan.files)
        ticker = Ticker(self._director.progress, len(items) * 2)
        with locator.open(StoreBlockingProxy) as store:
            for key, value in items:
                began = time.perf_counter_ns()
                store.write_item(Item(key, value))
                self._timings.add("write an item", began)
                ticker.tick("storing")
            self._read_back(store, items, ticker)
        self._report(
            "lines",
            f"stored {len(items)} lines of {len(self._plan.files)} files and read them back: "
            "every line, in order",
        )

    def _read_back(
        self, store: StoreBlockingProxy, items: Sequence[tuple[str, bytes]], ticker: Ticker[None]
    ) -> None:
        """Walk over the keys; read each value, compare all."""
        if not items:
            return
        pages = Pages(items)
        client, server = create_endpoints(Iterator)
        with client, server:
            store.iterate(items[0][0], server)
            with IteratorBlockingProxy(client, self._port) as iterator:
                while not pages.complete:
                    began = time.perf_counter_ns()
                    keys = iterator.get().entries
                    self._timings.add("iterate a page of 10", began)
                    for key, value in pages.take(keys):
                        self._compare(store, key, value)
                        ticker.tick("reading back")

    def _compare(self, store: StoreBlockingProxy, key: str, value: bytes) -> None:
        began = time.perf_counter_ns()
        found = store.read_item(key).value
        self._timings.add("read an item", began)
        material.same_value(key, found, value)

    # ---- descriptors, memory, a death

    def _open_files(self, locator: BlockingLocatorClient) -> None:
        with locator.open(FilesBlockingProxy) as files:
            for file in self._plan.files:
                began = time.perf_counter_ns()
                opened = files.open(file.beneath).file
                self._timings.add("open a file", began)
                with opened:
                    found = material.digest_of_fd(opened.fileno())
                material.same_digest(file.path, found, material.digest_of_path(file.path))
        self._report(
            "files", f"received {len(self._plan.files)} file descriptors: every SHA-256 is right"
        )

    def _pass_memory(self, locator: BlockingLocatorClient) -> None:
        vmo, digest = filled_vmo(self._plan.vmo_bytes)
        with vmo, locator.open(ChecksumBlockingProxy, self._plan.asks) as checksum:
            began = time.perf_counter_ns()
            answer = checksum.sha256(vmo)
            self._timings.add("pass a VMO, get its SHA-256", began)
        material.same_digest("the memory passed", answer.digest, digest)
        self._report(
            "memory", f"passed {self._plan.vmo_bytes >> 20} MiB to pid {answer.pid}: SHA-256 right"
        )

    def _wait_for_a_death(self, locator: BlockingLocatorClient) -> None:
        mine, theirs = EventPair.create()
        with mine, theirs, locator.open(KeeperBlockingProxy) as keeper:
            keeper.hold(theirs)
            try:
                wait_one(mine, Signals.PEER_CLOSED, 0.01)
            except TimedOut:
                pass
            else:
                raise CheckFailed("PEER_CLOSED came while the peer was alive")
            self._director.progress(HOLDING, 1, 1)
            wait_one(mine, Signals.PEER_CLOSED, KEEPER_DIES_WITHIN_S)
            self._report("death", "")
