"""A thousand clients at once; what each costs, and what becomes of one too many."""

from __future__ import annotations

import contextlib
import resource
import time

import pytest

from ipcrt.errors import NoResources
from ipcrt.locator.connect import BlockingLocatorClient, connect_blocking
from ipcrt.locator.protocol import HandOverFailed
from tests.locator.echo import EchoBlockingProxy
from tests.locator.stage import IDENTITY_CALL, Daemon, Stage
from tests.support.processes import Child
from tests.support.waiting import wait_until

CLIENTS = 1000
PROCESSES = 4
MOST_KIB_PER_CLIENT = 25

# So many clients of one process. Each line that it is told is one more thing that they do.
CROWD = """
import contextlib, os, resource, sys
import anyio
from ipcrt.locator.connect import connect
from ipcrt.port.aport import open_port
from tests.locator.echo import EchoProxy

path, count = sys.argv[1], int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

async def told():
    return await anyio.to_thread.run_sync(sys.stdin.readline)

async def call(client, answered):
    assert (await client.proxy.get_identity()).identity.pid == os.getpid()
    async with await client.open(EchoProxy) as echo:
        assert await echo.echo(str(id(client))) == str(id(client))
        assert (await echo.describe()).pid == os.getpid()
    answered.append(client)

async def main():
    async with open_port() as port, contextlib.AsyncExitStack() as stack:
        clients = []
        async def come():
            clients.append(await stack.enter_async_context(connect(path, port=port)))
        for _ in range(0, count, 50):
            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(come)
        print(len(clients), flush=True)
        while await told():
            answered = []
            async with anyio.create_task_group() as tasks:
                for client in clients:
                    tasks.start_soon(call, client, answered)
            print(len(answered), flush=True)

anyio.run(main, backend="asyncio", backend_options={"use_uvloop": True})
"""


def crowds(stage: Stage, count: int) -> list[Child]:
    """Processes with `count` clients in all, every one of them served once."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < CLIENTS * 2 + 100:
        pytest.skip("a locator needs more descriptors than the hard limit allows")
    started = [
        stage.spawn(CROWD, stage.path, count // PROCESSES, capture_stderr=True)
        for _ in range(PROCESSES)
    ]
    assert _sum_of_lines(started) == count
    return started


def all_call(started: list[Child]) -> int:
    """Have all clients call at once; answer how many were answered."""
    for crowd in started:
        crowd.send("call")
    return _sum_of_lines(started)


def _sum_of_lines(started: list[Child]) -> int:
    lines = [crowd.line() for crowd in started]
    assert all(lines), "".join(crowd.errors() for crowd in started)
    return sum(map(int, lines))


def warm_up(stage: Stage, daemon: Daemon) -> None:
    """What the first clients cost is not their own."""
    for _ in range(20):
        with stage.raw() as client:
            client.send(IDENTITY_CALL)
            client.recv(65536)
    wait_until(lambda: len(daemon.fds()) <= daemon.idle_count + 3)


def test_a_thousand_clients(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    places = CLIENTS + 1  # the service is a client, too
    daemon = stage.locator("--max-clients", places, "--max-clients-per-uid", places)
    stage.service()
    warm_up(stage, daemon)
    before = daemon.memory_kib()
    began = time.perf_counter()
    started = crowds(stage, CLIENTS)
    seconds = time.perf_counter() - began
    each_kib = (daemon.memory_kib() - before) / CLIENTS
    began = time.perf_counter()
    assert all_call(started) == CLIENTS
    calling = time.perf_counter() - began
    for _ in range(20):
        with pytest.raises(NoResources, match="too many clients"), connect_blocking(stage.path):
            pass
    assert all_call(started) == CLIENTS
    assert all("limit 1001" in line for line in daemon.log().splitlines())
    for crowd in started:
        crowd.finish()
    wait_until(lambda: len(daemon.fds()) == daemon.idle_count + 3)
    with capsys.disabled():
        print(
            f"\n{CLIENTS} clients in {seconds:.2f} s, {each_kib:.1f} KiB each in the locator; "
            f"{CLIENTS * 4} calls and {CLIENTS} opens in {calling:.2f} s"
        )
    assert each_kib < MOST_KIB_PER_CLIENT


def test_clients_that_come_and_go_leave_no_memory_behind(stage: Stage) -> None:
    daemon = stage.locator()

    def round_of_clients() -> None:
        clients = [stage.raw() for _ in range(200)]
        for client in clients:
            client.send(IDENTITY_CALL)
        for client in clients:
            client.recv(65536)
            client.close()

    for _ in range(30):  # by then it has levelled off
        round_of_clients()
    daemon.settle()
    before = daemon.memory_kib()
    for _ in range(25):
        round_of_clients()
    daemon.settle()
    # What is kept for each client is more than a KiB.
    assert daemon.memory_kib() - before < 25 * 200 // 2


def test_coming_and_going(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    daemon = stage.locator()
    count = 1000
    began = time.perf_counter()
    for _ in range(count):
        with stage.raw() as client:
            client.send(IDENTITY_CALL)
            client.recv(65536)
    seconds = time.perf_counter() - began
    daemon.settle()
    with capsys.disabled():
        print(f"\n{count / seconds:.0f} connections a second, one after another, a call on each")


# ---------------------------------------------------------------------- where descriptors are few

FEW = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from ipcrt.locator.daemon import main
sys.exit(main())
"""


def test_few_descriptors(stage: Stage) -> None:
    """Whoever is too many is told so; the rest goes on, hand-overs and opens included."""
    daemon = stage.locator_from(FEW)
    stage.service()
    with contextlib.ExitStack() as stack:
        clients: list[BlockingLocatorClient] = []
        with contextlib.suppress(NoResources):
            while len(clients) < 64:
                clients.append(stack.enter_context(connect_blocking(stage.path)))
        assert len(clients) == 48 - daemon.idle_count - 3
        for client in clients:
            for _ in range(3):
                with pytest.raises(NoResources), connect_blocking(stage.path):
                    pass
            with client.open(EchoBlockingProxy) as echo:
                assert echo.echo("hello") == "hello"
            with pytest.raises(HandOverFailed):
                client.another()
    wait_until(lambda: len(daemon.fds()) == daemon.idle_count + 3)
    with connect_blocking(stage.path) as client:
        assert client.names()
