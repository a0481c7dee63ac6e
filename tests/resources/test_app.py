"""A server of a few lines, told what to do by templates."""

from __future__ import annotations

import contextlib
import logging

import anyio
import pytest

from ipcrt.errors import IpcError, NotFound, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.control import ResourceClient, send_connect
from ipcrt.resources.requests import InvokeRequest, OpenRequest, Session
from tests.resources.world import client_of, echo

pytestmark = pytest.mark.anyio


def repeat(request: InvokeRequest) -> bytes:
    return request.args


async def test_handlers_get_the_templates_parameters() -> None:
    app = ResourceApp()
    seen: list[object] = []

    @app.open("a://{x}/{n:int}/{p:path}")
    def open_a(request: OpenRequest, x: str, n: int, p: str) -> Session:
        seen.extend((request.uri, dict(request.query), x, n, p))
        return echo

    @app.invoke("a://{x}", "m")
    async def invoke_m(request: InvokeRequest, x: str) -> bytes:
        seen.extend((request.uri, request.method, request.args, x))
        return b"answer"

    async with open_port() as port, client_of(port, app) as client:
        async with await client.open("a://b/7/c/%64?q=1"):
            assert seen == ["a://b/7/c/%64?q=1", {"q": "1"}, "b", 7, "c/d"]
        seen.clear()
        assert await client.invoke("a://b", "m", b"args") == b"answer"
        assert seen == ["a://b", "m", b"args", "b"]


async def test_a_decorator_leaves_its_function_alone() -> None:
    app = ResourceApp()

    def handler() -> None: ...

    for decorate in (
        app.open("a:"),
        app.pipe("a:"),
        app.invoke("a:", "m"),
        app.invoke(None, "m"),
    ):
        assert decorate(handler) is handler
    with pytest.raises(ValueError, match="brace"):
        app.open("a:{")(handler)


async def test_one_app_serves_many_and_ends_with_each() -> None:
    app = ResourceApp()
    app.invoke(None, "m")(repeat)
    async with open_port() as port, anyio.create_task_group() as tasks:
        for number in range(5):
            near, far = Channel.create()
            tasks.start_soon(app.serve, port, far)
            async with ResourceClient(near, port) as client:
                assert await client.invoke(None, "m", str(number).encode()) == str(number).encode()


async def test_serving_that_is_cancelled_closes_the_channel() -> None:
    app = ResourceApp()
    async with open_port() as port, anyio.create_task_group() as tasks:
        near, far = Channel.create()
        tasks.start_soon(app.serve, port, far)
        async with ResourceClient(near, port) as client:
            with pytest.raises(NotFound):
                await client.open("x:")
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True), pytest.raises(PeerClosed):
                await _open_until_it_ends(client)


async def _open_until_it_ends(client: ResourceClient) -> None:
    while True:
        with contextlib.suppress(NotFound):
            await client.open("x:")


async def test_listening_that_is_cancelled_closes_all_who_came() -> None:
    app = ResourceApp()
    app.invoke(None, "m")(repeat)
    near, far = Channel.create()
    async with open_port() as port:
        with near:
            first = ResourceClient(send_connect(near), port)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(app.listen, port, far)
                assert await first.invoke(None, "m") == b""
                tasks.cancel_scope.cancel()
            with pytest.raises(PeerClosed):
                await first.invoke(None, "m")
            with pytest.raises(IpcError):
                send_connect(near)


async def test_a_defect_is_logged_and_the_client_is_told_no_more_than_a_status(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = ResourceApp("clock")

    @app.open("x:")
    def open_x(request: OpenRequest) -> Session:
        raise RuntimeError("secret")

    async with open_port() as port, client_of(port, app) as client:
        with caplog.at_level(logging.ERROR), pytest.raises(IpcError) as caught:
            await client.open("x:")
        assert "secret" not in str(caught.value)
        assert "secret" in caplog.text
        assert "clock" in caplog.text
