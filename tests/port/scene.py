"""Scene: one port on one backend, and the verbs that mean the same on all of them.

A behaviour is written once, as an `async def` that takes a scene, and played on asyncio, uvloop,
trio and a plain thread. On the plain thread the verbs block and never suspend, so that the
coroutine runs to its end in one step.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

import trio
import uvloop

from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.blocking_channel import BlockingChannel
from ipcrt.port.blocking_waiter import BlockingWaiter
from ipcrt.port.channel import AsyncChannel
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals
from ipcrt.port.waiter import Waiter
from ipcrt.port.waiting import wait_many, wait_one
from tests.support.waiting import wait_until_async

T = TypeVar("T")
Story = Callable[..., Coroutine[Any, Any, None]]

HANG = 20.0
"""Seconds after which a wait that should have ended counts as hanging."""

A_MOMENT = 0.02
"""Seconds for another thread to fall asleep in; if it does not, the test proves less."""


def story(function: Story) -> Callable[..., None]:
    """Make a test of a coroutine function: its scene plays it."""

    @functools.wraps(function)
    def test(**fixtures: object) -> None:
        scene = next(value for value in fixtures.values() if isinstance(value, Scene))
        scene.play(functools.partial(function, **fixtures))

    return test


class Scene:
    """A port, and how to wait on its backend."""

    name = ""

    @property
    def port(self) -> Port:
        """The port, once the scene is played."""
        raise NotImplementedError

    def play(self, act: Story) -> None:
        """Make the port, run the story, and see that it left nothing in the port."""
        raise NotImplementedError

    async def wait(self, timeout: float | None = HANG) -> Packet:
        raise NotImplementedError

    async def wait_one(
        self, handle: Handle, signals: Signals, timeout: float | None = HANG
    ) -> Signals:
        raise NotImplementedError

    async def wait_many(
        self, items: Sequence[tuple[Handle, Signals]], timeout: float | None = HANG
    ) -> list[Signals]:
        raise NotImplementedError

    async def result(self, waiter: Waiter[T], timeout: float | None = HANG) -> T:
        raise NotImplementedError

    def channel(self, end: Channel) -> SceneChannel:
        raise NotImplementedError

    def later(self, action: Callable[[], object]) -> None:
        """Do something to an object that this port does not watch, while the story waits."""
        raise NotImplementedError

    def later_here(self, action: Callable[[], object]) -> None:
        """Do something on the port's own thread, while the story waits in the port."""
        self.port.deadlines.add(A_MOMENT, lambda: void(action()))

    async def settle(self) -> None:
        """Let the port serve all that is ready now."""
        for _ in range(3):
            waiter: Waiter[None] = self.port.create_waiter()
            key = self.port.new_key()
            self.port.bind(key, functools.partial(_wake, waiter))
            self.port.queue(Packet(key))
            await self.result(waiter)
            self.port.unbind(key)

    async def idle(self) -> None:
        """Give a port that spins the time to show it; a quiet one stays asleep."""
        raise NotImplementedError

    def left_behind(self, port: Port | None = None) -> dict[str, int]:
        """Whatever a port, this scene's or another, still holds."""
        counts = (port or self.port).statistics()
        return {name: count for name, count in counts.items() if count and name != "turns"}


def _wake(waiter: Waiter[None], packet: Packet) -> None:
    del packet
    waiter.set_result(None)


class SceneChannel:
    """`AsyncChannel` or `BlockingChannel` behind the same verbs."""

    def __init__(self, inner: AsyncChannel | BlockingChannel) -> None:
        self.inner = inner

    async def read(self, timeout: float | None = HANG) -> Message:
        if isinstance(self.inner, BlockingChannel):
            return self.inner.read(timeout)
        return await self.inner.read(timeout)

    async def write(
        self, data: bytes, handles: Sequence[Handle] = (), timeout: float | None = HANG
    ) -> None:
        if isinstance(self.inner, BlockingChannel):
            self.inner.write(data, handles, timeout)
        else:
            await self.inner.write(data, handles, timeout)

    async def call(
        self, data: bytes, handles: Sequence[Handle] = (), timeout: float | None = HANG
    ) -> Message:
        if isinstance(self.inner, BlockingChannel):
            return self.inner.call(data, handles, timeout)
        return await self.inner.call(data, handles, timeout)


def nothing() -> None:
    """Do nothing."""


def void(result: object) -> None:
    """Take an answer that nobody needs."""
    del result


