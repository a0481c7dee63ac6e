"""No acknowledged write is lost, whoever dies and whatever fills up. Everything is a process."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.kvstore.bindings import Item, StoreBlockingProxy, WriteError, WriteFailed
from ipcrt_services.kvstore.storage import Storage
from tests.services.conftest import Starter
from tests.services.disks import on_small_disk
from tests.services.kvstore.clients import keys_blocking
from tests.services.kvstore.writer import key_of, value_of
from tests.support.processes import Child, Spawner

HOWS = ("asyncio", "uvloop", "trio", "blocking")


def start_writer(
    spawner: Spawner,
    how: str,
    prefix: str,
    end: ClientEnd[Any],
    environment: Mapping[str, str] | None = None,
) -> Child:
    with end.take_channel() as channel:
        fd = channel.fileno()
        return spawner.module(
            "tests.services.kvstore.writer",
            how,
            prefix,
            fd,
            pass_fds=[fd],
            environment=environment,
        )


def acknowledged(writer: Child, most: int | None = None) -> tuple[list[int], str]:
    """The numbers that a writer was told are stored, and how it ended, if it did."""
    numbers: list[int] = []
    while most is None or len(numbers) < most:
        line = writer.line()
        if not line or line.startswith("end: "):
            return numbers, line.removeprefix("end: ")
        numbers.append(int(line))
    return numbers, ""


def assert_stored(storage: Storage, promised: Mapping[str, list[int]]) -> None:
    for prefix, numbers in promised.items():
        for number in numbers:
            assert storage.read(key_of(prefix, number)) == value_of(prefix, number), (
                f"{key_of(prefix, number)} was acknowledged and is lost"
            )


# ------------------------------------------------------------------------------- many clients


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_clients_of_every_kind_write_thousands_at_once(
    start: Starter, tmp_path: Path, spawn_python: Spawner, loop: str
) -> None:
    child, ends = start("kvstore", tmp_path, clients=5, loop=loop)
    writers = {
        f"k{how}": start_writer(spawn_python, how, f"k{how}", end, {"ITEMS": "500"})
        for how, end in zip(HOWS, ends, strict=False)
    }
    for writer in writers.values():
        numbers, ending = acknowledged(writer)
        assert sorted(numbers) == list(range(500))
        assert ending == ""
        writer.finish()
    with BlockingPort() as port, StoreBlockingProxy(ends[-1], port) as store:
        expected = [key_of(prefix, number) for prefix in sorted(writers) for number in range(500)]
        assert keys_blocking(store, port) == expected
    child.finish()


# ------------------------------------------------------------------------------- SIGKILL


def kill_rounds(
    start: Starter, spawner: Spawner, directory: Path, rounds: int, seed: int
) -> dict[str, list[int]]:
    """Kill the service under load, again and again; answer what was acknowledged in all."""
    random_ = random.Random(seed)
    promised: dict[str, list[int]] = {}
    for number in range(rounds):
        child, ends = start("kvstore", directory, clients=3, loop=random_.choice(HOWS[:3]))
        writers = {
            f"r{number}w{index}": start_writer(
                spawner, random_.choice(HOWS), f"r{number}w{index}", end
            )
            for index, end in enumerate(ends)
        }
        told = {
            prefix: acknowledged(writer, random_.randrange(1, 300))[0]
            for prefix, writer in writers.items()
        }
        time.sleep(random_.random() * 0.02)  # not at the moment of an acknowledgement
        child.kill()
        assert child.wait() == -signal.SIGKILL
        for prefix, writer in writers.items():
            rest, ending = acknowledged(writer)
            assert ending, "the writer was not told that the service is gone"
            writer.finish()
            promised[prefix] = told[prefix] + rest
        with Storage(directory) as storage:
            assert_stored(storage, promised)
    return promised


def check_whole(directory: Path, promised: Mapping[str, list[int]]) -> None:
    """Every item that is there is whole, and was asked for."""
    with Storage(directory) as storage:
        assert_stored(storage, promised)
        for key in storage.keys(1_000_000):
            prefix, _, digits = key.partition("/")
            assert prefix in promised
            assert storage.read(key) == value_of(prefix, int(digits))


def test_sigkill_loses_no_acknowledged_write(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    promised = kill_rounds(start, spawn_python, tmp_path, rounds=4, seed=1)
    assert sum(map(len, promised.values())) > 100
    check_whole(tmp_path, promised)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sigkill_loses_no_acknowledged_write_for_long(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    promised = kill_rounds(start, spawn_python, tmp_path, rounds=40, seed=seed)
    check_whole(tmp_path, promised)


def test_a_killed_client_leaves_the_service_and_its_writes(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    child, ends = start("kvstore", tmp_path, clients=2)
    writer = start_writer(spawn_python, "uvloop", "killed", ends[0])
    numbers, _ = acknowledged(writer, 200)
    writer.kill()
    writer.wait()
    numbers += acknowledged(writer)[0]
    with BlockingPort() as port, StoreBlockingProxy(ends[1], port) as store:
        for number in numbers:
            assert store.read_item(key_of("killed", number)).value == value_of("killed", number)
        store.write_item(Item("after", b"v"))
    child.finish()


# ------------------------------------------------------------------------------- full disks


def test_a_disk_that_refuses_loses_nothing(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    child, ends = start("kvstore", tmp_path, clients=3)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (256 * 1024, resource.RLIM_INFINITY))
    promised = _write_until_refused(spawn_python, ends[:2], WriteError.UNKNOWN)
    with BlockingPort() as port, StoreBlockingProxy(ends[2], port) as store:
        for prefix, numbers in promised.items():  # reading goes on
            for number in numbers:
                assert store.read_item(key_of(prefix, number)).value == value_of(prefix, number)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, unlimited)
        store.write_item(Item("there/is/room/again", b"v"))
    child.finish()
    check_stored_after(tmp_path, promised)


def check_stored_after(directory: Path, promised: Mapping[str, list[int]]) -> None:
    with Storage(directory) as storage:
        assert_stored(storage, promised)
        assert storage.contains("there/is/room/again")


def test_a_full_disk_loses_nothing(spawn_python: Spawner, tmp_path: Path) -> None:
    with ExitStack() as stack:
        ours: list[ClientEnd[Any]] = []
        theirs: list[Channel] = []
        for _ in range(3):
            client, server = Channel.create()
            theirs.append(stack.enter_context(server))
            ours.append(stack.enter_context(ClientEnd[Any](client)))
        fds = [end.fileno() for end in theirs]
        child = spawn_python.command(
            on_small_disk(
                tmp_path,
                sys.executable,
                "-m",
                "tests.services.child",
                "kvstore",
                "uvloop",
                os.fspath(tmp_path),
                *map(str, fds),
            ),
            pass_fds=fds,
        )
        for end in theirs:
            end.close()
        assert child.line() == "ready"
        promised = _write_until_refused(spawn_python, ours[:2], WriteError.NO_SPACE)
        with BlockingPort() as port, StoreBlockingProxy(ours[2], port) as store:
            with pytest.raises(WriteFailed) as caught:
                _write_more_than_there_is_room(store)
            assert caught.value.error is WriteError.NO_SPACE
            for prefix, numbers in promised.items():
                for number in numbers:
                    assert store.read_item(key_of(prefix, number)).value == value_of(prefix, number)
        child.finish()


def _write_until_refused(
    spawner: Spawner, ends: list[ClientEnd[Any]], error: WriteError
) -> dict[str, list[int]]:
    """Fill the disk; answer what was acknowledged before."""
    writers = {
        f"w{index}": start_writer(spawner, HOWS[index], f"w{index}", end)
        for index, end in enumerate(ends)
    }
    promised: dict[str, list[int]] = {}
    for prefix, writer in writers.items():
        promised[prefix], ending = acknowledged(writer)
        assert ending == error.name
        assert len(promised[prefix]) < 100_000
        writer.finish()
    assert any(promised.values())  # a writer that starts late may find the disk full
    return promised


def _write_more_than_there_is_room(store: StoreBlockingProxy) -> None:
    """One large value may still fit where a failed transaction has left room in the log."""
    for number in range(10):
        store.write_item(Item(f"large{number}", bytes(64000)))


# ------------------------------------------------------------------------------- two services


def test_a_second_service_on_the_directory_is_refused(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    child, [end] = start("kvstore", tmp_path)
    second = spawn_python.module("tests.services.child", "kvstore", "asyncio", tmp_path)
    assert second.line().startswith(f"AlreadyExists: {tmp_path} is in use by another process")
    assert second.wait() == 1
    with BlockingPort() as port, StoreBlockingProxy(end, port) as store:
        store.write_item(Item("good", b"v"))
    child.finish()


def test_a_clean_end_answers_what_was_asked(
    start: Starter, spawn_python: Spawner, tmp_path: Path
) -> None:
    child, ends = start("kvstore", tmp_path, clients=2)
    writers = [start_writer(spawn_python, "uvloop", f"w{n}", end) for n, end in enumerate(ends)]
    told = [acknowledged(writer, 100)[0] for writer in writers]
    child.finish()
    promised = {f"w{n}": told[n] + acknowledged(writer)[0] for n, writer in enumerate(writers)}
    with Storage(tmp_path) as storage:
        assert_stored(storage, promised)
    assert not list(tmp_path.glob("*-wal")), "the log was not merged"
    for writer in writers:
        writer.finish()
