"""Clients of every kind and servers on every loop, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import IpcError, PeerClosed, Status, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.conformance import contract as c
from tests.conformance.targets import Listener
from tests.support.processes import Spawner
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])

Client = ClientEnd[c.ClosedTarget]

ANSWERS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("two_way_no_payload", (), None),
    ("two_way_struct", (-128,), c.Some(-128)),
    ("two_way_table", (c.SomeTable(some=1),), c.SomeTable(some=1)),
    ("two_way_table", (c.SomeTable(),), c.SomeTable()),
    ("two_way_union", (c.SomeUnionSome(1),), c.SomeUnionSome(1)),
    ("two_way_result", (c.AnswerValue("ä"),), c.ClosedTargetTwoWayResultResponse("ä")),
    ("two_way_empty_result", (c.AnswerValue(""),), None),
    ("bounded", (b"12345678", "x", [1, 2], c.Size.LARGE), None),
    ("optional", (None, None, None), None),
    ("optional", ("x", c.Some(2), None), None),
]
"""Method, arguments, what it answers."""


def _start(spawn_python: Spawner, loop: str) -> Client:
    ours, theirs = Channel.create()
    fd = theirs.fileno()
    os.set_inheritable(fd, True)
    spawn_python.module("tests.conformance.serve", loop, fd, pass_fds=[fd])
    theirs.close()
    return Client(ours)


def _check_failures(errors: list[Exception]) -> None:
    domain, internal, late = errors
    assert isinstance(domain, c.Uint32Failed)
    assert domain.error == 99
    assert isinstance(internal, IpcError)
    assert internal.status is Status.INTERNAL
    assert "log" not in str(internal)
    assert isinstance(late, TimedOut)


FAILURES: list[tuple[str, tuple[Any, ...], dict[str, float]]] = [
    ("two_way_result", (c.AnswerError(99),), {}),
    ("fail", (), {}),
    ("wait", (), {"timeout": 0.01}),
]
TOLD = [("no payload",), ("struct", 5), ("table", c.SomeTable(some=6))]


@pytest.mark.anyio
async def test_awaited(loop: str, spawn_python: Spawner) -> None:
    listener = Listener()
    end = _start(spawn_python, loop)
    async with open_port() as port, c.ClosedTargetProxy(end, port, listener) as proxy:
        for name, arguments, answer in ANSWERS:
            assert await getattr(proxy, name)(*arguments) == answer
        with Event.create() as event:
            copy = event.duplicate()
            with (await proxy.two_way_handle(copy)).event as back:
                assert back.koid == event.koid
        errors = [
            await _error(getattr(proxy, name), arguments, limits)
            for name, arguments, limits in FAILURES
        ]
        _check_failures(errors)
        await proxy.one_way_no_payload()
        await proxy.one_way_struct(5)
        proxy.one_way_table_now(c.SomeTable(some=6))
        await wait_until_async(lambda: listener.notes == TOLD)
        await proxy.close_(Status.UNAVAILABLE)
        with pytest.raises(IpcError) as caught:
            await proxy.wait()
        assert caught.value.status is Status.UNAVAILABLE


async def _error(
    call: Callable[..., Awaitable[object]], arguments: tuple[Any, ...], limits: dict[str, float]
) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  (looked at by the caller)
        await call(*arguments, **limits)
    return caught.value


def test_blocking(loop: str, spawn_python: Spawner) -> None:
    listener = Listener()
    end = _start(spawn_python, loop)
    with BlockingPort() as port, c.ClosedTargetBlockingProxy(end, port, listener) as proxy:
        for name, arguments, answer in ANSWERS:
            assert getattr(proxy, name)(*arguments) == answer
        with Event.create() as event:
            copy = event.duplicate()
            with proxy.two_way_handle(copy).event as back:
                assert back.koid == event.koid
        errors: list[Exception] = []
        for name, arguments, limits in FAILURES:
            with pytest.raises(Exception) as caught:  # noqa: PT011
                getattr(proxy, name)(*arguments, **limits)
            errors.append(caught.value)
        _check_failures(errors)
        proxy.one_way_no_payload()
        proxy.one_way_struct(5)
        proxy.one_way_table_now(c.SomeTable(some=6))
        proxy.two_way_no_payload()
        assert listener.notes == TOLD
        proxy.close_(Status.UNAVAILABLE)
        with pytest.raises(IpcError) as ended:
            proxy.wait()
        assert ended.value.status is Status.UNAVAILABLE


def test_a_server_that_dies(loop: str, spawn_python: Spawner) -> None:
    ours, theirs = Channel.create()
    os.set_inheritable(theirs.fileno(), True)
    fd = theirs.fileno()
    child = spawn_python.module("tests.conformance.serve", loop, fd, pass_fds=[fd])
    theirs.close()
    with BlockingPort() as port, c.ClosedTargetBlockingProxy(Client(ours), port) as proxy:
        proxy.two_way_no_payload()
        child.kill()
        with pytest.raises(PeerClosed):
            proxy.wait()
