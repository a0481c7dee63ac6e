"""What the gate counts: each case does one operation so many times, on fixed inputs.

A case's peer is on the same thread, so that no count depends on who is scheduled when.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

import uvloop

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.bindings.tables import Struct
from ipcrt.errors import Canceled
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire import frames
from ipcrt.wire.header import HEADER, HEADER_BYTES, VERSION_1
from tests.bindings import hand
from tests.bindings.calc import (
    ADD,
    Calc,
    CalcBlockingProxy,
    CalcProxy,
    CalcServer,
    Memory,
    Number,
    Pair,
)

Work: TypeAlias = Callable[[int], object]
"""Does a case's operation so many times."""
Case: TypeAlias = Callable[[contextlib.ExitStack], Work]
"""Sets an operation up; what it leaves open goes onto the stack."""

CALIBRATION: Final = "calibration"
CROWD: Final = 1000
"""How many others there are where a case is about those."""
TOGETHER: Final = 64
"""How many calls begin at once where a case is about several."""
_PAIR: Final = b"\x92\x01\x02"
_SUM: Final = b"\x91\x03"


class Eight(Struct, frozen=True):
    """A message of a usual size."""

    number: int
    name: str
    ratio: float
    data: bytes
    flag: bool
    items: list[int]
    inner: Pair
    none: int | None


EIGHT: Final = Eight(1, "a name", 0.5, b"some bytes", True, [1, 2, 3], Pair(1, 2), None)


def calibration(stack: contextlib.ExitStack) -> Work:
    """Plain Python, which no change to this project touches."""
    del stack

    def add(numbers: list[int], more: dict[str, int]) -> int:
        return numbers[0] + more["more"]

    def work(times: int) -> None:
        total = 0
        for number in range(times):
            total = add([number & 7, total & 7], {"more": number & 3})

    return work


# -------------------------------------------------------------------------------------- messages


def _encoding(codec: Codec[Any], value: Any) -> Work:
    def work(times: int) -> None:
        for _ in range(times):
            codec.encode(value)

    return work


def _decoding(codec: Codec[Any], value: Any) -> Work:
    body = memoryview(codec.encode(value)[0])

    def work(times: int) -> None:
        for _ in range(times):
            codec.decode(body, ())

    return work


def encode_pair(stack: contextlib.ExitStack) -> Work:
    del stack
    return _encoding(Codec(Pair), Pair(1, 2))


def decode_pair(stack: contextlib.ExitStack) -> Work:
    del stack
    return _decoding(Codec(Pair), Pair(1, 2))


def encode_eight(stack: contextlib.ExitStack) -> Work:
    del stack
    return _encoding(Codec(Eight), EIGHT)


def decode_eight(stack: contextlib.ExitStack) -> Work:
    del stack
    return _decoding(Codec(Eight), EIGHT)


def encode_frame(stack: contextlib.ExitStack) -> Work:
    del stack

    def work(times: int) -> None:
        for _ in range(times):
            frames.encode(1, 2, 0, _PAIR)

    return work


def split_frame(stack: contextlib.ExitStack) -> Work:
    del stack
    packet = memoryview(frames.encode(1, 2, 0, _PAIR))

    def work(times: int) -> None:
        for _ in range(times):
            frames.split(packet, 0)

    return work


def encode_handle(stack: contextlib.ExitStack) -> Work:
    return _encoding(Codec(Memory), Memory(stack.enter_context(Vmo.create(4096)), 1))


def decode_handle(stack: contextlib.ExitStack) -> Work:
    codec = Codec(Memory)
    value = Memory(Vmo.create(4096), 1)
    body = memoryview(codec.encode(value)[0])

    def close() -> None:
        value.vmo.close()

    def work(times: int) -> None:
        nonlocal value
        for _ in range(times):
            value = codec.decode(body, [value.vmo])

    stack.callback(close)

    return work


# ----------------------------------------------------------------------------------------- calls


def deadlines(stack: contextlib.ExitStack) -> Work:
    """A deadline that is dropped, as nearly all are."""
    wheel = stack.enter_context(BlockingPort()).deadlines
    wheel.add(25.0, int)  # a call that stays, as in most programs

    def work(times: int) -> None:
        for _ in range(times):
            wheel.drop(wheel.add(25.0, int))

    return work


def client_call(stack: contextlib.ExitStack) -> Work:
    """A blocking proxy whose reply is there already: txids are counted up from one."""
    client, server = create_endpoints(Calc)
    peer = stack.enter_context(socket.socket(fileno=server.take_channel().take()))
    port = stack.enter_context(BlockingPort())
    proxy = stack.enter_context(CalcBlockingProxy(client, port))
    head = len(_SUM), 0, ADD.flags | VERSION_1, ADD.ordinal
    txid = 1

    def work(times: int) -> None:
        nonlocal txid
        for _ in range(times):
            peer.send(HEADER.pack(txid, *head) + _SUM)
            proxy.add(1, 2)
            txid = HEADER.unpack_from(peer.recv(64))[0] + 1

    return work


class _Adding(hand.TinyServer):
    """Remembers nothing."""

    def add(self, a: int, b: int) -> Number:
        return Number(a + b)


def server_call(stack: contextlib.ExitStack) -> Work:
    """A served request that came as bytes, on a plain thread."""
    client, server = create_endpoints(hand.Tiny)
    peer = stack.enter_context(socket.socket(fileno=client.take_channel().take()))
    port = stack.enter_context(BlockingPort())
    stack.enter_context(ServerBinding(server, _Adding(), port))
    request = hand.raw(1, hand.ADD, _PAIR)

    def work(times: int) -> None:
        for _ in range(times):
            peer.send(request)
            port.dispatch(-1)
            assert len(peer.recv(64)) == HEADER_BYTES + len(_SUM)

    return work


