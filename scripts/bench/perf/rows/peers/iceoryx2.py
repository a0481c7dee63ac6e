"""iceoryx2: requests and responses in shared memory, events to wake the other side.

The pattern of its authors' example "request_response_with_events"; payloads are ctypes structures,
sent by copy when small, loaned when large. What a killed server leaves in /dev/shm is removed when
the next node is made. Source: github.com/eclipse-iceoryx/iceoryx2, examples/python.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Final

from scripts.bench.perf.row import IN_FLIGHT, MIB, Driver, Kind, Measure, Row
from scripts.bench.perf.rows.peers._shared import (
    ASYNC,
    LARGE,
    PAGES,
    SMALL,
    SUM,
    A,
    B,
    SyncDriver,
    same,
)
from scripts.bench.perf.timing import touch

WIDTH: Final = IN_FLIGHT[Measure.FLIGHT_64]


class Pair(ctypes.Structure):
    _fields_: ClassVar[Sequence[Any]] = (("a", ctypes.c_int32), ("b", ctypes.c_int32))


class Number(ctypes.Structure):
    _fields_: ClassVar[Sequence[Any]] = (("value", ctypes.c_int32),)


class Block(ctypes.Structure):
    _fields_: ClassVar[Sequence[Any]] = (("data", ctypes.c_uint8 * len(SMALL)),)


BLOCK: Final = Block.from_buffer_copy(SMALL)
LISTS: Final = {"Add": (Pair, Number), "Echo": (Block, Block), "Touch": (ctypes.c_uint8, Number)}
"""Names of services, and the types of their requests (a slice of them for Touch) and responses."""


def add(request: Any) -> Number:
    pair = request.payload().contents
    return Number(pair.a + pair.b)


def echo(request: Any) -> Any:
    return request.payload().contents


def touched(request: Any) -> Number:
    return Number(touch(request.payload().as_memory_view().cast("B")))


HANDLERS: Final[dict[str, Callable[[Any], Any]]] = {"Add": add, "Echo": echo, "Touch": touched}


@dataclass(frozen=True, slots=True)
class Service:
    """A service opened by one side, with the events that tell of requests and of responses."""

    node: Any
    calls: Any
    requested: Any
    answered: Any


def open_service(address: str, name: str) -> Service:
    iox: Any = import_module("iceoryx2")
    iox.set_log_level(iox.LogLevel.Error)
    node = iox.NodeBuilder.new().create(iox.ServiceType.Ipc)
    prefix = f"bench{address}/{name}"
    asked, answered = LISTS[name]

    def builder(suffix: str) -> Any:
        return node.service_builder(iox.ServiceName.new(prefix + suffix))

    calls = builder("").request_response(iox.Slice[asked] if name == "Touch" else asked, answered)
    return Service(
        node,
        calls.max_active_requests_per_client(WIDTH if name == "Add" else 1).open_or_create(),
        builder("/requested").event().open_or_create(),
        builder("/answered").event().open_or_create(),
    )


def serve(address: str, ready: Callable[[], None]) -> None:
    opened = threading.Barrier(len(HANDLERS) + 1)

    def loop(name: str) -> None:
        service = open_service(address, name)
        server = service.calls.server_builder().create()
        listener = service.requested.listener_builder().create()
        notifier = service.answered.notifier_builder().create()
        answer = HANDLERS[name]
        opened.wait()
        while True:
            listener.blocking_wait()
            while (request := server.receive()) is not None:
                request.send_copy(answer(request))
                request.delete()
            notifier.notify()

    threads = [threading.Thread(target=loop, args=(name,), daemon=True) for name in HANDLERS]
    for thread in threads:
        thread.start()
    opened.wait()
    ready()
    threads[0].join()


class Caller:
    """A client of one service."""

    def __init__(self, address: str, name: str) -> None:
        service = open_service(address, name)
        self._kept = [service]
        builder = service.calls.client_builder()
        if name == "Touch":
            builder = builder.initial_max_slice_len(MIB)
        self._client = builder.create()
        self._listener = service.answered.listener_builder().create()
        self._notifier = service.requested.notifier_builder().create()

    def send(self, payload: Any) -> Any:
        """Send a request by copy; answer what `wait` takes."""
        pending = self._client.send_copy(payload)
        self._notifier.notify()
        return pending

    def send_slice(self, data: bytes) -> Any:
        """Send a request of bytes, copied once, to where the server reads them."""
        request = self._client.loan_slice_uninit(len(data))
        request.payload().as_memory_view().cast("B")[:] = data
        pending = request.assume_init().send()
        self._notifier.notify()
        return pending

    def close(self) -> None:
        """Give everything back; the caller is of no use afterwards."""
        for port in (self._client, self._listener, self._notifier):
            port.delete()
        self._kept.clear()

    def wait(self, pending: Any, check: Callable[[Any], None]) -> None:
        """Have the response checked, and give it back."""
        while (response := pending.receive()) is None:
            self._listener.blocking_wait()
        check(response.payload().contents)
        response.delete()
        pending.delete()


def connect(address: str) -> Driver:
    callers = adding, echoing, touching = [Caller(address, name) for name in LISTS]

    def begin() -> Callable[[], object]:
        pending = adding.send(Pair(A, B))
        return lambda: adding.wait(pending, lambda found: same(found.value, SUM))

    def call_add() -> None:
        begin()()

    def call_echo() -> None:
        echoing.wait(echoing.send(BLOCK), lambda found: same(bytes(found.data), SMALL))

    def call_touch() -> None:
        touching.wait(touching.send_slice(LARGE), lambda found: same(found.value, PAGES))

    def close() -> None:
        for caller in callers:
            caller.close()

    return SyncDriver(
        {
            Measure.ADD: call_add,
            Measure.ECHO: call_echo,
            Measure.BYTES_1M: call_touch,
        },
        close,
        begin,
    )


ROWS = (
    Row(
        name="iceoryx2",
        kind=Kind.SYNC_PEER,
        measures=ASYNC,
        serve=serve,
        connect=connect,
        requires=("iceoryx2",),
    ),
)
