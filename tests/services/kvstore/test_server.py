from __future__ import annotations

import os
import random
import resource
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import msgspec.msgpack
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.tables import TwoWay
from ipcrt.errors import LocalProtocolError, NoResources, NotFound, PeerClosed
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.wire.frames import encode
from ipcrt.wire.handles import HANDLE_EXT, index_ext
from ipcrt.wire.header import FLEXIBLE
from ipcrt_services.kvstore.bindings import (
    STORE_ITERATE,
    STORE_WRITE_ITEM,
    Item,
    IterateConnectionError,
    IterateFailed,
    Iterator,
    IteratorProxy,
    ReadError,
    ReadFailed,
    StoreBlockingProxy,
    StoreProxy,
    StoreReadItemRequest,
    WriteError,
    WriteFailed,
)
from ipcrt_services.kvstore.server import MAX_ITERATORS, PAGE
from tests.services.conftest import Starter
from tests.services.kvstore.clients import keys_blocking, open_iterator, open_store_proxy, pages
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

SERVER_OF = {"asyncio": "trio", "uvloop": "asyncio", "trio": "uvloop"}
"""The loop that serves a client's: another one."""


@pytest.fixture
def loop(request: pytest.FixtureRequest) -> str:
    """The server's loop."""
    return SERVER_OF[request.node.callspec.id.split("-")[0]]


GOOD_KEYS = ["abcd", "A123", "a__b", "a./_9", "x" * 64, "Ab_./0Z"]
BAD_KEYS = [
    "",
    "abc",
    "x" * 65,
    "1abc",
    "_abc",
    "abc_",
    "abc.",
    "abc/",
    "ab-cd",
    "ab cd",
    "ab\ncd",
    "abcd\n",
    "ab\0cd",
    "äbcd",
    "abcä",
    "ab\u0660cd",  # a digit, but not an ASCII one
    "x" * 128,
]

HANDLE_0 = msgspec.msgpack.encode(msgspec.msgpack.Ext(HANDLE_EXT, index_ext(0)))


# ------------------------------------------------------------------------------- writing


@pytest.mark.anyio
async def test_writes_and_reads(start: Starter, tmp_path: Path, loop: str) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, _):
        for key in GOOD_KEYS:
            await store.write_item(Item(key, key.encode()))
        await store.write_item(Item("largest", b"v" * 64000))
        for key in GOOD_KEYS:
            assert (await store.read_item(key)).value == key.encode()
        assert (await store.read_item("largest")).value == b"v" * 64000
        with pytest.raises(ReadFailed) as caught:
            await store.read_item("nothing")
        assert caught.value.error is ReadError.NOT_FOUND
    child.finish()


@pytest.mark.anyio
async def test_refuses_what_the_contract_forbids(start: Starter, tmp_path: Path, loop: str) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, port):
        for key in BAD_KEYS:
            with pytest.raises(WriteFailed) as caught:
                await store.write_item(Item(key, b"v"))
            assert caught.value.error is WriteError.INVALID_KEY, key
        with pytest.raises(WriteFailed) as caught:
            await store.write_item(Item("good", b""))
        assert caught.value.error is WriteError.INVALID_VALUE
        for item in (Item("x" * 129, b"v"), Item("good", b"v" * 64001)):
            with pytest.raises(LocalProtocolError):
                await store.write_item(item)
        assert await pages(store, port, None) == []
    child.finish()


@pytest.mark.anyio
async def test_the_first_of_equal_keys_wins(start: Starter, tmp_path: Path, loop: str) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    lost: dict[int, WriteError] = {}
    async with open_store_proxy(end) as (store, _):

        async def write(number: int) -> None:
            try:
                await store.write_item(Item("contended", str(number).encode()))
            except WriteFailed as failed:
                lost[number] = failed.error

        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(write, number)
        value = int((await store.read_item("contended")).value)
        assert sorted([*lost, value]) == list(range(50))
        assert set(lost.values()) == {WriteError.ALREADY_EXISTS}
        with pytest.raises(WriteFailed):
            await store.write_item(Item("contended", b"later"))
        assert int((await store.read_item("contended")).value) == value
    child.finish()


# ------------------------------------------------------------------------------- iterating