class _Later(CalcServer):
    """Adds in an `async def` that need not wait."""

    async def add(self, a: int, b: int) -> Number:  # type: ignore[override]
        return Number(a + b)


class _Loop:
    """A uvloop of its own, with a port; closed with the stack."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        opened = contextlib.AsyncExitStack()

        async def start() -> AsyncPort:
            return await opened.enter_async_context(open_port())

        self._runner = runner
        self.port = runner.run(start())
        stack.callback(lambda: runner.run(opened.aclose()))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine to its end."""
        self._runner.run(work)

    def pair(self, kind: type[CalcServer]) -> CalcProxy:
        """Make a client and its server, both of which close with the port."""

        async def start() -> CalcProxy:
            client, server = create_endpoints(Calc)
            ServerBinding(server, kind(self.port), self.port, Limits(2 * CROWD))
            return CalcProxy(client, self.port)

        return self._runner.run(start())

    def serve_idle_clients(self, count: int, stack: contextlib.ExitStack) -> None:
        """Serve so many that say nothing."""

        async def start() -> None:
            for _ in range(count):
                client, server = create_endpoints(Calc)
                stack.enter_context(client)
                ServerBinding(server, CalcServer(self.port), self.port)

        self._runner.run(start())

    def calls(self, proxy: CalcProxy) -> Work:
        async def call(times: int) -> None:
            for _ in range(times):
                await proxy.add(1, 2)

        return lambda times: self._runner.run(call(times))

    def leave_hanging(self, proxy: CalcProxy, count: int) -> None:
        """Have so many calls in flight, which end with the port."""

        async def start() -> None:
            for _ in range(count):
                self.port.spawn(hang(), "hang")
            await proxy.add(1, 2)

        async def hang() -> None:
            with contextlib.suppress(Canceled):
                await proxy.hang(timeout=None)

        self._runner.run(start())


def whole_call(stack: contextlib.ExitStack) -> Work:
    """A whole call on uvloop: proxy, loop, server, loop, proxy."""
    loop = _Loop(stack)
    return loop.calls(loop.pair(CalcServer))


def whole_call_later(stack: contextlib.ExitStack) -> Work:
    loop = _Loop(stack)
    return loop.calls(loop.pair(_Later))


def whole_call_with_handles(stack: contextlib.ExitStack) -> Work:
    """As `whole_call`, with a file that goes there and comes back."""
    loop = _Loop(stack)
    proxy = loop.pair(CalcServer)
    file = hand.null()

    def close() -> None:
        file.close()

    async def call(times: int) -> None:
        nonlocal file
        for _ in range(times):
            file = await proxy.reverse(file)

    stack.callback(close)
    return lambda times: loop.run(call(times))


def whole_calls_together(stack: contextlib.ExitStack) -> Work:
    """So many calls at once as share packets."""
    loop = _Loop(stack)
    proxy = loop.pair(CalcServer)

    async def call(times: int) -> None:
        for _ in range(times):
            await asyncio.gather(*(proxy.add(1, 2) for _ in range(TOGETHER)))

    return lambda times: loop.run(call(times))


def whole_call_beside_clients(stack: contextlib.ExitStack) -> Work:
    """As `whole_call`, beside idle clients of the same server."""
    _allow_descriptors(stack)
    loop = _Loop(stack)
    loop.serve_idle_clients(CROWD, stack)
    return loop.calls(loop.pair(CalcServer))


def whole_call_beside_calls(stack: contextlib.ExitStack, count: int = CROWD) -> Work:
    """As `whole_call`, beside calls in flight on the same channel."""
    loop = _Loop(stack)
    proxy = loop.pair(CalcServer)
    loop.leave_hanging(proxy, count)
    return loop.calls(proxy)


def whole_call_beside_one(stack: contextlib.ExitStack) -> Work:
    return whole_call_beside_calls(stack, 1)


def _allow_descriptors(stack: contextlib.ExitStack) -> None:
    """Allow as many descriptors as this process may allow itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))


WHOLE: Final = "whole call, uvloop, def"
BESIDE_CLIENTS: Final = f"the same beside {CROWD} clients"
BESIDE_ONE: Final = "the same beside a call in flight"
BESIDE_CALLS: Final = f"the same beside {CROWD} calls in flight"
CASES: Final[dict[str, tuple[Case, int]]] = {
    CALIBRATION: (calibration, 1000),
    "encode two ints": (encode_pair, 1000),
    "decode two ints": (decode_pair, 1000),
    "encode eight fields": (encode_eight, 500),
    "decode eight fields": (decode_eight, 500),
    "encode a frame": (encode_frame, 1000),
    "split a frame": (split_frame, 1000),
    "encode one handle": (encode_handle, 200),
    "decode one handle": (decode_handle, 200),
    "add and drop a deadline": (deadlines, 1000),
    "client's half of a call, blocking": (client_call, 200),
    "server's half of a call, blocking": (server_call, 200),
    WHOLE: (whole_call, 200),
    BESIDE_CLIENTS: (whole_call_beside_clients, 200),
    BESIDE_ONE: (whole_call_beside_one, 200),
    BESIDE_CALLS: (whole_call_beside_calls, 200),
    "whole call, uvloop, async def": (whole_call_later, 200),
    "whole call, uvloop, a file each way": (whole_call_with_handles, 100),
    f"{TOGETHER} whole calls at once, uvloop": (whole_calls_together, 5),
}
"""Each case, and how many times its operation is done in the shorter of two measures."""

TWINS: Final = {BESIDE_CLIENTS: WHOLE, BESIDE_CALLS: BESIDE_ONE}
"""Cases that must cost what another costs, or nearly."""
