"""The services' entry points, with a real locator and real clients."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.locator.connect import BlockingLocatorClient, connect, connect_blocking
from ipcrt_services.files.bindings import FilesBlockingProxy, FilesProxy
from ipcrt_services.kvstore.bindings import (
    Item,
    IteratorProxy,
    StoreBlockingProxy,
    StoreProxy,
)
from ipcrt_services.kvstore.bindings import Iterator as KeyIterator
from ipcrt_services.kvstore.storage import Storage
from tests.services.kvstore.clients import keys_blocking
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

LOOPS = ("asyncio", "uvloop", "trio")
KVSTORE = "ipcrt_services.kvstore"
FILES = "ipcrt_services.files"


class Stage:
    """A locator, and services that were ready."""

    def __init__(self, directory: Path, spawner: Spawner, supervisor: socket.socket) -> None:
        self.state = directory / "state"
        self.state.mkdir()
        self.path = directory / "locator"
        self.spawner = spawner
        self._supervisor = supervisor
        self._environment = {"NOTIFY_SOCKET": supervisor.getsockname()}
        self.spawner.module(
            "ipcrt.locator.daemon", "--socket", self.path, environment=self._environment
        )
        self.wait_for("READY=1")

    def wait_for(self, *states: str) -> None:
        """Wait until somebody tells the supervisor one of these."""
        while self._supervisor.recv(4096).decode() not in states:
            pass

    def service(self, module: str, *options: object) -> Child:
        """Start a service, and wait until it is registered."""
        child = self.attempt(module, *options)
        self.wait_for("READY=1")
        return child

    def attempt(
        self, module: str, *options: object, environment: dict[str, str] | None = None
    ) -> Child:
        """Start a service that may not get as far."""
        return self.spawner.module(
            module,
            "--directory",
            self.state,
            "--locator",
            self.path,
            *options,
            environment={**self._environment, **(environment or {})},
            capture_stderr=True,
        )


@pytest.fixture
def stage(tmp_path: Path, spawn_python: Spawner) -> Iterator[Stage]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.settimeout(30)
        supervisor.bind(os.fspath(tmp_path / "supervisor"))
        yield Stage(tmp_path, spawn_python, supervisor)


def end(child: Child, number: int = signal.SIGTERM) -> str:
    """End a service; answer what it had to say."""
    child.kill(number)
    assert child.wait() == 0, child.errors()
    return child.errors()


# ------------------------------------------------------------------------------- serving


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.anyio
async def test_serves_clients_of_the_locator(stage: Stage, loop: str) -> None:
    contents = os.urandom(100_000)
    (stage.state / "file").write_bytes(contents)
    services = [stage.service(module, "--loop", loop) for module in (KVSTORE, FILES)]
    async with connect(stage.path) as locator:
        assert await locator.names() == ["ipcrt.files/Files", "ipcrt.kvstore/Store"]
        async with await locator.open(StoreProxy) as store:
            await store.write_item(Item("good", b"value"))
            client, server = create_endpoints(KeyIterator)
            async with (
                IteratorProxy(client, locator.port) as iterator,
                anyio.create_task_group() as group,
            ):
                group.start_soon(store.iterate, None, server)
                assert (await iterator.get()).entries == ["good"]
        async with await locator.open(FilesProxy) as files:
            with (await files.open("file")).file as file:
                received = os.pread(file.fileno(), 1 << 20, 0)
            assert hashlib.sha256(received).digest() == hashlib.sha256(contents).digest()
    for service in services:
        assert end(service) == ""


def test_serves_a_plain_thread(stage: Stage) -> None:
    (stage.state / "file").write_bytes(b"contents")
    services = [stage.service(module) for module in (KVSTORE, FILES)]
    with connect_blocking(stage.path) as locator:
        with locator.open(StoreBlockingProxy) as store:
            for number in range(12):
                store.write_item(Item(f"key{number:02d}", b"v"))
            assert keys_blocking(store, locator.port) == [f"key{n:02d}" for n in range(12)]
        with locator.open(FilesBlockingProxy) as files, files.open("file").file as file:
            assert os.read(file.fileno(), 100) == b"contents"
    for service in services:
        assert end(service) == ""


def test_a_client_that_left_costs_nothing(stage: Stage) -> None:
    services = [stage.service(module) for module in (KVSTORE, FILES)]
    (stage.state / "file").write_bytes(b"contents")
    before: list[dict[int, str]] = []
    for _ in range(2):
        with connect_blocking(stage.path) as locator:
            for _ in range(20):
                with locator.open(StoreBlockingProxy) as store:
                    keys_blocking(store, locator.port)
                with locator.open(FilesBlockingProxy) as files:
                    files.open("file").file.close()
        if not before:
            before = [open_fds(service.pid) for service in services]
    for service, fds in zip(services, before, strict=True):
        wait_until(partial(holds_only, service, fds))
        end(service)


def holds_only(service: Child, fds: dict[int, str]) -> bool:
    return set(open_fds(service.pid)) <= set(fds)


def test_serves_under_another_name(stage: Stage) -> None:
    service = stage.service(KVSTORE, "--name", "mine/Store")
    with connect_blocking(stage.path) as locator:
        assert locator.names() == ["mine/Store"]
        with locator.open(StoreBlockingProxy, "mine/Store") as store:
            store.write_item(Item("good", b"v"))
    end(service)


# ------------------------------------------------------------------------------- ending


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(stage: Stage, loop: str, number: int) -> None:
    service = stage.service(KVSTORE, "--loop", loop)
    with connect_blocking(stage.path) as locator, locator.open(StoreBlockingProxy) as store:
        store.write_item(Item("good", b"v"))
        assert end(service, number) == ""
        stage.wait_for("STOPPING=1")
    with Storage(stage.state) as storage:
        assert storage.read("good") == b"v"
    assert sorted(path.name for path in stage.state.iterdir()) == ["items.sqlite3", "lock"]


def test_a_restarted_service_has_what_was_acknowledged(stage: Stage) -> None:
    for number in range(3):
        service = stage.service(KVSTORE)
        with connect_blocking(stage.path) as locator, locator.open(StoreBlockingProxy) as store:
            store.write_item(Item(f"key{number}", b"v"))
            assert keys_blocking(store, locator.port) == [f"key{n}" for n in range(number + 1)]
        service.kill()
        service.wait()
        with connect_blocking(stage.path) as locator:
            wait_until(partial(nothing_is_offered, locator))


def nothing_is_offered(locator: BlockingLocatorClient) -> bool:
    return not locator.names()


# ------------------------------------------------------------------------------- refusing to start


@pytest.mark.parametrize("loop", LOOPS)
def test_without_a_locator_it_says_so_in_one_line(
    tmp_path: Path, spawn_python: Spawner, loop: str
) -> None:
    child = spawn_python.module(
        *(KVSTORE, "--directory", tmp_path, "--locator", tmp_path / "none", "--loop", loop),
        capture_stderr=True,
    )
    assert child.wait() == 1
    expected = f"ipcrt.kvstore/Store: ERROR: no locator listens at {tmp_path / 'none'}\n"
    assert child.errors() == expected


def test_a_second_service_on_the_directory_says_so_in_one_line(stage: Stage) -> None:
    first = stage.service(KVSTORE)
    second = stage.attempt(KVSTORE, "--name", "other/Store")
    assert second.wait() == 1
    assert second.errors() == (
        f"ipcrt.kvstore/Store: ERROR: {stage.state} is in use by another process, "
        f"which holds {stage.state / 'lock'}\n"
    )
    with connect_blocking(stage.path) as locator, locator.open(StoreBlockingProxy) as store:
        store.write_item(Item("good", b"v"))
    end(first)


def test_a_taken_name_is_told_in_one_line(stage: Stage) -> None:
    first = stage.service(FILES)
    second = stage.attempt(FILES, "--loop", "trio")
    assert second.wait() == 1
    assert second.errors() == (
        "ipcrt.files/Files: ERROR: the locator does not register ipcrt.files/Files: "
        "ALREADY_REGISTERED\n"
    )
    end(first)


def test_a_missing_directory_is_told_in_one_line(tmp_path: Path, spawn_python: Spawner) -> None:
    child = spawn_python.module(FILES, "--directory", tmp_path / "none", capture_stderr=True)
    assert child.wait() == 1
    assert child.errors() == (
        f"ipcrt.files/Files: ERROR: open {tmp_path / 'none'}: No such file or directory\n"
    )


def test_the_directory_may_come_from_the_supervisor(stage: Stage) -> None:
    child = stage.spawner.module(
        *(KVSTORE, "--locator", stage.path),
        environment={"STATE_DIRECTORY": f"{stage.state}:/elsewhere", **stage._environment},
        capture_stderr=True,
    )
    stage.wait_for("READY=1")
    assert (stage.state / "items.sqlite3").exists()
    end(child)


def test_without_a_directory_the_usage_is_told(spawn_python: Spawner) -> None:
    child = spawn_python.module(KVSTORE, environment={"STATE_DIRECTORY": ""}, capture_stderr=True)
    assert child.wait() == 2
    assert "the following arguments are required: --directory" in child.errors()


# ------------------------------------------------------------------------------- supervision


@pytest.mark.parametrize("loop", LOOPS)
def test_the_watchdog_is_fed(stage: Stage, loop: str) -> None:
    service = stage.attempt(KVSTORE, "--loop", loop, environment={"WATCHDOG_USEC": "50000"})
    for _ in range(3):
        stage.wait_for("WATCHDOG=1")
    end(service)


def test_the_journal_gets_priorities(stage: Stage) -> None:
    child = stage.attempt(
        KVSTORE, "--directory", stage.state / "none", environment={"JOURNAL_STREAM": "1:2"}
    )
    assert child.wait() == 1
    assert child.errors().startswith("<3>open ")


def test_a_flag_makes_it_talk(stage: Stage) -> None:
    service = stage.service(KVSTORE, "--verbose")
    assert "stopping on SIGTERM" in end(service)