@pytest.mark.anyio
async def test_pages_of_ten_in_byte_order(start: Starter, tmp_path: Path, loop: str) -> None:
    names = [
        f"{first}{middle}{last}" for first in "aBz" for middle in "_./0" for last in ("xy", "XY")
    ]
    random.Random(1).shuffle(names)
    names.append("last")
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, port):
        assert await pages(store, port, None) == []
        for name in names:
            await store.write_item(Item(name, b"v"))
        ordered = sorted(names, key=str.encode)
        assert await pages(store, port, None) == [ordered[:10], ordered[10:20], ordered[20:]]
        assert await pages(store, port, ordered[7]) == [ordered[7:17], ordered[17:]]
        assert await pages(store, port, ordered[-1]) == [ordered[-1:]]
    child.finish()


@pytest.mark.anyio
async def test_a_call_on_the_iterator_need_not_wait_for_it(
    start: Starter, tmp_path: Path, loop: str
) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, port):
        names = [f"key{number:02d}" for number in range(25)]
        for name in names:
            await store.write_item(Item(name, b"v"))
        client, server = create_endpoints(Iterator)
        found: dict[int, list[str]] = {}
        async with IteratorProxy(client, port) as iterator, anyio.create_task_group() as group:

            async def get(number: int) -> None:
                found[number] = (await iterator.get()).entries

            for number in range(4):  # all of them before anybody serves
                group.start_soon(get, number)
            await wait_until_async(lambda: iterator.statistics()["calls"] == 4)
            await store.iterate(None, server)
        # Trio starts tasks in any order, so which of ours came first is not told.
        in_order = sorted(found.values())
        assert in_order == [[], names[:10], names[10:20], names[20:]]
    child.finish()


@pytest.mark.anyio
async def test_starting_at_an_unknown_key_fails_both_calls(
    start: Starter, tmp_path: Path, loop: str
) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, port):
        await store.write_item(Item("there", b"v"))
        for name in ("elsewhere", "th", ""):
            await _iterate_in_vain(store, port, name)
    child.finish()


async def _iterate_in_vain(store: StoreProxy, port: AsyncPort, name: str) -> None:
    client, server = create_endpoints(Iterator)
    refused: list[object] = []
    async with IteratorProxy(client, port) as iterator, anyio.create_task_group() as group:

        async def get() -> None:
            with pytest.raises(NotFound) as caught:
                await iterator.get()
            refused.append(caught.value)

        group.start_soon(get)
        await wait_until_async(lambda: iterator.statistics()["calls"] == 1)
        with pytest.raises(IterateFailed) as caught:
            await store.iterate(name, server)
        assert caught.value.error is IterateConnectionError.UNKNOWN_START_AT
    assert len(refused) == 1


@pytest.mark.anyio
async def test_what_is_added_meanwhile_appears_only_behind(
    start: Starter, tmp_path: Path, loop: str
) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, port):
        names = [f"key{number:02d}" for number in range(0, 40, 2)]
        for name in names:
            await store.write_item(Item(name, b"v"))
        async with await open_iterator(store, port) as iterator:
            seen = (await iterator.get()).entries
            assert seen == names[:PAGE]
            for name in ("aaaa", "key01", "key17", "key19", "key37", "zzzz"):
                await store.write_item(Item(name, b"v"))
            while entries := (await iterator.get()).entries:
                seen += entries
            assert seen == sorted([*names, "key19", "key37", "zzzz"])
            await store.write_item(Item("zzzzz", b"v"))
            assert (await iterator.get()).entries == ["zzzzz"]
    child.finish()


@pytest.mark.anyio
async def test_an_iterator_outlives_the_store_channel(
    start: Starter, tmp_path: Path, loop: str
) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    async with open_store_proxy(end) as (store, port):
        for number in range(15):
            await store.write_item(Item(f"key{number:02d}", b"v"))
        async with await open_iterator(store, port) as iterator:
            assert len((await iterator.get()).entries) == 10
            store.close()
            assert len((await iterator.get()).entries) == 5
    child.finish()


