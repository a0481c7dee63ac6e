"""The resource servers as services: what each opens, and under which names it is offered."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from typing import Final

from ipcrt.locator.resources import LocatedApp, name_of
from ipcrt.locator.service import Factory
from ipcrt.port.aport import AsyncPort
from ipcrt_services.files.server import open_directory
from ipcrt_services.main import Service
from ipcrt_services.resources.files import Files
from ipcrt_services.resources.kv import open_kv
from ipcrt_services.resources.kv_storage import KvStorage
from ipcrt_services.resources.net import Net
from ipcrt_services.resources.patterns import LOOPBACK, HostPatterns, ProgramPatterns
from ipcrt_services.resources.process import Processes
from ipcrt_services.resources.root import Root
from ipcrt_services.resources.threads import Threads


@asynccontextmanager
async def serve_files(
    port: AsyncPort, directory: str, *, read_only: bool = False
) -> AsyncGenerator[LocatedApp, None]:
    """Serve the files beneath `directory`."""
    app = LocatedApp("files")
    with (
        closing(Root(open_directory(directory), read_only=read_only)) as root,
        closing(Threads(port, "files")) as threads,
    ):
        Files(root, threads).add_to(app)
        yield app


@asynccontextmanager
async def serve_net(
    port: AsyncPort, directory: str, *, allow: Sequence[str] = LOOPBACK
) -> AsyncGenerator[LocatedApp, None]:
    """Serve TCP with the hosts and ports that `allow` names; nothing is kept in a directory."""
    del directory
    app = LocatedApp("net")
    allowed = HostPatterns(allow)
    with closing(Threads(port, "net")) as threads:
        Net(allowed, threads).add_to(app)
        yield app


@asynccontextmanager
async def serve_processes(
    port: AsyncPort, directory: str, *, allow: Sequence[str] = ()
) -> AsyncGenerator[LocatedApp, None]:
    """Start the programs that `allow` names, in `directory`."""
    del port
    app = LocatedApp("process")
    Processes(ProgramPatterns(allow), directory).add_to(app)
    yield app


@asynccontextmanager
async def serve_kv(port: AsyncPort, directory: str) -> AsyncGenerator[LocatedApp, None]:
    """Serve the store that is kept in `directory`."""
    app = LocatedApp("kv")
    with KvStorage(directory) as storage:
        async with open_kv(port, storage) as kv:
            kv.add_to(app)
            yield app


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One resource server, before its options are known."""

    schemes: tuple[str, ...]
    """What it opens; each is a name at the locator."""

    description: str
    serve: Callable[..., AbstractAsyncContextManager[LocatedApp]]
    """Takes the port, the directory and the options."""

    def service(self, name: str, **options: object) -> Service:
        """Answer the service that is run as `name`."""

        @asynccontextmanager
        async def serve(
            port: AsyncPort, directory: str
        ) -> AsyncGenerator[dict[str, Factory], None]:
            async with self.serve(port, directory, **options) as app:
                yield dict.fromkeys(map(name_of, self.schemes), app.factory(port))

        return Service(
            name_of(self.schemes[0]),
            f"{__package__} {name}",
            self.description,
            serve,
            LocatedApp(name).service_limits(),
        )


KINDS: Final = {
    "files": Kind(
        ("file",), "Open the files beneath DIR (--read-only: never to change them).", serve_files
    ),
    "net": Kind(
        ("tcp", "tcp-listen"),
        "Connect and listen where --allow HOST:PORT says; without it, on this machine alone.",
        serve_net,
    ),
    "process": Kind(
        ("process",), "Start, in DIR, the programs that --allow PATH names.", serve_processes
    ),
    "kv": Kind(("kv",), "Keep keys and values in DIR.", serve_kv),
}
