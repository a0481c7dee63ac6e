"""Eclipse zenoh, peer to peer over a Unix socket: a queryable, and two topics as in its z_ping.

Low-latency transport, without QoS, batching (express), scouting or consolidation, as its authors
measure latency; msgpack by msgspec, which takes a third of the time of zenoh.ext's serialization.
Large bytes need the ordinary transport. Its runtime is asynchronous; waiting on its channels is the
cheapest way to have its answers in Python.
Source: zenoh.io, "zenoh performance"; DEFAULT_CONFIG.json5, `lowlatency`; examples/z_ping.py.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any, Final

import msgspec

from scripts.bench.perf.row import Driver, Kind, Measure, Row
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

FAST: Final = {
    "transport/unicast/lowlatency": True,
    "transport/unicast/qos/enabled": False,
    "transport/shared_memory/enabled": False,
}
"""Options for small messages; shared memory only costs them time."""
QUIET: Final = {"scouting/multicast/enabled": False, "scouting/gossip/enabled": False}
MATCH_S: Final = 10.0
"""How long the sides may take to find each other."""


def open_session(address: str, role: str, name: str, options: dict[str, bool]) -> Any:
    """Open a session; `role` is "listen" or "connect"."""
    zenoh: Any = import_module("zenoh")
    endpoint = f"unixsock-stream/{os.path.join(address, name)}"
    chosen: dict[str, Any] = {"mode": "peer", "listen/endpoints": [], **QUIET, **options}
    chosen[f"{role}/endpoints"] = [endpoint]
    config = zenoh.Config()
    for key, value in chosen.items():
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


class Pair(msgspec.Struct, array_like=True, gc=False):
    a: int
    b: int


encode = msgspec.msgpack.Encoder().encode
decode_pair = msgspec.msgpack.Decoder(Pair).decode
decode_number = msgspec.msgpack.Decoder(int).decode


def add_pair(payload: Any) -> bytes:
    pair = decode_pair(payload.to_bytes())
    return encode(pair.a + pair.b)


def read_number(payload: Any) -> int:
    return decode_number(payload.to_bytes())


def wait_until(matches: Callable[[], bool]) -> None:
    """Raises: TimeoutError: the other side was not found."""
    end = time.monotonic() + MATCH_S
    while not matches():
        if time.monotonic() > end:
            raise TimeoutError("zenoh did not find the other side")
        time.sleep(0.01)


# ---------------------------------------------------------------------------------- queryables


def serve(address: str, ready: Callable[[], None]) -> None:

    def add(query: Any) -> None:
        query.reply("bench/add", add_pair(query.payload))

    def echo(query: Any) -> None:
        query.reply("bench/echo", query.payload)

    def touched(query: Any) -> None:
        query.reply("bench/touch", encode(touch(query.payload.to_bytes())))

    fast = open_session(address, "listen", "fast", FAST)
    large = open_session(address, "listen", "large", {})
    kept = [
        fast.declare_queryable("bench/add", add, complete=True),
        fast.declare_queryable("bench/echo", echo, complete=True),
        large.declare_queryable("bench/touch", touched, complete=True),
    ]
    ready()
    threading.Event().wait()
    del kept


def connect(address: str) -> Driver:
    zenoh: Any = import_module("zenoh")
    kept = ExitStack()
    fast = kept.enter_context(open_session(address, "connect", "fast", FAST))
    large = kept.enter_context(open_session(address, "connect", "large", {}))

    def querier(session: Any, key: str) -> Any:
        found = session.declare_querier(
            key,
            target=zenoh.QueryTarget.BEST_MATCHING,
            consolidation=zenoh.ConsolidationMode.NONE,
            express=True,
        )
        wait_until(lambda: found.matching_status)
        return found

    adding = querier(fast, "bench/add")
    echoing = querier(fast, "bench/echo")
    touching = querier(large, "bench/touch")

    def begin() -> Callable[[], object]:
        replies = adding.get(payload=encode(Pair(A, B)))
        return lambda: same(read_number(replies.recv().ok.payload), SUM)

    def add() -> None:
        begin()()

    def echo() -> None:
        same(echoing.get(payload=SMALL).recv().ok.payload.to_bytes(), SMALL)

    def touched() -> None:
        reply = touching.get(payload=LARGE).recv()
        same(read_number(reply.ok.payload), PAGES)

    return SyncDriver(
        {Measure.ADD: add, Measure.ECHO: echo, Measure.BYTES_1M: touched},
        kept.close,
        begin,
    )


# -------------------------------------------------------------------------------------- topics


def declare_publisher(session: Any, key: str) -> Any:
    zenoh: Any = import_module("zenoh")
    return session.declare_publisher(
        key, express=True, congestion_control=zenoh.CongestionControl.BLOCK
    )


def serve_topics(address: str, ready: Callable[[], None]) -> None:
    session = open_session(address, "listen", "fast", FAST)
    added = declare_publisher(session, "bench/added")
    echoed = declare_publisher(session, "bench/echoed")

    def add(sample: Any) -> None:
        added.put(add_pair(sample.payload))

    def echo(sample: Any) -> None:
        echoed.put(sample.payload)

    kept = [
        session.declare_subscriber("bench/add", add),
        session.declare_subscriber("bench/echo", echo),
    ]
    ready()
    threading.Event().wait()
    del kept


def connect_topics(address: str) -> Driver:
    zenoh: Any = import_module("zenoh")
    kept = ExitStack()
    session = kept.enter_context(open_session(address, "connect", "fast", FAST))
    room = zenoh.handlers.FifoChannel(1024)
    added = session.declare_subscriber("bench/added", room)
    echoed = session.declare_subscriber("bench/echoed", room)
    adding = declare_publisher(session, "bench/add")
    echoing = declare_publisher(session, "bench/echo")
    wait_until(lambda: adding.matching_status and echoing.matching_status)

    def answered() -> None:
        same(read_number(added.recv().payload), SUM)

    def begin() -> Callable[[], object]:
        adding.put(encode(Pair(A, B)))
        return answered

    def add() -> None:
        begin()()

    def echo() -> None:
        echoing.put(SMALL)
        same(echoed.recv().payload.to_bytes(), SMALL)

    return SyncDriver({Measure.ADD: add, Measure.ECHO: echo}, kept.close, begin)


ROWS = (
    Row(
        name="zenoh",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC,
        serve=serve,
        connect=connect,
        requires=("zenoh",),
    ),
    Row(
        name="zenoh topics",
        kind=Kind.ASYNC_PEER,
        measures=ASYNC - {Measure.BYTES_1M},
        serve=serve_topics,
        connect=connect_topics,
        requires=("zenoh",),
    ),
)
