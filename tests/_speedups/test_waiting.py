"""A plain thread's waits and calls by either twin: the same results, errors and counts."""

from __future__ import annotations

import gc
import math
import re
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ipcrt.bindings import blocking_call
from ipcrt.bindings.ends import create_endpoints
from ipcrt.errors import BadState, Canceled, IpcError
from ipcrt.objects.channel import PATIENCE_S
from ipcrt.port import blocking, blocking_ways
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.blocking_waiter import BlockingWaiter
from ipcrt.port.packet import Packet
from ipcrt.port.signals import Signals
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.bindings.calc import ADD, ON_NOTE, Calc, CalcBlockingProxy
from tests.bindings.hand import raw, received

KEY: Final = 7
THREE: Final = b"\x91\x03"


def use(twin: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(blocking, "make_ways", take(twin, "ways", blocking_ways._ways))
    patch.setattr(blocking, "new_waiter", take(twin, "waiter", BlockingWaiter))
    make_call = take(twin, "blocking_call", blocking_call._blocking_call)
    patch.setattr(blocking_call, "_make_call", make_call)


class Scene:
    """A blocking proxy, and the other end of its channel."""

    def __init__(self) -> None:
        client, server = create_endpoints(Calc)
        self.peer = server.take_channel()
        self.port = BlockingPort()
        self.proxy = CalcBlockingProxy(client, self.port)
        self.txid = 0

    def call(self) -> int:
        """Call, with its reply there already."""
        self.txid += 1
        self.peer.write(raw(self.txid, ADD, THREE))
        found = self.proxy.add(1, 2)
        self.peer.read()
        return found

    def counts(self) -> dict[str, int]:
        return self.proxy.statistics() | self.port.statistics()

    def close(self) -> None:
        self.proxy.close()
        self.port.close()
        self.peer.close()


@pytest.fixture(params=TWINS)
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use(request.param, monkeypatch)
    return str(request.param)


@pytest.fixture
def scene(twin: str) -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


# -------------------------------------------------------------------------------------- waiters


@pytest.fixture
def waiter(twin: str) -> Any:
    return take(twin, "waiter", BlockingWaiter[Any])()


def test_a_waiter_keeps_a_result(waiter: Any) -> None:
    assert waiter.done() is False
    assert waiter.set_result([1]) is None
    assert waiter.done() is True
    assert waiter.result() == [1]


def test_a_waiter_keeps_an_error(waiter: Any) -> None:
    error = Canceled("over")
    waiter.set_exception(error)
    assert waiter.done() is True
    for _ in range(2):
        with pytest.raises(Canceled, match="over") as caught:
            waiter.result()
        assert caught.value is error


def test_a_waiter_that_is_abandoned_is_done(waiter: Any) -> None:
    waiter.abandon()
    assert waiter.done() is True
    assert waiter.result() is None


def test_a_waiter_is_not_awaited(waiter: Any) -> None:
    async def use() -> None:
        await waiter

    with pytest.raises(BadState, match="a plain thread cannot await; use run_until"):
        use().send(None)


def test_a_waiter_takes_nothing_else(waiter: Any) -> None:
    for arguments in ((1,), (1, 2)):
        with pytest.raises(TypeError):
            type(waiter)(*arguments)
    with pytest.raises(TypeError):
        type(waiter)(result=1)
    with pytest.raises(TypeError):
        waiter.set_result()


def test_a_waiter_in_a_cycle_is_collected(twin: str) -> None:
    waiter: Any = take(twin, "waiter", BlockingWaiter[Any])()
    result = threading.Event()
    result.waiter = waiter  # type: ignore[attr-defined]
    seen = weakref.ref(result)
    waiter.set_result(result)
    del waiter, result
    gc.collect()
    assert seen() is None


# ---------------------------------------------------------------------------------------- waits


def test_patience_is_the_same_on_both_sides() -> None:
    source = Path(blocking_ways.__file__).parents[1] / "_speedups" / "waiting.c"
    found = re.search(r"#define PATIENCE_S ([\d.]+)", source.read_text())
    assert found is not None
    assert float(found[1]) == PATIENCE_S
    assert blocking._FAR_S == 2 * PATIENCE_S


def test_calls_are_counted_alike(scene: Scene) -> None:
    assert [scene.call() for _ in range(3)] == [3, 3, 3]
    counts = scene.counts()
    assert counts["turns"] == 3
    assert not counts["calls"] + counts["deadlines"]
    assert not scene.port._waits.going


def test_a_deadline_that_is_near_is_kept(scene: Scene) -> None:
    waiter = scene.port.create_waiter()
    scene.port.deadlines.add(PATIENCE_S, lambda: waiter.set_result(7))
    assert scene.port.finish(waiter) == 7
    assert scene.proxy._client.connection._sleep is None, "it did not nap"


def test_a_port_that_a_receiver_closes_is_waited_for_no_longer(scene: Scene) -> None:
    waiter = scene.port.create_waiter()
    scene.port.deadlines.add(0.001, scene.port.close)
    with pytest.raises(Canceled, match="the port was closed"):
        scene.port.finish(waiter)
    assert waiter.done()


def test_a_waiter_of_another_kind_is_waited_for_as_well(scene: Scene) -> None:
    waiter = BlockingWaiter[int]()
    scene.port.deadlines.add(0.001, lambda: waiter.set_result(7))
    assert scene.port.finish(waiter, None, scene.proxy._client.connection) == 7
    assert scene.port.run_until(waiter, 20) == 7
    assert scene.port.finish(waiter=waiter) == 7


def test_what_a_wait_is_told_comes_out(scene: Scene) -> None:
    waiter = scene.port.create_waiter()
    scene.port.deadlines.add(0.001, lambda: waiter.set_exception(Canceled("told")))
    with pytest.raises(Canceled, match="told"):
        scene.port.finish(waiter, None, None)
    assert not scene.port._waits.going


def test_waits_nest(scene: Scene) -> None:
    outer = scene.port.create_waiter()

    def wait_again() -> None:
        inner = scene.port.create_waiter()
        scene.port.deadlines.add(0.001, lambda: inner.set_result(1))
        scene.port.finish(inner)
        assert len(scene.port._waits.going) == 1
        interrupted = scene.port.create_waiter()
        scene.port.deadlines.add(0.001, scene.port.interrupt)
        with pytest.raises(Canceled, match="interrupted"):
            scene.port.finish(interrupted)
        outer.set_result(len(scene.port._waits.going))

    scene.port.deadlines.add(0.001, wait_again)
    assert scene.port.finish(outer) == 1
    assert not scene.port._waits.going


def test_dispatch_naps_in_the_only_channel(scene: Scene) -> None:
    connection = scene.proxy._client.connection
    scene.peer.write(raw(0, ON_NOTE, b"\x91\xa1x"))
    scene.port.dispatch(-1)
    assert connection.received == 1
    assert connection._sleep is not None
    assert scene.counts()["turns"] == 1


@pytest.mark.parametrize("timeout", [-1, -1.0, 20, 20.0, math.inf, 10**30])
def test_dispatch_sleeps_until_something_comes(scene: Scene, timeout: float) -> None:
    scene.port.let_wait(scene.proxy._client.connection.channel)
    told: list[Packet] = []
    scene.port.bind(KEY, told.append)
    timer = threading.Timer(3 * PATIENCE_S, scene.port.queue, (Packet(KEY),))
    timer.start()
    while not told:
        scene.port.dispatch(timeout)
    timer.join()


@pytest.mark.parametrize("arguments", [(), (0,), (0.001,)])
def test_dispatch_looks_once(scene: Scene, arguments: tuple[float, ...]) -> None:
    scene.port.dispatch(*arguments)
    scene.port.dispatch(timeout=0)


@pytest.mark.parametrize("arguments", [("no number",), (1, 2), ([],), (math.nan,)])
def test_what_dispatch_does_not_take(scene: Scene, arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, ValueError)):
        scene.port.dispatch(*arguments)


