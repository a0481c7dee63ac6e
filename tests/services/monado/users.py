"""The service, in a process of its own or on a thread, and clients of it on this thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import anyio

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.locator.protocol import Identity
from ipcrt.locator.service import Peer
from ipcrt.objects.event import Event
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt_services.monado.__main__ import SERVICE
from ipcrt_services.monado.bindings import (
    ClientInfo,
    LayerFlags,
    Monado,
    MonadoBlockingProxy,
    Pose,
    Vec3,
)
from ipcrt_services.monado.client import Client, quad
from ipcrt_services.monado.geometry import UPRIGHT
from ipcrt_services.monado.mirror import MirrorReader
from ipcrt_services.monado.settings import FILE
from tests.services.conftest import Starter
from tests.support.processes import Child
from tests.support.waiting import wait_until

VIEW = 48
SETTINGS = f"view_width = {VIEW}\nview_height = {VIEW}\ncompose_every = 1\n"

Clients: TypeAlias = list[MonadoBlockingProxy]


@contextmanager
def serving(
    start: Starter, directory: Path, clients: int = 1
) -> Generator[tuple[Child, Clients], None, None]:
    """Start the service; answer its process, and a proxy for each client."""
    (directory / FILE).write_text(SETTINGS)
    child, ends = start("monado", directory, clients=clients)
    with ExitStack() as stack:
        proxies: Clients = []
        for end in ends:
            port = stack.enter_context(BlockingPort())
            proxies.append(stack.enter_context(MonadoBlockingProxy(end, port)))
        yield child, proxies


@contextmanager
def hosting(directory: Path, clients: int = 1) -> Generator[Clients, None, None]:
    """Run the service on a thread of this process; answer a proxy for each client.

    For what is not about processes: one that starts takes a second.
    """
    (directory / FILE).write_text(SETTINGS)
    theirs: list[ServerEnd[Any]] = []
    with ExitStack() as stack:
        proxies: Clients = []
        for _ in range(clients):
            client, server = create_endpoints(Monado)
            theirs.append(server)
            port = stack.enter_context(BlockingPort())
            proxies.append(stack.enter_context(MonadoBlockingProxy(client, port)))
        with Event.create() as end:
            thread = threading.Thread(target=anyio.run, args=(_serve, str(directory), theirs, end))
            thread.start()
            stack.callback(thread.join)
            stack.callback(end.signal)
            yield proxies
            stack.close()


async def _serve(directory: str, ends: list[ServerEnd[Any]], end: Event) -> None:
    peer = Peer(Identity(os.getpid(), os.getuid(), os.getgid()), None)
    async with open_port() as port, SERVICE.serve(port, directory) as factories:
        [factory] = factories.values()
        for each in ends:
            ServerBinding(each, factory(peer), port, SERVICE.limits.client)
        await port.wait_one(end, Signals.SIGNALED)


@contextmanager
def mirror_of(monado: MonadoBlockingProxy) -> Generator[MirrorReader, None, None]:
    """See what the compositor makes."""
    told = monado.system_get_mirror()
    with MirrorReader(told.mirror, told.width, told.height) as mirror:
        yield mirror


def info_of(monado: MonadoBlockingProxy) -> ClientInfo:
    """What the service knows of a client."""
    return monado.system_get_client_info(monado.system_get_clients().own).info


def until_seen(mirror: MirrorReader, colour: tuple[int, int, int]) -> None:
    """Wait until the middle of the left eye's picture has this colour."""
    until_middle(mirror, lambda found: found == colour)


def until_middle(
    mirror: MirrorReader, holds: Callable[[tuple[int, int, int]], bool], seconds: float = 10.0
) -> None:
    """Wait until something holds of the colour in the middle of the left eye's picture."""

    def look() -> bool:
        if not mirror.version:
            return False
        red, green, blue, _ = mirror.take()[VIEW // 2, VIEW // 2].tolist()
        return holds((red, green, blue))

    wait_until(look, seconds)


def show_colour(client: Client, colour: tuple[int, int, int], frames: int = 1) -> None:
    """Show a wall of one colour, in front of wherever the head is."""
    ahead = Pose(UPRIGHT, Vec3(0.0, 0.0, -1.0))
    with client.create_swapchain(16, 16) as chain:
        for _ in range(frames):
            with client.frame() as frame:
                with chain.drawing() as image:
                    image.pixels[...] = (*colour, 255)
                frame.show([quad(chain, image.index, ahead, (1.0, 1.0), LayerFlags.VIEW_SPACE)])
