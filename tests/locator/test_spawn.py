from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import BadState, Canceled, InvalidArgs, NotFound, TimedOut
from ipcrt.locator.namespace import Namespace
from ipcrt.locator.namespace_grant import Grant
from ipcrt.locator.protocol import Identity
from ipcrt.locator.service import Peer
from ipcrt.locator.spawn import BlockingChildProcess, ChildProcess, spawn, spawn_blocking
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import open_port
from ipcrt.port.interrupter import Interrupter
from tests.locator.echo import NAME, Echo, EchoServer
from tests.locator.stage import Stage
from tests.support.proc import child_processes, open_fds
from tests.support.processes import ROOT, Spawner
from tests.support.waiting import wait_until, wait_until_async

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
MYSELF = Identity(os.getpid(), os.getuid(), os.getgid())


def python(source: str, *arguments: object) -> list[str]:
    return [sys.executable, "-u", "-c", source, *map(str, arguments)]


class Pipe:
    """What a child says, line by line."""

    def __init__(self) -> None:
        read, write = os.pipe()
        self.write = Handle(write)
        self._stream = os.fdopen(read, "r")

    def line(self) -> str:
        return self._stream.readline().strip()

    def lines(self) -> list[str]:
        """All that is left, once the child has ended."""
        self.write.close()
        return self._stream.read().splitlines()

    def close(self) -> None:
        self.write.close()
        self._stream.close()


@pytest.fixture
def pipe() -> Generator[Pipe]:
    made = Pipe()
    yield made
    made.close()


# --------------------------------------------------------------------------------- its life


@pytest.mark.anyio
async def test_how_a_child_ended() -> None:
    async with open_port() as port:
        before = open_fds()
        async with await spawn(["sh", "-c", "exit 7"], port=port) as child:
            assert (await child.wait(), await child.wait()) == (7, 7)
            assert repr(child) == f"<ChildProcess {child.pid} ended 7>"
        child = await spawn(["sleep", "100"], port=port)
        assert not child.ended
        child.kill(signal.SIGTERM)
        assert await child.wait() == -signal.SIGTERM
        with pytest.raises(NotFound, match="has ended"):
            child.kill()
        assert open_fds() == before, "nothing is left to be closed"
        assert child_processes() == {}


@pytest.mark.anyio
async def test_a_child_that_nobody_waits_for_is_no_zombie() -> None:
    async with open_port() as port:
        several = [await spawn(["true"], port=port) for _ in range(5)]
        await wait_until_async(lambda: all(child.ended for child in several))
        assert child_processes() == {}


@pytest.mark.anyio
async def test_who_closes_a_child_kills_it() -> None:
    async with open_port() as port:
        async with await spawn(["sleep", "100"], port=port) as child:
            pass
        assert await child.wait() == -signal.SIGKILL
        child = await spawn(["sleep", "100"], port=port)
        child.close()
        child.close()
        assert await child.wait() == -signal.SIGKILL
    assert child_processes() == {}


@pytest.mark.anyio
async def test_a_port_that_closes_before_its_child() -> None:
    async with open_port() as port:
        child = await spawn(["sleep", "100"], port=port)
    await child.aclose()
    assert child.ended


@pytest.mark.anyio
async def test_giving_a_wait_up_leaves_the_child_alone() -> None:
    async with open_port() as port, await spawn(["sleep", "100"], port=port) as child:
        with pytest.raises(TimedOut):
            await child.wait(0.01)
        with anyio.move_on_after(0.01) as scope:
            await child.wait()
        assert scope.cancelled_caught
        assert not child.process.is_terminated()


@pytest.mark.anyio
async def test_a_cancelled_owner_kills_and_waits() -> None:
    async with open_port() as port:
        started: list[ChildProcess] = []
        with anyio.move_on_after(0.01):
            async with await spawn(["sleep", "100"], port=port) as child:
                started.append(child)
                await child.wait()
        assert [child.ended for child in started] == [True]
        assert child_processes() == {}


