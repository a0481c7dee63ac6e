"""A locator and all resource servers, for tests of the verbs: the servers share one process.

`own:` is a server of the tests' own: `echo` gives back what comes, `full` takes a message and has
no space for it, `deaf` closes before anything comes, `mute` says nothing for ever, `flood` never
stops, `cut` dies in the middle of its data.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio

from ipcrt.errors import IpcError, NotSupported, Status
from ipcrt.locator.resources import LocatedApp, name_of
from ipcrt.locator.service import Factory, ServiceLimits, provide
from ipcrt.port.aport import open_port
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData
from ipcrt.resources.requests import InvokeRequest, OpenRequest, PipeRequest, Session
from ipcrt_services.resources.server import serve_files, serve_kv, serve_net, serve_processes
from tests.cli.conftest import IPCRT, names_at
from tests.support.processes import ROOT, Spawner
from tests.support.waiting import wait_until

OWN = LocatedApp("own")


@OWN.open("own:///{what}")
def _open(request: OpenRequest, what: str) -> Session:
    del request
    return {
        "echo": _echo,
        "full": _full,
        "deaf": _deaf,
        "mute": _mute,
        "flood": _flood,
        "cut": _cut,
        "unpiped": _flood_a_little,
    }[what]


@OWN.invoke("own:///{what}", "reverse")
def _reverse(request: InvokeRequest, what: str) -> bytes:
    del what
    return request.args[::-1]


@OWN.invoke(None, "name")
def _name(request: InvokeRequest) -> bytes:
    del request
    return b"own"


@OWN.pipe("own:///unpiped")
def _pipe(request: PipeRequest) -> int:
    raise NotSupported("no pipe of this")


async def _echo(data: DataChannel) -> None:
    async for message in data:
        if isinstance(message, FramedData):
            await data.send_frame(message.data)
            return
        await data.send_stream(message.data)


async def _full(data: DataChannel) -> None:
    await data.recv()
    raise IpcError("the disk is full", Status.NO_SPACE)


async def _deaf(data: DataChannel) -> None:
    await data.send_frame(b"framed")


async def _mute(data: DataChannel) -> None:
    await data.send_stream(b"begun")
    await anyio.sleep_forever()


async def _flood(data: DataChannel) -> None:
    while True:
        await data.send_stream(bytes(1 << 16))


async def _flood_a_little(data: DataChannel) -> None:
    await data.send_stream(bytes(1 << 20))


async def _cut(data: DataChannel) -> None:
    await data.send_stream(b"begun")
    os._exit(1)


async def _serve(directory: str) -> None:
    async with open_port() as port, AsyncExitStack() as stack:
        offers: dict[str, Factory] = {name_of("own"): OWN.factory(port)}
        for schemes, serving in (
            (["file"], serve_files(port, f"{directory}/files")),
            (["tcp", "tcp-listen"], serve_net(port, directory)),
            (["process"], serve_processes(port, directory, allow=["/bin/*", "/usr/bin/*"])),
            (["kv"], serve_kv(port, f"{directory}/kv")),
        ):
            app = await stack.enter_async_context(serving)
            offers |= {name_of(scheme): app.factory(port) for scheme in schemes}
        await provide(port, offers, limits=LIMITS)


LIMITS: ServiceLimits = OWN.service_limits()


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    status: int
    output: bytes
    errors: str


class House:
    """The processes, and the verbs against them."""

    def __init__(self, where: Path, spawner: Spawner) -> None:
        self.path = where / "locator"
        self.files = where / "files"
        self.files.mkdir()
        (where / "kv").mkdir()
        self.environment = {"PYTHONPATH": str(ROOT), "IPCRT_LOCATOR": str(self.path)}
        spawner.module("ipcrt.locator.daemon", "--socket", self.path)
        wait_until(self.path.exists)
        self.servers = spawner.module(__name__, where, environment=self.environment)
        wait_until(lambda: name_of("own") in names_at(self.path))

    def argv(self, *arguments: object) -> list[str]:
        return [*IPCRT, *map(str, arguments)]

    def start(self, *arguments: object, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a verb with a pipe for stdout and one for stderr."""
        return subprocess.Popen(
            self.argv(*arguments),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **self.environment},
        )

    def peak_bytes(self, *arguments: object) -> tuple[int, int, int]:
        """Run a verb; answer its status, the bytes it wrote, and its largest resident size.

        The kernel's own count for who waits takes in what this process had before exec.
        """
        source = (
            "import sys, pathlib, ipcrt.cli.main as m; status = m.main(sys.argv[1:]);"
            "told = pathlib.Path('/proc/self/status').read_text().split();"
            "sys.stderr.write(told[told.index('VmHWM:') + 1]); sys.exit(status)"
        )
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", source, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **self.environment},
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            count = 0
            while part := process.stdout.read(1 << 20):
                count += len(part)
            return process.wait(), count, int(process.stderr.read()) << 10

    def __call__(
        self,
        *arguments: object,
        data: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run a verb with `data` on its standard input, a pipe."""
        ended = subprocess.run(
            self.argv(*arguments),
            check=False,
            input=data,
            capture_output=True,
            env={**os.environ, **self.environment, **(environment or {})},
            timeout=60,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr.decode())


def open_house() -> Iterator[House]:
    """What a fixture yields; name it in each test file that uses it."""
    spawner = Spawner()
    with tempfile.TemporaryDirectory(prefix="ipcrt-test-") as name:
        try:
            yield House(Path(name), spawner)
        finally:
            spawner.close()


if __name__ == "__main__":
    anyio.run(_serve, sys.argv[1])
