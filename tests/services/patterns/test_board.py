"""What clients share, and what is left when they have gone."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import InvalidArgs, IpcError, NoResources, NotFound, PeerClosed
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt_services.patterns.bindings import (
    Board,
    BoardProxy,
    GalleryIterator,
    Pin,
    Shape,
    Strokes,
    Transaction,
)
from ipcrt_services.patterns.board import MAX_EXPORTS, MAX_GALLERY, Adding, Placed, load_key
from ipcrt_services.patterns.board import Board as SharedBoard
from ipcrt_services.patterns.server import BoardClient
from tests.services.patterns.boards import DOT, add, place
from tests.support.waiting import wait_until_async

KEY = bytes(range(32))

IDLE = {
    "gallery": 0,
    "watching": 0,
    "waiting_for_changes": 0,
    "exporters": 0,
    "exports": 0,
    "claims": 0,
}


def test_the_key_is_made_once_and_for_the_owner(tmp_path: Path) -> None:
    key = load_key(os.fspath(tmp_path))
    assert len(key) == 32
    assert load_key(os.fspath(tmp_path)) == key
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key(os.fspath(tmp_path.parent)) != key
    (tmp_path.parent / "key").unlink()


def test_those_who_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    keys: list[bytes] = []
    barrier = threading.Barrier(8)

    def load() -> None:
        barrier.wait()
        keys.append(load_key(os.fspath(tmp_path)))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_no_directory_no_key(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="keep a key in"):
        load_key(os.fspath(tmp_path / "missing"))


@pytest.mark.anyio
async def test_a_key_that_was_tampered_with_is_refused() -> None:
    async with open_port() as port:
        with pytest.raises(InvalidArgs, match="key of 3 bytes"):
            SharedBoard(port, b"bad")


@pytest.mark.anyio
async def test_the_gallery_takes_all_or_nothing() -> None:
    async with open_port() as port:
        board = SharedBoard(port, KEY)
        board.add([DOT] * (MAX_GALLERY - 1))
        with pytest.raises(NoResources, match=f"{MAX_GALLERY + 1} shapes exceed"):
            board.add([DOT] * 2)
        assert board.shapes.value == len(board.gallery) == MAX_GALLERY - 1
        with Adding(board) as shapes:
            shapes.append(DOT)
        assert board.shapes.value == MAX_GALLERY
        adding = Adding(board)
        adding.__enter__().append(DOT)
        adding.__exit__(None, PeerClosed("killed"), None)
        assert len(board.gallery) == MAX_GALLERY


@pytest.mark.anyio
async def test_one_client_cannot_use_up_the_exports() -> None:
    async with open_port() as port:
        board = SharedBoard(port, KEY)
        kept: list[EventPair] = []
        for _ in range(MAX_EXPORTS // 16):
            ours, theirs = EventPair.create()
            board.export(b"greedy", ours, Placed(DOT))
            kept.append(theirs)
        ours, theirs = EventPair.create()
        with theirs, pytest.raises(NoResources):
            board.export(b"greedy", ours, Placed(DOT))
        assert ours.closed
        ours, theirs = EventPair.create()
        board.export(b"modest", ours, Placed(DOT))
        assert (await board.claim(theirs)).shape == DOT
        kept.pop().close()
        await wait_until_async(lambda: board.statistics()["exports"] == len(kept))
        ours, theirs = EventPair.create()
        board.export(b"greedy", ours, Placed(DOT))
        kept.append(theirs)
        board.close()
        assert board.statistics() == IDLE
        for each in kept:
            each.close()


async def _tear_off(proxy: BoardProxy) -> list[ClientEnd[Any]]:
    """Have the board serve one of each channel."""
    pin, pin_end = create_endpoints(Pin)
    await proxy.pin(1, pin_end)
    transaction, transaction_end = create_endpoints(Transaction)
    await proxy.begin(transaction_end)
    iterator, iterator_end = create_endpoints(GalleryIterator)
    await proxy.list_gallery(iterator_end)
    strokes, strokes_end = create_endpoints(Strokes)
    await proxy.replay(9, strokes_end)
    return [pin, transaction, iterator, strokes]


async def _wait_for_everything(proxy: BoardProxy, port: AsyncPort) -> list[EventPair]:
    """Begin all that waits; answer the other ends, which a dying client closes."""

    async def swallow(call: Awaitable[object]) -> None:
        with pytest.raises(IpcError):
            await call

    await proxy.watch_title()
    ours, theirs = EventPair.create()
    await proxy.export_shape(2, ours)
    claim, claimed = EventPair.create()
    render, rendered = EventPair.create()
    port.spawn(swallow(proxy.watch_title(timeout=None)), "watch")
    port.spawn(swallow(proxy.import_shape(3, claim)), "import")
    port.spawn(swallow(proxy.render(2, 60_000, render)), "render")
    await proxy.allow_changes(5)
    return [theirs, claimed, rendered]


@pytest.mark.anyio
async def test_a_client_that_goes_leaves_nothing_behind() -> None:
    async with open_port() as port:
        board = SharedBoard(port, KEY)
        before = port.statistics()
        client, end = create_endpoints(Board)
        binding = ServerBinding(end, BoardClient(board, 1000), port)
        async with BoardProxy(client, port) as proxy:
            await proxy.draw([place(1), place(2)])
            ends = await _tear_off(proxy)
            kept = await _wait_for_everything(proxy, port)
            names = ("watching", "waiting_for_changes", "exporters", "exports", "claims")
            busy = IDLE | dict.fromkeys(names, 1)
            await wait_until_async(lambda: board.statistics() == busy)  # in whichever order
        await binding.wait_closed()
        for end_of_channel in ends:
            end_of_channel.close()
        for token in kept:
            token.close()
        await wait_until_async(lambda: board.statistics() == IDLE)

        def held() -> list[int]:
            now = port.statistics()
            return [now[name] - before[name] for name in ("watched_handles", "waits", "receivers")]

        await wait_until_async(lambda: held() == [0, 0, 0])
        assert port.statistics()["queued_packets"] == 0


@pytest.mark.anyio
async def test_clients_of_two_users_know_a_shape_by_two_numbers() -> None:
    async with open_port() as port:
        board = SharedBoard(port, KEY)
        numbers: list[int] = []
        for uid in (1000, 1001, 1000):
            client, end = create_endpoints(Board)
            with ServerBinding(end, BoardClient(board, uid), port):
                async with BoardProxy(client, port) as proxy:
                    await proxy.draw([place(uid, Shape(0, 0, "the same"))])
                    numbers.append((await proxy.get_number(uid)).number)
                    await add(proxy, port, "one more")
        assert numbers[0] == numbers[2] != numbers[1]
