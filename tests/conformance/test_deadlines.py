"""How long a call may take where nobody says so, read from its port's deadlines."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.errors import PeerClosed
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.conformance import contract as c
from tests.conformance.peer import Peer
from tests.conformance.targets import CLOSED

TOLD: list[tuple[dict[str, Any], float | None]] = [
    ({}, 25.0),
    ({"timeout": 5}, 5.0),
    ({"timeout": None}, None),
]
"""What a call is told, and the seconds that it has."""


def test_every_call_has_the_default_deadline() -> None:
    for kind in (c.ClosedTargetProxy, c.ClosedTargetBlockingProxy):
        timeouts = [
            inspect.signature(getattr(kind, method.name)).parameters["timeout"].default
            for method in c.ClosedTarget.TABLE.requests.values()
            if method.is_call
        ]
        assert len(timeouts) > 5
        assert set(timeouts) == {DEFAULT_TIMEOUT} == {25.0}


def assert_due(due: float | None, begun: float, now: float, seconds: float | None) -> None:
    """It is told never early, and a 256th late at most."""
    if seconds is None:
        assert due is None
    else:
        assert due is not None
        assert begun + seconds <= due <= now + seconds * 257 / 256 + 0.001


@pytest.mark.anyio
async def test_a_call_has_25_seconds_unless_it_is_told_otherwise() -> None:
    client, end = create_endpoints(c.ClosedTarget)
    async with open_port() as port, c.ClosedTargetProxy(client, port) as proxy:
        peer = Peer(end.take_channel(), port)
        for timeout, seconds in TOLD:
            begun = port.clock()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(proxy.two_way_no_payload, **timeout))
                txid = await peer.expect_request(CLOSED["two_way_no_payload"])
                due = port.deadlines.due()
                assert_due(due, begun, port.clock(), seconds)
                await peer.send(CLOSED["two_way_no_payload"], txid=txid)
            assert port.deadlines.due() is None, "an answered call has none"
        peer.close()


def test_a_blocking_call_has_25_seconds_unless_it_is_told_otherwise() -> None:
    for timeout, seconds in TOLD:
        client, end = create_endpoints(c.ClosedTarget)
        with BlockingPort() as port, c.ClosedTargetBlockingProxy(client, port) as proxy:
            found: list[float | None] = []

            def look() -> None:  # within the call
                found.append(port.deadlines.due())  # noqa: B023
                end.close()  # noqa: B023

            begun = port.clock()
            port.deadlines.add(0.001, look)
            with pytest.raises(PeerClosed):
                proxy.wait(**timeout)
            assert_due(found[0], begun, port.clock(), seconds)