@pytest.fixture
def many_descriptors() -> Generator[None, None, None]:
    """Use as many descriptors as we may: an ordinary user starts with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * MAX_ITERATORS:
        pytest.skip(f"{hard} descriptors are too few for {MAX_ITERATORS} iterators")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.anyio
async def test_iterators_are_limited_and_come_back(
    start: Starter, tmp_path: Path, many_descriptors: None
) -> None:
    child, [first, second] = start("kvstore", tmp_path, clients=2)
    before = len(open_fds(child.pid))
    async with open_store_proxy(first) as (store, port), open_store_proxy(second) as (other, _):
        iterators = [await open_iterator(store, port) for _ in range(MAX_ITERATORS)]
        client, server = create_endpoints(Iterator)
        async with IteratorProxy(client, port) as refused:
            with pytest.raises(IterateFailed) as caught:
                await other.iterate(None, server)
            assert caught.value.error is IterateConnectionError.TOO_MANY
            with pytest.raises(NoResources):
                await refused.get()
        for iterator in iterators:
            iterator.close()
        await wait_until_async(lambda: len(open_fds(child.pid)) == before)
        (await open_iterator(other, port)).close()
    child.finish()


# ------------------------------------------------------------------------------- evolution


@pytest.mark.anyio
async def test_an_unknown_method_is_told(start: Starter, tmp_path: Path, loop: str) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    later: TwoWay[StoreReadItemRequest, Any] = TwoWay(
        "ipcrt.kvstore/Store.EraseItem", StoreReadItemRequest, type(None)
    )
    async with open_store_proxy(end) as (store, _):
        with pytest.raises(UnknownMethod):
            await store._call(later, StoreReadItemRequest("abcd"), 10)
        with pytest.raises(ReadFailed):
            await store.read_item("abcd")
    child.finish()


@pytest.mark.anyio
async def test_an_iterator_is_closed_to_unknown_methods(
    start: Starter, tmp_path: Path, loop: str
) -> None:
    child, [end] = start("kvstore", tmp_path, loop=loop)
    later: TwoWay[Any, Any] = TwoWay("ipcrt.kvstore/Iterator.Skip", type(None), type(None))
    async with open_store_proxy(end) as (store, port):
        async with await open_iterator(store, port) as iterator:
            with pytest.raises(PeerClosed):
                await iterator._call(later, None, 10)
        assert await pages(store, port, None) == []
    child.finish()


# ------------------------------------------------------------------------------- plain threads


@pytest.mark.parametrize("server_loop", ["asyncio", "uvloop", "trio"])
def test_a_blocking_client(start: Starter, tmp_path: Path, server_loop: str) -> None:
    child, [end] = start("kvstore", tmp_path, loop=server_loop)
    names = [f"key{number:02d}" for number in range(25)]
    with BlockingPort() as port, StoreBlockingProxy(end, port) as store:
        for name in reversed(names):
            store.write_item(Item(name, name.encode()))
        with pytest.raises(WriteFailed) as caught:
            store.write_item(Item(names[0], b"again"))
        assert caught.value.error is WriteError.ALREADY_EXISTS
        assert keys_blocking(store, port) == names
        assert [store.read_item(name).value for name in names] == [n.encode() for n in names]
        assert store.statistics()["calls"] == 0
    child.finish()


# ------------------------------------------------------------------------------- hostile clients


def _write(body: bytes) -> bytes:
    return encode(1, STORE_WRITE_ITEM.ordinal, FLEXIBLE, body, 0)


HOSTILE = {
    "garbage": b"\0" * 40,
    "a key that is no text": _write(b"\x91\x92\xa4ab\xff\xfe\xc4\x01v"),
    "a key that is too long": _write(b"\x91\x92\xd9\x81" + b"k" * 129 + b"\xc4\x01v"),
    "a value that is too long": _write(
        b"\x91\x92\xa4abcd\xc5" + (64001).to_bytes(2, "big") + b"v" * 64001
    ),
    "a member too few": _write(b"\x91\x91\xa4abcd"),
    "a member too many": _write(b"\x91\x93\xa4abcd\xc4\x01v\xc0"),
    "an iterator that is no channel": encode(
        1, STORE_ITERATE.ordinal, FLEXIBLE, b"\x92\xc0" + HANDLE_0, 1
    ),
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE.keys())
def test_bad_bytes_cost_only_whoever_sent_them(
    start: Starter, tmp_path: Path, message: bytes
) -> None:
    child, [hostile, good] = start("kvstore", tmp_path, clients=2)
    before = len(open_fds(child.pid))
    handles = [Handle(os.open(tmp_path, os.O_RDONLY))] if HANDLE_0 in message else []
    with BlockingPort() as port, StoreBlockingProxy(good, port) as store:
        with hostile.take_channel() as channel:
            channel.write(message, handles)
            assert wait_one(channel, Signals.PEER_CLOSED, 10) & Signals.PEER_CLOSED
        assert len(open_fds(child.pid)) == before - 1
        store.write_item(Item("good", b"v"))
        assert keys_blocking(store, port) == ["good"]
    child.finish()