@pytest.mark.anyio
async def test_several_tasks_wait_for_one_child() -> None:
    statuses: list[int] = []
    async with open_port() as port, await spawn(["sleep", "100"], port=port) as child:

        async def wait() -> None:
            statuses.append(await child.wait())

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            child.kill(signal.SIGINT)
    assert statuses == [-signal.SIGINT] * 3


def reap(pid: int) -> None:
    """Wait for a child behind the back of its owner, who notices later."""
    os.waitpid(pid, 0)


@pytest.mark.anyio
async def test_somebody_else_has_waited_for_it() -> None:
    """A library that reaps whatever it finds: no status is made up."""
    async with open_port() as port, await spawn(["true"], port=port) as child:
        reap(child.pid)
        with pytest.raises(BadState, match=f"child {child.pid}: .* waited for already"):
            await child.wait()


def test_somebody_else_has_waited_before_it_is_closed() -> None:
    child = spawn_blocking(["true"])
    reap(child.pid)
    child.close()
    with pytest.raises(BadState, match="waited for already"):
        child.wait()


@pytest.mark.anyio
async def test_what_cannot_be_started_leaves_nothing() -> None:
    async with open_port() as port:
        before = open_fds()
        told = Event.create()
        with pytest.raises(NotFound, match="nonesuch"):
            await spawn(["nonesuch"], port=port, handles={"told": told}, namespace=Grant())
        with pytest.raises(InvalidArgs):
            await spawn([], port=port)
        assert (open_fds(), told.closed) == (before, True)
    with pytest.raises(BadState):
        await spawn(["true"], port=port, namespace=Grant())
    assert child_processes() == {}


