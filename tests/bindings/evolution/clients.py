"""Clients of either version on every loop and on a plain thread, and the processes they talk to."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import anyio
import msgspec
import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from tests.bindings.evolution.samples import MODULES
from tests.support.processes import Spawner

LOOPS: Final = ("asyncio", "uvloop", "trio", "blocking")
SERVER: Final = "tests.bindings.evolution.server"

Story = Callable[["Client"], Coroutine[Any, Any, None]]


class Client:
    """One client: its proxy, of either kind, and what its listener was told."""

    def __init__(self, version: int) -> None:
        self.module: Any = MODULES[version]
        self.heard: list[tuple[str, int]] = []
        self.proxy: Any = None

    async def ask(self, method: str, *arguments: object) -> Any:
        """Call, and answer the response's one member; a blocking proxy never suspends here."""
        answer: Any = getattr(self.proxy, method)(*arguments)
        if inspect.isawaitable(answer):
            answer = await answer
        return None if answer is None else msgspec.structs.astuple(answer)[0]

    def on_old(self, number: int) -> None:
        self.heard.append(("old", number))

    def on_new(self, number: int) -> None:
        self.heard.append(("new", number))

    def on_new_strict(self, number: int) -> None:
        self.heard.append(("strict", number))

    def unknown_event(self, ordinal: int) -> None:
        self.heard.append(("unknown", ordinal))


class Stations:
    """A server process of each version on each loop; every test gets a channel of its own."""

    def __init__(self, spawner: Spawner) -> None:
        self._stack = ExitStack()
        self._port = self._stack.enter_context(BlockingPort())
        self._roots: dict[tuple[int, str], Any] = {}
        children = {case: _start(spawner, *case) for case in itertools.product(MODULES, LOOPS)}
        for case, (child, end) in children.items():
            proxy = MODULES[case[0]].StationBlockingProxy(end, self._port)
            self._roots[case] = self._stack.enter_context(proxy)
            assert child.line() == "ready"

    def connect(self, version: int, loop: str) -> ClientEnd[Any]:
        """Answer one more channel to a server; there is no better word that it is alive."""
        root = self._roots[version, loop]
        near, far = create_endpoints(MODULES[version].Station)
        root.clone(ServerEnd[Any](far.take_channel()))
        assert root.saw().text == ""
        return ClientEnd[Any](near.take_channel())

    def play(self, story: Story, *, client: int, server: int, loop: str) -> None:
        """Tell a story to the end, with a client and a server of these versions."""
        teller = Client(client)
        end = self.connect(server, loop)
        if loop == "blocking":
            with (
                BlockingPort() as port,
                teller.module.StationBlockingProxy(end, port, teller) as teller.proxy,
                pytest.raises(StopIteration),
            ):
                story(teller).send(None)
            return
        backend = "trio" if loop == "trio" else "asyncio"
        options = {"use_uvloop": True} if loop == "uvloop" else {}
        anyio.run(_play, story, teller, end, backend=backend, backend_options=options)

    def close(self) -> None:
        self._stack.close()


async def _play(story: Story, teller: Client, end: ClientEnd[Any]) -> None:
    async with open_port() as port, teller.module.StationProxy(end, port, teller) as teller.proxy:
        await story(teller)


def _start(spawner: Spawner, version: int, loop: str) -> tuple[Any, ClientEnd[Any]]:
    near, far = Channel.create()
    with far:
        os.set_inheritable(far.fileno(), True)
        number = far.fileno()
        child = spawner.module(SERVER, version, loop, number, pass_fds=(number,))
    return child, ClientEnd[Any](near)


@contextmanager
def open_stations() -> Generator[Stations]:
    """Start all the servers, and end them."""
    spawner = Spawner()
    try:
        stations = Stations(spawner)
        try:
            yield stations
        finally:
            stations.close()
    finally:
        spawner.close()
