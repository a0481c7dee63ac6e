"""Blocked calls that are interrupted, at random moments: by threads, and by real signals.

What is interrupted ends, and nothing is left of it: no descriptor, no entry, no thread; and the
channel answers rightly.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from types import FrameType

import pytest

from ipcrt._speedups.chosen import ACTIVE
from ipcrt.bindings.client import DEFAULT_TIMEOUT
from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import Canceled
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from tests.bindings.calc import REVERSE, Calc, CalcBlockingProxy, File
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

SERVER = """
import asyncio, sys
from ipcrt.bindings.ends import ServerEnd
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from tests.bindings.calc import serve

async def main():
    async with open_port() as port:
        server = serve(ServerEnd(Channel(int(sys.argv[1]))), port)
        print("ready", flush=True)
        await server.binding.wait_closed()

asyncio.run(main())
"""

KILLER = """
import os, signal, sys, time
for line in sys.stdin:
    time.sleep(float(line))
    os.kill(int(sys.argv[1]), signal.SIGINT)
"""
"""Sends Ctrl-C to a process: once for each line, after so many seconds."""

LONGEST_S = 0.002
ROUNDS = pytest.mark.parametrize(
    "rounds", [100, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)


class Proxy(CalcBlockingProxy):
    def reverse(self, file: Handle, *, timeout: float | None = DEFAULT_TIMEOUT) -> Handle:
        return self._call(REVERSE, File(file), timeout).file


class Interrupted(BaseException):
    pass


@pytest.fixture
def proxy(spawn_python: Spawner) -> Generator[Proxy]:
    """A proxy to a server in a process of its own."""
    ours, theirs = Channel.create()
    os.set_inheritable(theirs.fileno(), True)
    child = spawn_python(SERVER, str(theirs.fileno()), pass_fds=(theirs.fileno(),))
    theirs.close()
    assert child.line() == "ready"
    with BlockingPort() as port, Proxy(ClientEnd[Calc](ours), port) as proxy:
        assert proxy.add(1, 2) == 3
        yield proxy


def nothing_left(proxy: Proxy) -> bool:
    """True where no call is kept; asking costs one."""
    assert proxy.add(20, 22) == 42
    counts = proxy.statistics() | proxy._port.statistics()
    return not any(counts[name] for name in ("calls", "calls_given_up", "backlog", "deadlines"))


class Work:
    """What is interrupted: calls without and with handles, again and again."""

    def __init__(self, proxy: Proxy, event: Event, *, with_handles: bool) -> None:
        self._proxy = proxy
        self._handle: Handle | None = event.duplicate() if with_handles else None

    def run(self, stop: Callable[[], object]) -> None:
        number = 0
        while not stop():
            number += 1
            if self._handle is None:
                assert self._proxy.add(number, 1) == number + 1
            else:
                self._handle = self._proxy.reverse(self._handle)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()


@ROUNDS
def test_interrupted_by_a_thread_at_any_moment(proxy: Proxy, rounds: int) -> None:
    chance = random.Random(7)
    told = noticed = 0
    before = open_fds()
    with Event.create() as event:
        for number in range(rounds):
            stop = threading.Event()
            delay = chance.random() * LONGEST_S

            def interrupt(stop: threading.Event = stop, delay: float = delay) -> None:
                nonlocal told
                time.sleep(delay)
                told += proxy.interrupt()
                stop.set()

            thread = threading.Thread(target=interrupt)
            work = Work(proxy, event, with_handles=number % 2 == 1)
            thread.start()
            try:
                work.run(stop.is_set)
            except Canceled:
                noticed += 1
            thread.join()
            work.close()
    wait_until(lambda: nothing_left(proxy))
    assert told == noticed > 0
    assert open_fds() == before


@pytest.fixture
def killer(spawn_python: Spawner) -> Child:
    return spawn_python(KILLER, str(os.getpid()))


@pytest.fixture
def swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python swallow what a handler raises in a finalizer.

    Nor count it as a mistake that a handle, just made or about to be sent, was closed by its own.
    """
    forward = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type not in {Interrupted, ResourceWarning}:
            forward(unraisable)

    monkeypatch.setattr(sys, "unraisablehook", hook)


@pytest.fixture
def ctrl_c() -> Generator[type[BaseException]]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    old = signal.signal(signal.SIGINT, stop)
    yield Interrupted
    signal.signal(signal.SIGINT, old)


@ROUNDS
@pytest.mark.usefixtures("ctrl_c", "swallowed")
def test_interrupted_by_a_signal_at_any_moment(proxy: Proxy, killer: Child, rounds: int) -> None:
    chance = random.Random(7)
    noticed = 0
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Interrupted

    signal.signal(signal.SIGINT, stop)
    before = open_fds()
    with Event.create() as event:
        for number in range(rounds):
            work = Work(proxy, event, with_handles=number % 2 == 1)
            came.clear()
            try:
                killer.send(str(chance.random() * LONGEST_S))
                work.run(lambda: came)
            except Interrupted:
                noticed += 1
            work.close()
            assert proxy.add(number, number) == 2 * number
        if ACTIVE:  # without the extension a reply may get lost, but never a descriptor
            wait_until(lambda: nothing_left(proxy))
    assert open_fds() == before
    assert noticed > rounds * 0.9, "Python swallows what is raised in a finalizer"


@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_ends_a_call_that_hangs_at_once(proxy: Proxy, killer: Child) -> None:
    for _ in range(5):
        killer.send("0.05")
        with pytest.raises(Interrupted):
            proxy.hang(timeout=None)
    assert proxy.add(1, 1) == 2
    assert proxy.statistics()["calls_given_up"] == 5


def test_a_call_that_hangs_is_interrupted_within_50_ms(proxy: Proxy) -> None:
    """The best of several: others may hold a thread up, but nothing makes it quicker."""
    took: list[float] = []
    for timeout in (None, 3600.0) * 5:
        begun: list[float] = []

        def interrupt(begun: list[float] = begun) -> None:
            time.sleep(0.03)
            begun.append(time.monotonic())
            wait_until(proxy.interrupt)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(Canceled, match="interrupted by another thread"):
            proxy.hang(timeout=timeout)
        took.append(time.monotonic() - begun[0])
        thread.join()
    assert min(took) < 0.05
    assert not proxy.interrupt()
    assert proxy.add(1, 1) == 2
