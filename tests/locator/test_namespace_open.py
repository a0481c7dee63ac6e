from __future__ import annotations

import os
import threading
from functools import partial
from typing import Any, assert_type

import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import (
    AccessDenied,
    InvalidArgs,
    NotFound,
    PeerClosed,
    Status,
    TimedOut,
    Unavailable,
)
from ipcrt.locator.connect import (
    SOCKET_VARIABLE,
    BlockingLocatorClient,
    LocatorClient,
    connect,
    connect_blocking,
)
from ipcrt.locator.namespace import Namespace
from ipcrt.locator.protocol import Identity, Locator
from ipcrt.locator.service import Peer
from ipcrt.objects.process import Process
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.wire.epitaph import encode_epitaph
from tests.locator.echo import NAME, Echo, EchoBlockingProxy, EchoProxy, EchoServer
from tests.locator.stage import Stage
from tests.locator.test_namespace import fill, opened
from tests.support.proc import open_fds

MYSELF = Identity(os.getpid(), os.getuid(), os.getgid())


def echo_server() -> EchoServer:
    return EchoServer(Peer(MYSELF, None))


@pytest.mark.anyio
async def test_in_a_namespace_whose_ends_are_open() -> None:
    client, server = create_endpoints(Echo)
    async with open_port() as port:
        before = open_fds()
        with Namespace({NAME: client}) as namespace, ServerBinding(server, echo_server(), port):
            async with connect(EchoProxy, namespace=namespace, port=port) as echo:
                assert_type(echo, EchoProxy)
                assert await echo.echo("hello") == "hello"
            with pytest.raises(NotFound, match="which has nothing"):
                async with connect(EchoProxy, namespace=namespace, port=port):
                    pass
        assert not set(open_fds()) - set(before)


def refuse_next(directory: ServerEnd[Locator]) -> str:
    """Refuse what is asked for next; answer its name."""
    name, end = opened(directory.channel)
    with end:
        end.write(encode_epitaph(Status.ACCESS_DENIED))
    return name


@pytest.mark.anyio
async def test_in_a_directory() -> None:
    near, far = create_endpoints(Locator)
    with Namespace({"/svc": near}) as namespace, far:
        async with connect(EchoProxy, "x/Y", namespace=namespace) as echo:
            assert refuse_next(far) == "x/Y"
            with pytest.raises(AccessDenied):
                await echo.echo("hello")


def test_a_thread_in_a_directory() -> None:
    near, far = create_endpoints(Locator)
    with (
        Namespace({"/svc": near}) as namespace,
        far,
        connect_blocking(EchoBlockingProxy, namespace=namespace) as echo,
    ):
        assert refuse_next(far) == NAME
        with pytest.raises(AccessDenied):
            echo.echo("hello")


@pytest.mark.anyio
async def test_a_directory_without_room() -> None:
    near, far = create_endpoints(Locator)
    with Namespace({"/svc": near}) as namespace, far:
        ends = fill(namespace)
        before = open_fds()
        with pytest.raises(TimedOut, match=f"{NAME} has had no room for 0.02 seconds"):
            async with connect(EchoProxy, namespace=namespace, timeout=0.02):
                pass
        assert not set(open_fds()) - set(before)
        async with open_port() as port:
            port.deadlines.add(0.02, partial(refuse_next, far))
            async with connect(EchoProxy, namespace=namespace, port=port):
                pass
        for end in ends:
            end.close()


def test_a_thread_before_a_directory_without_room() -> None:
    near, far = create_endpoints(Locator)
    with Namespace({"/svc": near}) as namespace, far:
        ends = fill(namespace)
        with (
            pytest.raises(TimedOut, match="no room"),
            connect_blocking(EchoBlockingProxy, namespace=namespace, timeout=0.02),
        ):
            pass
        late = threading.Timer(0.02, partial(refuse_next, far))
        late.start()
        with connect_blocking(EchoBlockingProxy, namespace=namespace):
            pass
        late.join()
        for end in ends:
            end.close()