class AsyncScene(Scene):
    """A scene on an event loop."""

    _port: AsyncPort

    @property
    def port(self) -> AsyncPort:
        return self._port

    async def _act(self, act: Story) -> None:
        async with open_port() as self._port:
            await act()
            await self.settle()
            assert not self.left_behind(), f"left in the port: {self.left_behind()}"

    async def wait(self, timeout: float | None = HANG) -> Packet:
        return await self.port.wait(timeout)

    async def wait_one(
        self, handle: Handle, signals: Signals, timeout: float | None = HANG
    ) -> Signals:
        return await self.port.wait_one(handle, signals, timeout)

    async def wait_many(
        self, items: Sequence[tuple[Handle, Signals]], timeout: float | None = HANG
    ) -> list[Signals]:
        return await self.port.wait_many(items, timeout)

    async def result(self, waiter: Waiter[T], timeout: float | None = HANG) -> T:
        return await self.port.wait_result(waiter, timeout)

    def channel(self, end: Channel) -> SceneChannel:
        return SceneChannel(AsyncChannel(end, self.port))

    def later(self, action: Callable[[], object]) -> None:
        self.later_here(action)

    async def idle(self) -> None:
        await self.port.sleep(A_MOMENT)

    def start(self, act: Coroutine[Any, Any, T]) -> Started[T]:
        """Run a coroutine beside the story."""
        return Started(self.port, act)


class Started(Generic[T]):
    """A coroutine that runs beside the story."""

    def __init__(self, port: AsyncPort, act: Coroutine[Any, Any, T]) -> None:
        self.ended = False
        self.cancelled = False
        self._result: list[T] = []
        self._error: Exception | None = None
        self._cancel = port.spawn(self._run(act), "beside the story")

    async def _run(self, act: Coroutine[Any, Any, T]) -> None:
        try:
            self._result.append(await act)
        except Exception as error:  # noqa: BLE001  (told by `join`)
            self._error = error
        except BaseException:
            self.cancelled = True
            raise
        finally:
            self.ended = True

    async def join(self) -> T:
        """Wait for its end; answer its result or raise its error."""
        await wait_until_async(lambda: self.ended)
        if self._error is not None:
            raise self._error
        assert self._result, "it was cancelled"
        return self._result[0]

    async def cancel(self) -> None:
        """Cancel it, and see that it ends so."""
        assert not await self.stop(), "it was not cancelled"
        assert self.cancelled, f"not cancelled: {self._error}"

    async def stop(self) -> list[T]:
        """Cancel it; answer its result, if it came first."""
        self._cancel()
        await wait_until_async(lambda: self.ended)
        return self._result


class AsyncioScene(AsyncScene):
    name = "asyncio"

    def play(self, act: Story) -> None:
        with asyncio.Runner(loop_factory=self._loop) as runner:
            runner.run(self._alone(act))

    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    async def _alone(self, act: Story) -> None:
        await self._act(act)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left: {left}"


class UvloopScene(AsyncioScene):
    name = "uvloop"

    def _loop(self) -> asyncio.AbstractEventLoop:
        return uvloop.new_event_loop()


class TrioScene(AsyncScene):
    name = "trio"

    def play(self, act: Story) -> None:
        trio.run(self._act, act)


class BlockingScene(Scene):
    """A scene on a plain thread."""

    name = "blocking"
    _port: BlockingPort

    @property
    def port(self) -> BlockingPort:
        return self._port

    def play(self, act: Story) -> None:
        self._threads: list[threading.Thread] = []
        with BlockingPort() as self._port:
            coroutine = self._act(act)
            try:
                coroutine.send(None)
            except StopIteration:
                return
            finally:
                coroutine.close()
                self._join()
            raise AssertionError("a story on a plain thread must not suspend")

    async def _act(self, act: Story) -> None:
        await act()
        await self.settle()
        assert not self.left_behind(), f"left in the port: {self.left_behind()}"

    async def wait(self, timeout: float | None = HANG) -> Packet:
        return self._joined(self.port.wait(timeout))

    async def wait_one(
        self, handle: Handle, signals: Signals, timeout: float | None = HANG
    ) -> Signals:
        return self._joined(wait_one(handle, signals, timeout))

    async def wait_many(
        self, items: Sequence[tuple[Handle, Signals]], timeout: float | None = HANG
    ) -> list[Signals]:
        return self._joined(wait_many(items, timeout))

    async def result(self, waiter: Waiter[T], timeout: float | None = HANG) -> T:
        return self._joined(self.port.run_until(waiter, timeout))

    def _joined(self, result: T) -> T:
        """Let what was to happen later be over: it must not overlap with the story."""
        self._join()
        return result

    def _join(self) -> None:
        while self._threads:
            self._threads.pop().join()

    def channel(self, end: Channel) -> SceneChannel:
        return SceneChannel(BlockingChannel(end))

    def later(self, action: Callable[[], object]) -> None:
        def run() -> None:
            time.sleep(A_MOMENT)
            action()

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    async def idle(self) -> None:
        waiter = BlockingWaiter[None]()
        self.port.deadlines.add(A_MOMENT, lambda: waiter.set_result(None))
        self.port.run_until(waiter)


ASYNC_SCENES = (AsyncioScene, UvloopScene, TrioScene)
ALL_SCENES = (*ASYNC_SCENES, BlockingScene)