def test_news_of_what_else_is_watched_is_told(scene: Scene) -> None:
    near, far = create_endpoints(Calc)
    with near.take_channel() as watched, far.take_channel() as other:
        scene.port.wait_async(watched, KEY, Signals.READABLE)
        timer = threading.Timer(0.002, other.write, (b"news",))
        timer.start()
        assert scene.port.wait(20).key == KEY
        timer.join()


def test_a_port_that_is_closed_or_elsewhere_refuses(scene: Scene) -> None:
    found: list[str] = []

    def use() -> None:
        for call in (lambda: scene.port.dispatch(-1), lambda: scene.proxy.add(1, 2)):
            try:
                call()
            except IpcError as error:
                found.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    scene.port.close()
    use()
    assert ["own thread" in text for text in found] == [True, True, False, False]
    assert found[2] == "the port is closed"
    assert not received(scene.peer)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_nobody_waits_where_a_loop_runs(
    scene: Scene, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loop == "asyncio":
        import asyncio.events

        monkeypatch.delitem(sys.modules, "trio.lowlevel", raising=False)
        monkeypatch.setattr(asyncio.events, "_get_running_loop", object)
    else:
        module = types.SimpleNamespace(in_trio_task=lambda: True)
        monkeypatch.setitem(sys.modules, "trio.lowlevel", module)
    for call in (lambda: scene.port.dispatch(-1), lambda: scene.proxy.add(1, 2)):
        with pytest.raises(BadState, match="event loop"):
            call()
    monkeypatch.undo()
    assert not received(scene.peer)


def test_a_loop_that_is_being_loaded_does_not_run(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "trio.lowlevel", raising=False)
    for module in (types.ModuleType("asyncio.events"), None):
        if module is None:
            monkeypatch.delitem(sys.modules, "asyncio.events", raising=False)
        else:
            monkeypatch.setitem(sys.modules, "asyncio.events", module)
        assert scene.call() == 3


def test_the_ways_want_a_port_of_ours(scene: Scene) -> None:
    make = native().twin("ways", blocking_ways._ways)
    around: Any = blocking_ways.Surroundings(scene.port._waits.going, scene.port._mailbox)
    with pytest.raises(TypeError):
        make()
    with pytest.raises(TypeError):
        make((1, 2), scene.port, around._replace(going=[]))
    for port, wrong in (
        (object(), around),
        (scene.port, around._replace(mailbox=object())),
        (scene.port, around._replace(forks=object())),
    ):
        with pytest.raises((TypeError, AttributeError)):
            make((1, 2), port, wrong)
    make_call = native().twin("blocking_call", blocking_call._blocking_call)
    with pytest.raises(TypeError):
        make_call(1)
    with pytest.raises(AttributeError):
        make_call(1, 2, 3, int)


def test_nothing_is_left_of_what_was_waited_for(scene: Scene) -> None:
    def interrupted() -> None:
        waiter = scene.port.create_waiter()
        scene.port.deadlines.add(0, scene.port.interrupt)
        with pytest.raises(Canceled):
            scene.port.finish(waiter)
        assert waiter.done()

    assert growth_in_blocks(scene.call, 200) < 50
    assert growth_in_blocks(interrupted, 100) < 50


def test_a_port_and_its_proxy_are_collected(twin: str) -> None:
    scene = Scene()
    scene.call()
    scene.close()
    port, proxy = weakref.ref(scene.port), weakref.ref(scene.proxy)
    del scene
    gc.collect()
    assert (port(), proxy()) == (None, None)


def test_where_no_memory_is_left_the_wait_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    testcapi = pytest.importorskip("_testcapi")
    use("native", monkeypatch)
    ended = 0
    for allocation in range(40):
        scene = Scene()
        scene.call()
        scene.peer.write(raw(2, ADD, THREE))
        testcapi.set_nomemory(allocation, allocation + 1)
        try:
            scene.proxy.add(1, 2)
        except (MemoryError, IpcError):
            ended += 1
        finally:
            testcapi.remove_mem_hooks()
        assert not scene.port._waits.going
        scene.close()
    assert ended >= 4