@pytest.mark.anyio
async def test_a_directory_that_has_gone() -> None:
    near, far = create_endpoints(Locator)
    far.close()
    with Namespace({"/svc": near}) as namespace, pytest.raises(PeerClosed, match="has gone"):
        async with connect(EchoProxy, namespace=namespace):
            pass


def test_a_directory_that_has_gone_for_a_thread() -> None:
    near, far = create_endpoints(Locator)
    far.close()
    with (
        Namespace({"/svc": near}) as namespace,
        pytest.raises(PeerClosed, match="has gone"),
        connect_blocking(EchoBlockingProxy, namespace=namespace),
    ):
        pass


@pytest.mark.anyio
async def test_behind_a_locator(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.locator()
    stage.service("--names", NAME, "two/Echo")
    with Namespace.of_locator(stage.path) as namespace:
        async with connect(EchoProxy, namespace=namespace) as echo:
            assert await echo.echo("hello") == "hello"
            with Process.open(os.getpid()) as ourselves:
                assert (await echo.describe()).process_koid == ourselves.koid
        async with connect(EchoProxy, "two/Echo", namespace=namespace) as echo:
            assert await echo.echo("hello") == "hello"
        async with connect(EchoProxy, "/svc/x/Y", namespace=namespace) as echo:
            with pytest.raises(NotFound):
                await echo.echo("hello")
    monkeypatch.setenv(SOCKET_VARIABLE, os.fspath(stage.path))
    async with connect(EchoProxy) as echo:
        assert await echo.echo("its own namespace") == "its own namespace"


def test_a_thread_behind_a_locator(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.locator()
    stage.service()
    monkeypatch.setenv(SOCKET_VARIABLE, os.fspath(stage.path))
    with connect_blocking(EchoBlockingProxy) as echo:
        assert echo.echo("its own namespace") == "its own namespace"
    with (
        pytest.raises(NotFound, match="namespace 'container' was not passed"),
        connect_blocking(EchoBlockingProxy, namespace="container"),
    ):
        pass
    monkeypatch.setenv(SOCKET_VARIABLE, "/no/such")
    with pytest.raises(Unavailable), connect_blocking(EchoBlockingProxy):
        pass


@pytest.mark.anyio
async def test_events_that_do_not_fit_leave_nothing_open() -> None:
    near, far = create_endpoints(Locator)
    with Namespace({"/svc": near}) as namespace, far:
        async with open_port() as port:
            before = len(open_fds())
            with pytest.raises(TypeError):
                async with connect(PickyProxy, namespace=namespace, port=port, events="x"):
                    pass
            opened(far.channel)[1].close()
            assert len(open_fds()) == before


class PickyProxy(EchoProxy):
    """One that nothing fits."""

    __slots__ = ()

    def __init__(self, end: ClientEnd[Echo], port: AsyncPort, events: object | None = None) -> None:
        raise TypeError(f"{end} {port} {events}")


def test_what_goes_with_a_protocol_alone() -> None:
    several: list[dict[str, Any]] = [{"name": "x/Y"}, {"namespace": "own"}, {"events": "x"}]
    for options in several:
        with pytest.raises(InvalidArgs, match="go with a proxy's class"):
            connect(**options)
        with pytest.raises(InvalidArgs, match="go with a proxy's class"):
            connect_blocking(**options)


def types() -> None:
    """For the checkers alone: what each way of connecting answers."""

    async def asynchronously() -> None:
        async with connect("/path") as locator:
            assert_type(locator, LocatorClient)
        async with connect(EchoProxy, namespace="container") as echo:
            assert_type(echo, EchoProxy)

    with connect_blocking() as blocking:
        assert_type(blocking, BlockingLocatorClient)
    with connect_blocking(EchoBlockingProxy) as stub:
        assert_type(stub, EchoBlockingProxy)
    del asynchronously
