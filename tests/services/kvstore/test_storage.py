from __future__ import annotations

import random
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from ipcrt.errors import (
    AccessDenied,
    AlreadyExists,
    IoError,
    IpcError,
    NotFound,
    NotSupported,
    Status,
)
from ipcrt_services.kvstore.storage import DATABASE, SCHEMA_VERSION, Storage
from tests.services.disks import on_small_disk
from tests.support.processes import Spawner

HOLDER = """
import sys
from ipcrt_services.kvstore.storage import Storage
with Storage(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.readline()
"""

# Writes until the disk is full, then looks at what is there, makes room and goes on.
FILL = """
import os, resource, sys
from ipcrt.errors import IpcError
from ipcrt_services.kvstore.storage import Storage

directory, how = sys.argv[1:]
ballast = os.path.join(directory, "ballast")
if how == "full":
    with open(ballast, "wb") as file:
        file.write(bytes(64 * 1024))
stored = 0
with Storage(directory) as storage:
    if how == "limited":
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, -1))
    try:
        for stored in range(100):
            storage.write([(f"key/{stored:04d}/{n}", bytes(1000)) for n in range(20)])
    except IpcError as error:
        print(error.status.name, flush=True)
    assert 0 < stored < 99
    assert not storage.contains(f"key/{stored:04d}/0")
    assert len(storage.keys(10_000)) == stored * 20
    if how == "limited":
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    else:
        os.unlink(ballast)
    assert storage.write([("after", b"a")]) == [True]
with Storage(directory) as storage:
    assert len(storage.keys(10_000)) == stored * 20 + 1
    assert storage.read("after") == b"a"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


# ------------------------------------------------------------------------------- items


def test_what_was_written_can_be_read(directory: Path) -> None:
    with Storage(directory) as storage:
        assert storage.write([("one", b"1"), ("two", b"2" * 64000)]) == [True, True]
        assert storage.read("one") == b"1"
        assert storage.read("two") == b"2" * 64000
        assert storage.read("three") is None
        assert storage.contains("one")
        assert not storage.contains("three")


def test_a_taken_key_keeps_its_value(directory: Path) -> None:
    with Storage(directory) as storage:
        storage.write([("one", b"1")])
        assert storage.write([("one", b"other"), ("two", b"2")]) == [False, True]
        assert storage.read("one") == b"1"
        assert storage.read("two") == b"2"


@pytest.mark.parametrize("size", [2, 17, 400])
def test_of_equal_keys_in_one_call_the_first_wins(directory: Path, size: int) -> None:
    random_ = random.Random(size)
    items = [
        (f"key{random_.randrange(size // 2 + 1)}", str(index).encode()) for index in range(size)
    ]
    first: dict[str, bytes] = {}
    expected: list[bool] = []
    for key, value in items:
        expected.append(key not in first)
        first.setdefault(key, value)
    with Storage(directory) as storage:
        assert storage.write(items) == expected
        assert {key: storage.read(key) for key in first} == first


def test_keys_come_in_byte_order_from_any_place_on(directory: Path) -> None:
    names = ["Zebra", "alpha", "alpha.1", "alpha/1", "alpha1", "alpha_1", "beta", "Äpfel"]
    with Storage(directory) as storage:
        storage.write([(name, b"x") for name in names])
        ordered = sorted(names, key=str.encode)
        assert storage.keys(100) == ordered
        assert storage.keys(3) == ordered[:3]
        assert storage.keys(3, ordered[2]) == ordered[3:6]
        assert storage.keys(3, ordered[2], inclusive=True) == ordered[2:5]
        assert storage.keys(3, "alpha-") == ["alpha.1", "alpha/1", "alpha1"]  # not itself there
        assert storage.keys(3, ordered[-1]) == []


def test_items_outlive_the_storage(directory: Path) -> None:
    with Storage(directory) as storage:
        storage.write([("one", b"1")])
    with Storage(directory) as storage:
        assert storage.read("one") == b"1"
        storage.close()
        storage.close()


def test_reading_does_not_wait_for_a_write_in_progress(directory: Path) -> None:
    with Storage(directory) as storage:
        storage.write([("one", b"1")])
        with sqlite3.connect(directory / DATABASE, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO items (key, value) VALUES ('two', x'32')")
            assert storage.keys(10) == ["one"]
            other.execute("ROLLBACK")
        other.close()


def test_every_commit_is_synced_to_the_disk(directory: Path) -> None:
    with Storage(directory) as storage:
        assert storage._writer.execute("PRAGMA synchronous").fetchone() == (2,)
        assert storage._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_files_are_for_one_user(directory: Path) -> None:
    with Storage(directory) as storage:
        storage.write([("one", b"1")])
        modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
        assert set(modes) == {"lock", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"}
        assert set(modes.values()) == {0o600}


# ------------------------------------------------------------------------------- one process


def test_a_second_process_is_refused(directory: Path, spawn_python: Spawner) -> None:
    holder = spawn_python(HOLDER, directory)
    assert holder.line() == "open"
    with pytest.raises(AlreadyExists, match=f"{directory} is in use by another process"):
        Storage(directory)
    holder.kill()
    holder.wait()
    Storage(directory).close()


def test_a_refused_opening_does_not_end_the_first(directory: Path) -> None:
    with Storage(directory) as storage:
        with pytest.raises(AlreadyExists) as caught:
            Storage(directory)
        assert caught.value.status is Status.ALREADY_BOUND
        assert storage.write([("one", b"1")]) == [True]


# ------------------------------------------------------------------------------- what is there


def test_a_missing_directory_is_told(directory: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        Storage(directory / "nowhere")


def test_a_lock_that_is_a_link_is_not_followed(directory: Path) -> None:
    (directory / "lock").symlink_to(directory / "elsewhere")
    with pytest.raises(AccessDenied):
        Storage(directory)
    assert not (directory / "elsewhere").exists()


def test_a_later_schema_is_refused(directory: Path) -> None:
    Storage(directory).close()
    with sqlite3.connect(directory / DATABASE) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(NotSupported, match=f"schema {SCHEMA_VERSION + 1}.* knows {SCHEMA_VERSION}"):
        Storage(directory)


def test_another_programs_database_is_left_alone(directory: Path) -> None:
    with sqlite3.connect(directory / DATABASE) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (directory / DATABASE).read_bytes()
    with pytest.raises(IoError, match="another program's") as caught:
        Storage(directory)
    assert caught.value.status is Status.IO_DATA_INTEGRITY
    assert (directory / DATABASE).read_bytes() == before


def test_a_file_that_is_no_database_is_told(directory: Path) -> None:
    (directory / DATABASE).write_bytes(b"no database at all" * 100)
    with pytest.raises(IoError) as caught:
        Storage(directory)
    assert caught.value.status is Status.IO_DATA_INTEGRITY


# ------------------------------------------------------------------------------- failing disks


def test_a_failed_write_stores_nothing_and_loses_nothing(
    directory: Path, spawn_python: Spawner
) -> None:
    child = spawn_python(FILL, directory, "limited")
    assert child.line() == "IO"  # EFBIG: SQLite has no word of its own for it
    child.finish()


def test_a_full_disk_is_told_as_such(directory: Path, spawn_python: Spawner) -> None:
    child = spawn_python.command(
        on_small_disk(directory, sys.executable, "-c", FILL, str(directory), "full")
    )
    assert child.line() == "NO_SPACE"
    child.finish()


# ------------------------------------------------------------------------------- threads


def test_one_thread_writes_while_another_reads(directory: Path) -> None:
    with Storage(directory) as storage:
        stop = threading.Event()
        seen: list[int] = []

        def read() -> None:
            while not stop.is_set():
                seen.append(len(storage.keys(1000)))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(50):
            storage.write([(f"key/{number:03d}/{n}", b"x") for n in range(10)])
        stop.set()
        reader.join()
        assert seen == sorted(seen)
        assert all(count % 10 == 0 for count in seen)  # a commit is seen whole or not at all


def test_errors_are_ours(directory: Path) -> None:
    with Storage(directory) as storage:
        storage._writer.execute("DROP TABLE items")
        with pytest.raises(IpcError, match="store 1 items: no such table: items"):
            storage.write([("one", b"1")])
        with pytest.raises(IoError, match="read: no such table"):
            storage.read("one")
