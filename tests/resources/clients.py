"""One story for both kinds of client: what blocks, dressed as what is awaited, and servers.

A blocking client's methods are called where a coroutine awaits them, so that a whole story runs in
its first step, in a plain thread.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Self

import anyio

from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.app import ResourceApp
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.control import ResourceClient, send_connect
from ipcrt.resources.data import DataChannel
from ipcrt.resources.link import Received
from tests.resources.world import make_app

AWAITED = frozenset(
    ("open", "open_handle", "invoke", "pipe", "recv", "send_frame", "send_stream", "send_error")
)

Story = Callable[[Any, "Make"], Awaitable[None]]
Make = Callable[[Channel], Any]
"""Makes a data channel out of an end, of the client's kind and on its port."""

LOOPS: dict[str, tuple[str, dict[str, bool]]] = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}
KINDS = (*LOOPS, "blocking")


class Dressed:
    """A blocking object whose calls are awaited, and done at once."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.inner, name)
        if name not in AWAITED:
            return value

        async def call(*args: Any, **options: Any) -> Any:
            plain = [each.inner if isinstance(each, Dressed) else each for each in args]
            found = value(*plain, **options)
            return Dressed(found) if isinstance(found, BlockingDataChannel) else found

        return call

    async def errors(self) -> AsyncIterator[Exception]:
        for error in self.inner.errors():
            yield error

    def __aiter__(self) -> AsyncIterator[Received]:
        return self

    async def __anext__(self) -> Received:
        try:
            found: Received = next(self.inner)
        except StopIteration:
            raise StopAsyncIteration from None
        return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.inner.close()


def run_plainly(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run what never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something other than a blocking call")


@contextmanager
def serving(loop: str, app: ResourceApp | None = None) -> Generator[Channel, None, None]:
    """Serve in a thread with a loop of its own; answers the clients' end of a listen channel."""
    near, far = Channel.create()
    app = app or make_app()

    async def serve() -> None:
        async with open_port() as port:
            await app.listen(port, far)

    name, options = LOOPS[loop]
    thread = threading.Thread(
        target=lambda: anyio.run(serve, backend=name, backend_options=options), daemon=True
    )
    thread.start()
    try:
        yield near
    finally:
        near.close()
        thread.join(10)
        assert not thread.is_alive(), "a client's channel is still open"


def tell(story: Story, kind: str, listen: Channel) -> None:
    """Run a story with a client of that kind."""

    async def on_a_loop() -> None:
        async with open_port() as port, ResourceClient(send_connect(listen), port) as client:
            await story(client, lambda end: DataChannel(end, port))

    if kind != "blocking":
        name, options = LOOPS[kind]
        anyio.run(on_a_loop, backend=name, backend_options=options)
        return
    with BlockingPort() as port, BlockingResourceClient(send_connect(listen), port) as client:

        async def in_a_thread() -> None:
            await story(Dressed(client), lambda end: Dressed(BlockingDataChannel(end, port)))

        run_plainly(in_a_thread())
