from __future__ import annotations

import os
import pwd
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import AccessDenied, InvalidArgs, NotFound
from ipcrt.locator.connect import connect, connect_blocking
from ipcrt.locator.protocol import Identity
from ipcrt.locator.resources import (
    MAX_SCHEME,
    LocatedApp,
    name_of,
    open_resources,
    open_resources_blocking,
    scheme_of,
)
from ipcrt.locator.service import Peer, provide
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.requests import InvokeRequest, OpenRequest, PipeRequest, Session
from ipcrt.resources.serving import ResourceLimits
from tests.locator.stage import Stage
from tests.support.waiting import wait_until_async

# ---------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "given, name",
    [
        ("file", "ipcrt.resources/File"),
        ("file:///etc/motd?read", "ipcrt.resources/File"),
        ("tcp://127.0.0.1:80", "ipcrt.resources/Tcp"),
        ("tcp-listen://127.0.0.1:0", "ipcrt.resources/TcpListen"),
        ("a1-b2-c", "ipcrt.resources/A1B2C"),
        ("x:", "ipcrt.resources/X"),
    ],
)
def test_a_scheme_has_a_name(given: str, name: str) -> None:
    assert name_of(given) == name


@pytest.mark.parametrize(
    "given",
    [
        "",
        ":",
        "//host",
        "File:",
        "file-",
        "-file",
        "a--b",
        "a-1",
        "a.b",
        "a+b",
        "é",
        "a b",
        "a/b:",
        "a\n",
        "a" * (MAX_SCHEME + 1),
        "a" * (1 << 20),
    ],
)
def test_what_is_no_scheme_has_none(given: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        name_of(given)
    assert len(str(caught.value)) < 120


def test_the_scheme_of_a_uri() -> None:
    assert scheme_of("tcp-listen://127.0.0.1:0") == "tcp-listen"


# ---------------------------------------------------------------------------------- the way there


def make_app(limits: ResourceLimits | None = None) -> LocatedApp:
    app = LocatedApp("echo", limits)

    @app.open("echo://{name}")
    def open_echo(request: OpenRequest, name: str) -> Session:
        del request

        async def serve(data: DataChannel) -> None:
            await data.send_stream(name.encode())

        return serve

    return app


@asynccontextmanager
async def offered(stage: Stage) -> AsyncGenerator[None, None]:
    """A locator, and an app that is offered there."""
    stage.locator(alone=False)
    registered = anyio.Event()
    async with open_port() as port, anyio.create_task_group() as tasks:
        app = make_app()

        async def offer() -> None:
            offers = {name_of("echo"): app.factory(port)}
            limits = app.service_limits()
            await provide(
                port, offers, path=stage.path, limits=limits, on_registered=registered.set
            )

        tasks.start_soon(offer)
        await registered.wait()
        yield
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_open_by_the_locator(stage: Stage) -> None:
    async with offered(stage), connect(stage.path) as locator:
        for uri in ("echo://here", "echo"):
            async with await open_resources(locator, uri) as client:
                async with await client.open("echo://here") as data:
                    assert (await data.recv()).data == b"here"
                with pytest.raises(NotFound):
                    await client.open("other://here")


@pytest.mark.anyio
async def test_open_from_a_plain_thread(stage: Stage) -> None:
    def ask() -> bytes:
        with (
            connect_blocking(stage.path) as locator,
            open_resources_blocking(locator, "echo://x") as client,
            client.open("echo://a%20thread") as data,
        ):
            return data.recv().data

    async with offered(stage):
        assert await anyio.to_thread.run_sync(ask) == b"a thread"


@pytest.mark.anyio
async def test_a_scheme_that_nobody_serves_or_that_is_denied(stage: Stage) -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    policy = stage.policy(f'[[rule]]\nuser = ["{me}"]\nopen = ["ipcrt.resources/File"]\n')
    stage.locator("--policy", policy)
    async with connect(stage.path) as locator:
        async with await open_resources(locator, "file:///etc/motd") as client:
            with pytest.raises(NotFound):
                await client.open("file:///etc/motd")
        async with await open_resources(locator, "kv:///a") as client:
            with pytest.raises(AccessDenied):
                await client.open("kv:///a")
        with pytest.raises(InvalidArgs):
            await open_resources(locator, "No scheme")


# ---------------------------------------------------------------------------------- who goes


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["open", "invoke", "pipe"])
async def test_calls_of_a_client_that_has_gone_are_cancelled(call: str) -> None:
    begun: list[str] = []
    ended: list[str] = []
    app = make_app()

    async def hang(request: OpenRequest | InvokeRequest | PipeRequest) -> None:
        begun.append(call)
        try:
            await request.port.create_waiter()
        finally:
            ended.append(call)

    app.open("hang:")(hang)
    app.invoke("hang:", "hang")(hang)
    app.pipe("hang:")(hang)
    async with open_port() as port, anyio.create_task_group() as tasks:
        peer = Peer(Identity(1, 2, 3), None)
        near, far = Channel.create()
        binding = ServerBinding(ServerEnd(far), app.factory(port)(peer), port)
        with binding:
            client = ResourceClient(near, port)
            theirs, ours = Channel.create()
            with theirs, ours:
                if call == "open":
                    tasks.start_soon(client.open, "hang:")
                elif call == "invoke":
                    tasks.start_soon(client.invoke, "hang:", "hang")
                else:
                    tasks.start_soon(client.pipe, "hang:", ours)
                await wait_until_async(lambda: begun == [call])
                assert not ended
                tasks.cancel_scope.cancel()
                client.close()
                with anyio.CancelScope(shield=True):
                    await wait_until_async(lambda: ended == [call])
