"""Flow control between real processes: a title watched, changes allowed, a scan, a replay."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.watching import Watching
from ipcrt.errors import TimedOut
from ipcrt_services.patterns.bindings import MAX_FOUND, Strokes, StrokesProxy
from ipcrt_services.patterns.client import BoardListener, StrokeListener
from tests.services.conftest import Starter
from tests.services.patterns.boards import LABELS, add, open_board
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


async def test_a_title_is_watched(start: Starter, tmp_path: Path, server_loop: str) -> None:
    _, ends = start("patterns", tmp_path, clients=2, loop=server_loop)
    async with open_board(*ends) as (port, [watcher, painter]):
        assert (await watcher.watch_title()).title == "untitled"
        titles = Watching(port, lambda: watcher.watch_title(timeout=None))
        with titles:
            with pytest.raises(TimedOut):
                await titles.next(0.05)
            await painter.rename("dawn")
            assert (await titles.next(10)).title == "dawn"
        assert (await painter.watch_title()).title == "dawn"
        for title in ("noon", "dusk", "night"):
            await painter.rename(title)
        assert (await painter.watch_title()).title == "night"


async def test_changes_come_as_they_are_allowed(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    listener = BoardListener()
    async with open_board(*ends, events=listener) as (port, [board]):
        for number in range(3):
            await add(board, port, str(number))
        assert listener.shapes == []
        await board.allow_changes(listener.allow(2))
        await wait_until_async(lambda: listener.shapes == [3])
        await add(board, port, "3")
        await wait_until_async(lambda: listener.shapes == [3, 4])
        await add(board, port, "4")
        await board.flush()
        assert listener.shapes == [3, 4]


async def test_a_scan_tells_so_many_and_ends(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    listener = BoardListener()
    async with open_board(*ends, events=listener) as (port, [board]):
        await add(board, port, *LABELS)
        for scans, (prefix, found) in enumerate([("label 00", 10), ("label", MAX_FOUND), ("x", 0)]):
            listener.found.clear()
            await board.scan(listener.expect_scan(prefix))
            with anyio.fail_after(5):
                while listener.scans == scans:
                    await board.flush()
            assert [shape.label for shape in listener.found] == LABELS[:found]


async def test_a_replay_keeps_to_its_window(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (port, [board]):
        await add(board, port, *LABELS)
        client, server = create_endpoints(Strokes)
        listener, held = StrokeListener(), list[int]()
        async with StrokesProxy(client, port, listener) as strokes:
            listener.acknowledge = held.append
            await board.replay(5, server)
            await wait_until_async(lambda: len(listener.drawn) == 16)
            await board.flush()
            assert (held, len(listener.drawn)) == ([8, 16], 16)
            listener.acknowledge = strokes.acknowledge_now
            await strokes.acknowledge(16)
            await wait_until_async(lambda: strokes.closed)
        assert [shape.label for shape in listener.drawn] == LABELS * 5
