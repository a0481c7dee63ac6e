from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from ipcrt.errors import IoError
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt_services.kvstore.storage import DATABASE, Storage
from ipcrt_services.kvstore.store import Cursor, SharedStore, open_store
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def store_in(
    directory: Path,
) -> AsyncGenerator[tuple[SharedStore, Storage, AsyncPort], None]:
    with Storage(directory) as storage:
        async with open_port() as port, open_store(port, storage) as store:
            with anyio.fail_after(20):  # else a hang would leave threads behind
                yield store, storage, port


async def test_writes_are_seen_by_reads_that_follow(tmp_path: Path) -> None:
    async with store_in(tmp_path) as (store, _, _):
        assert await store.read("key") is None
        assert not await store.contains("key")
        assert await store.write("key", b"v")
        assert not await store.write("key", b"w")
        assert await store.read("key") == b"v"
        assert await store.contains("key")


async def test_pages_of_one_cursor_follow_each_other(tmp_path: Path) -> None:
    names = [f"key{number}" for number in range(10)]
    async with store_in(tmp_path) as (store, storage, _):
        storage.write([(name, b"v") for name in names])
        cursor = Cursor(None)
        found: list[list[str]] = []

        async def page() -> None:
            found.append(await store.page(cursor, 3))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(page)
        assert sorted(found) == [[], names[:3], names[3:6], names[6:9], names[9:]]
        from_there = Cursor("key4")
        assert await store.page(from_there, 2) == ["key4", "key5"]
        assert await store.page(from_there, 2) == ["key6", "key7"]


async def test_many_writes_share_few_commits(tmp_path: Path) -> None:
    async with store_in(tmp_path) as (store, storage, _), anyio.create_task_group() as group:
        for number in range(300):
            group.start_soon(store.write, f"key{number:03d}", b"v")
        await wait_until_async(lambda: store.statistics()["writes"] == 300)
        statistics = store.statistics()
        assert statistics["writes_waiting"] == 0
        assert 0 < statistics["commits"] < 100
        assert len(storage.keys(1000)) == 300


async def test_leaving_answers_what_was_asked(tmp_path: Path) -> None:
    answered: list[bool] = []
    async with open_port() as port:
        with Storage(tmp_path) as storage, held_up(tmp_path) as go_on:
            async with open_store(port, storage) as store:
                for number in range(100):
                    port.spawn(_write(store, f"key{number:03d}", answered.append), "write")
                await wait_until_async(lambda: store.statistics()["writes_waiting"] == 100)
                threading.Timer(0.05, go_on).start()
            assert answered == [True] * 100
    with Storage(tmp_path) as storage:
        assert len(storage.keys(1000)) == 100


@contextmanager
def held_up(directory: Path) -> Generator[Callable[[], None], None, None]:
    """Let no write through until what this yields is called."""
    other = sqlite3.connect(directory / DATABASE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    def go_on() -> None:
        other.execute("ROLLBACK")

    try:
        yield go_on
    finally:
        other.close()


async def _write(store: SharedStore, key: str, tell: Callable[[bool], None]) -> None:
    tell(await store.write(key, b"v"))


async def test_a_failure_inside_leaves_no_thread(tmp_path: Path) -> None:
    with Storage(tmp_path) as storage:
        async with open_port() as port:
            stores: list[SharedStore] = []

            async def fail_inside() -> None:
                async with open_store(port, storage) as store:
                    stores.append(store)
                    await store.write("key", b"v")
                    raise KeyError("oops")

            with pytest.raises(KeyError):
                await fail_inside()
            [store] = stores
            assert not store._writer._thread.is_alive()
            assert not store._reader._thread.is_alive()


async def test_a_read_that_fails_fails_alone(tmp_path: Path) -> None:
    async with store_in(tmp_path) as (store, storage, _):
        await store.write("key", b"v")
        storage._writer.execute("ALTER TABLE items RENAME TO hidden")
        with pytest.raises(IoError, match="no such table"):
            await store.read("key")
        storage._writer.execute("ALTER TABLE hidden RENAME TO items")
        assert await store.read("key") == b"v"