def test_a_child_of_a_thread() -> None:
    with spawn_blocking(["sh", "-c", "exit 7"]) as child:
        assert (child.wait(), child.wait(0)) == (7, 7)
    with spawn_blocking(["sleep", "100"]) as child:
        with pytest.raises(TimedOut):
            child.wait(0.01)
        child.kill(signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM
    with spawn_blocking(["sleep", "100"]) as child:
        pass
    assert child.wait() == -signal.SIGKILL
    with pytest.raises(NotFound):
        spawn_blocking(["nonesuch"], namespace=Grant())
    assert child_processes() == {}


def test_a_threads_wait_can_be_interrupted() -> None:
    with spawn_blocking(["sleep", "100"]) as child, Interrupter() as interrupter:
        done = threading.Event()

        def interrupt() -> None:
            while not done.is_set():
                done.wait(0.01 if not interrupter.interrupt() else None)

        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(Canceled):
            child.wait(interrupter=interrupter)
        done.set()
        other.join()
        assert not child.ended


@pytest.mark.anyio
async def test_threads_start_children_beside_a_loop() -> None:
    def work() -> None:
        for _ in range(3):
            with spawn_blocking(["true"], namespace=Grant(offers={NAME: EchoServer})) as child:
                assert child.wait() == 0

    async with open_port() as port:
        for _ in range(2):
            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(anyio.to_thread.run_sync, work)
                async with await spawn(["true"], port=port) as child:
                    assert await child.wait() == 0
    assert child_processes() == {}


def test_it_dies_with_its_parent(spawn_python: Spawner) -> None:
    parent = spawn_python(
        "import signal, sys\n"
        "from ipcrt.locator.spawn import spawn_blocking\n"
        "child = spawn_blocking(['cat'], stdin=0, die_with_parent=signal.SIGTERM)\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n",
    )
    with Process.open(int(parent.line())) as child:
        wait_until(lambda: Path(f"/proc/{child.pid}/comm").read_text() == "cat\n")
        parent.kill()
        wait_until(child.is_terminated)


# ---------------------------------------------------------------------------- what it is given

# Acts as two components: its own, and that of its container. Source: Starnix.
TWO_COMPONENTS = """
import os, sys
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect, connect_blocking
from ipcrt.locator.startup import incoming_namespace, namespace, namespace_names, startup_handle
from ipcrt.objects.event import Event
from ipcrt.port.aport import open_port
from ipcrt.port.loops import run_loop
from tests.locator.echo import Echo, EchoBlockingProxy, EchoProxy

async def main():
    async with open_port() as port:
        async with connect(EchoProxy, port=port) as own:
            print(await own.echo("as itself"), (await own.describe()).pid)
        async with connect(EchoProxy, "container/Echo", namespace="container", port=port) as other:
            print(await other.echo("as its container"))
        async with connect(EchoProxy, "not/Granted", port=port) as refused:
            try:
                await refused.echo("never")
            except IpcError as error:
                print(type(error).__name__)

if sys.argv[1] == "blocking":
    with connect_blocking(EchoBlockingProxy) as own:
        print(own.echo("as itself"), own.describe().pid)
    with connect_blocking(EchoBlockingProxy, "container/Echo", namespace="container") as other:
        print(other.echo("as its container"))
    with connect_blocking(EchoBlockingProxy, "not/Granted") as refused:
        try:
            refused.echo("never")
        except IpcError as error:
            print(type(error).__name__)
else:
    run_loop(sys.argv[1], main)
print(namespace_names(), namespace("container").keys())
with Event.from_handle(startup_handle("told")) as told:
    told.signal()
print("IPCRT_STARTUP" in os.environ, flush=True)
"""


def said_by(child: ChildProcess | BlockingChildProcess) -> list[str]:
    return [
        f"as itself {child.pid}",
        "as its container",
        "AccessDenied",
        "['container', 'own'] []",  # an end that is open already is given out once
        "False",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("blocking", [False, True])
async def test_a_child_of_two_components(
    pipe: Pipe, anyio_backend: tuple[str, dict[str, bool]], *, blocking: bool
) -> None:
    """It runs on a loop as its parent's is, or on none."""
    loop = "uvloop" if anyio_backend[1] else anyio_backend[0]
    client, server = create_endpoints(Echo)
    async with open_port() as port:
        before = len(open_fds())
        with Event.create() as told, ServerBinding(server, EchoServer(Peer(MYSELF, None)), port):
            child = await spawn(
                python(TWO_COMPONENTS, "blocking" if blocking else loop),
                port=port,
                namespace=Grant(offers={NAME: EchoServer}),
                namespaces={"container": Namespace({"container/Echo": client})},
                handles={"told": told.duplicate()},
                env=ENVIRONMENT,
                stdout=pipe.write,
            )
            assert await child.wait(30) == 0
            assert pipe.lines() == said_by(child)
            assert told.is_signaled()
        await wait_until_async(lambda: len(open_fds()) <= before)
    assert child_processes() == {}


def test_a_child_of_a_thread_of_two_components(pipe: Pipe) -> None:
    """In a plain thread, another one serves what was granted."""
    with (
        Event.create() as told,
        spawn_blocking(
            python(TWO_COMPONENTS, "asyncio"),
            namespace=Grant(offers={NAME: EchoServer}),
            namespaces={"container": Grant(offers={"container/Echo": EchoServer})},
            handles={"told": told.duplicate()},
            env=ENVIRONMENT,
            stdout=pipe.write,
        ) as child,
    ):
        assert child.wait(30) == 0
        expected = [line.replace("[]", "['/svc']") for line in said_by(child)]
        assert pipe.lines() == expected


# Opens what it is told to, and says what became of it.
OPENER = """
import sys
from ipcrt.errors import IpcError
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.startup import incoming_namespace
from tests.locator.echo import EchoBlockingProxy
for name in sys.argv[1:]:
    with connect_blocking(EchoBlockingProxy, name) as echo:
        try:
            print(name, echo.echo("hello"), echo.describe().pid)
        except IpcError as error:
            print(name, type(error).__name__)
print("ready", flush=True)
sys.stdin.readline()
try:
    with connect_blocking(EchoBlockingProxy, sys.argv[1]) as echo:
        print(echo.echo("again"))
except IpcError as error:
    print(type(error).__name__, error, flush=True)
"""


@pytest.mark.anyio
async def test_a_subset_of_the_parents_namespace(stage: Stage, pipe: Pipe) -> None:
    """The parent's identity opens it, and no end of it stays with the parent."""
    stage.locator()
    stage.service("--names", "public/Echo", "secret/Echo")
    near, far = Socket.create()
    with near, far, Namespace.of_locator(stage.path) as own:
        async with open_port() as port:
            grant = Grant(["public/Echo", "missing/Echo"], source=own)
            names = ("public/Echo", "missing/Echo", "secret/Echo")
            async with await spawn(
                python(OPENER, *names),
                port=port,
                namespace=grant,
                env=ENVIRONMENT,
                stdin=far,
                stdout=pipe.write,
            ) as child:
                said = [await anyio.to_thread.run_sync(pipe.line) for _ in range(4)]
                near.write(b"\n")
                assert await child.wait() == 0
            assert said == [
                f"public/Echo hello {os.getpid()}",
                "missing/Echo NotFound",
                "secret/Echo AccessDenied",
                "ready",
            ]
            assert pipe.lines() == ["again"]


PARENT = """
import sys
from ipcrt.locator.namespace_grant import Grant
from ipcrt.locator.spawn import spawn_blocking
from tests.locator.echo import EchoServer
child = spawn_blocking(
    sys.argv[1:], namespace=Grant(offers={"a/Echo": EchoServer}), stdin=sys.stdin.fileno()
)
child.wait()
"""


def test_a_parent_that_dies(spawn_python: Spawner) -> None:
    """The child's next connect fails at once."""
    parent = spawn_python(PARENT, *python(OPENER, "a/Echo"))
    assert parent.line().startswith("a/Echo hello")
    assert parent.line() == "ready"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.send("")
    assert parent.line() == "PeerClosed who served this namespace has gone"


# Never reads, asks for what it was not granted, sends rubbish, and ends without a word.
HOSTILE = """
import os, sys
from ipcrt.errors import IpcError, ShouldWait
from ipcrt.locator.startup import incoming_namespace
from tests.locator.echo import Echo
own = incoming_namespace()
refused = 0
for number in range(1000):
    try:
        own.open_now(Echo, ("a/Echo", "not/Granted")[number % 2]).close()
    except ShouldWait:
        refused += 1
directory = own.take_entries()["/svc"].channel
while True:
    try:
        directory.write(b"rubbish" * 100)
        break
    except ShouldWait:
        pass
print(refused > 0, flush=True)
os._exit(9)
"""


@pytest.mark.anyio
async def test_a_hostile_child(pipe: Pipe) -> None:
    async with open_port() as port:
        before = len(open_fds())
        async with (
            await spawn(
                python(HOSTILE),
                port=port,
                namespace=Grant(offers={"a/Echo": EchoServer}),
                env=ENVIRONMENT,
                stdout=pipe.write,
            ) as child,
            await spawn(
                python(OPENER, "a/Echo"),
                port=port,
                namespace=Grant(offers={"a/Echo": EchoServer}),
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=pipe.write,
            ) as good,
        ):
            assert await child.wait(60) == 9
            assert await good.wait(60) == 0
        assert f"a/Echo hello {good.pid}" in pipe.lines()
        await wait_until_async(lambda: len(open_fds()) <= before)


@pytest.mark.slow
@pytest.mark.anyio
async def test_two_hundred_children_leave_nothing() -> None:
    """Some end at once, some are killed, some before they have looked at what they were given."""
    endings = (["true"], ["sleep", "100"], ["sh", "-c", "exec sleep 100"], ["cat", "/no/such"])
    async with open_port() as port:
        before = open_fds()
        for number in range(200):
            grant = Grant(offers={NAME: EchoServer})
            async with await spawn(
                endings[number % 4], port=port, namespace=grant, stderr=subprocess.DEVNULL
            ) as child:
                if number % 4 == 0:
                    assert await child.wait() == 0
            assert child.ended
        assert open_fds() == before
        assert child_processes() == {}
