"""What an idle client costs its server. Goal: at most 25 KiB resident."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc

import uvloop

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.port.aport import open_port
from tests.bindings import hand
from tests.bindings.calc import ADD, Calc, CalcServer

CLIENTS = 100
LIMIT_BYTES = 6 << 10
"""Python's own share; the allocators' beside it stay well below the goal."""


async def serve_clients() -> int:
    """Serve clients that called once and keep silent; answer the bytes allocated for each."""
    async with open_port() as port:
        with contextlib.ExitStack() as stack:

            async def come_and_call() -> None:
                client, server = create_endpoints(Calc)
                stack.enter_context(client)
                ServerBinding(server, CalcServer(port), port)
                client.channel.write(hand.raw(1, ADD, b"\x92\x01\x02"))

            await come_and_call()
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(CLIENTS):
                await come_and_call()
            await asyncio.sleep(0.05)
            gc.collect()
            return (tracemalloc.get_traced_memory()[0] - before) // CLIENTS


def test_an_idle_client_costs_its_server_little() -> None:
    tracemalloc.start()
    try:
        assert uvloop.run(serve_clients()) < LIMIT_BYTES
    finally:
        tracemalloc.stop()
