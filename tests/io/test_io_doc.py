"""The programs in docs/io.md do what they say."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.io.world import Files, blocking_client, on_loop, serving
from tests.support.house import blocks
from tests.support.processes import ROOT

PAGE = (ROOT / "docs" / "io.md").read_text()


def _programs() -> dict[str, Callable[..., Any]]:
    names: dict[str, Any] = {}
    for block in blocks("python", PAGE):
        exec(block, names)  # noqa: S102  (our own page)
    return names


def test_plain_threads_do_it() -> None:
    files: Files = {}
    near, far = socket.socketpair()
    with near, far, serving("asyncio", files) as listen, blocking_client(listen) as client:
        _programs()["plain"](client)
        assert files["copy"] == files["settings"] == b'{"volume": 7}'
        far.send(b"x")
        _programs()["wait_plainly"](near)


@pytest.mark.anyio
async def test_tasks_do_it() -> None:
    near, far = socket.socketpair()
    with near, far:
        async with on_loop({"settings": bytearray(b"0123\nx\n")}) as (client, port):
            await _programs()["awaited"](client)
            far.send(b"x")
            await _programs()["wait"](port, near)
