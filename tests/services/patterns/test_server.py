"""Drawing, pins, numbers and event pairs between real processes that keep the contract."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.command_buffer import CommandBuffer
from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.identifiers import Identifiers
from ipcrt.errors import PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.objects.eventpair import EventPair
from ipcrt_services.patterns.bindings import (
    BOARD_DRAW,
    BoardProxy,
    ClaimFailed,
    Command,
    Pin,
    RenderError,
    RenderFailed,
    Shape,
)
from tests.services.conftest import Starter
from tests.services.patterns.boards import (
    count,
    erase,
    open_board,
    place,
    shift,
    until,
)
from tests.support.processes import Spawner

pytestmark = pytest.mark.anyio

# Takes an event pair from the channel, and the shape that it stands for from the board.
IMPORTER = """
import os, sys
from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.waiting import wait_one
from ipcrt.port.signals import Signals
from ipcrt_services.patterns.bindings import BoardBlockingProxy

end, friend = (Channel(int(fd)) for fd in sys.argv[1:])
os.set_inheritable(end.fileno(), False)
with friend, BlockingPort() as port, BoardBlockingProxy(ClientEnd(end), port) as board:
    wait_one(friend, Signals.READABLE, 10)
    [token] = friend.read().handles
    board.import_shape(7, EventPair.from_handle(token))
    print("imported", flush=True)
    sys.stdin.readline()
    ours, theirs = EventPair.create()
    with ours:
        print(board.render(7, 0, theirs).picture, flush=True)
"""


async def test_drawing_is_fed_forward(start: Starter, tmp_path: Path, server_loop: str) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (_, [board]):
        identifiers = Identifiers(limit=1024)
        with CommandBuffer[Command](BOARD_DRAW, board.draw) as buffer:
            for _ in range(1000):
                shape_id = identifiers.allocate()
                await buffer.add(place(shape_id, Shape(shape_id, 0, "x" * 32)))
                for step in range(3):
                    await buffer.add(shift(shape_id, step, 2**31 - 1))
            assert 0 < buffer.messages < 5
            assert (await buffer.commit(board.flush)).shapes == 1000
            for shape_id in range(1, 501):
                await buffer.add(erase(shape_id))
            assert (await buffer.commit(board.flush)).shapes == 500


async def test_a_pin_holds_a_shape(start: Starter, tmp_path: Path, server_loop: str) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (_, [board]):
        await board.draw([place(1), place(2)])
        client, server = create_endpoints(Pin)
        with client:
            await board.pin(1, server)
            assert await count(board) == 2
        await until(lambda: has(board, 1))
        await board.draw([place(1), erase(2), erase(1)])
        assert await count(board) == 0


async def has(board: BoardProxy, shapes: int) -> bool:
    return await count(board) == shapes


async def test_an_erased_shape_lets_go_of_its_pin(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (_, [board]):
        await board.draw([place(1)])
        client, server = create_endpoints(Pin)
        with client:
            await board.pin(1, server)
            await board.draw([erase(1), place(1)])
            assert await count(board) == 1
        await anyio.sleep(0.02)
        assert await count(board) == 1  # the new one was never pinned


async def test_a_number_outlives_the_service(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    numbers: list[int] = []
    for _ in range(2):
        child, ends = start("patterns", tmp_path, clients=2, loop=server_loop)
        async with open_board(*ends) as (_, boards):
            for board in boards:
                await board.draw([place(1), place(2, Shape(0, 0, "other"))])
                numbers.append((await board.get_number(1)).number)
                assert (await board.get_number(2)).number != numbers[0]
        child.finish()
    assert len(numbers) == 4
    assert len(set(numbers)) == 1


async def test_a_shape_goes_from_process_to_process(
    start: Starter, spawn_python: Spawner, tmp_path: Path, server_loop: str
) -> None:
    _, [ours, theirs] = start("patterns", tmp_path, clients=2, loop=server_loop)
    here, there = Channel.create()
    fds = theirs.channel.fileno(), there.fileno()
    importer = spawn_python(IMPORTER, *fds, pass_fds=fds)
    theirs.close()
    there.close()
    async with open_board(ours) as (_, [board]):
        with here:
            export_token, import_token = EventPair.create()
            here.write(b"shape", [import_token])  # before the export: the claim waits for it
            await board.draw([place(1, Shape(3, 4, "shared"))])
            await board.export_shape(1, export_token)
            assert await anyio.to_thread.run_sync(importer.line) == "imported"
            await board.draw([shift(1, 30, 40)])
            await board.flush()
            importer.send("")
            assert await anyio.to_thread.run_sync(importer.line) == "shared at 30, 40"
            importer.finish()


async def test_what_nobody_exports_is_not_imported(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (_, [board]):
        ours, theirs = EventPair.create()
        ours.close()
        with pytest.raises(ClaimFailed):
            await board.import_shape(1, theirs)
        assert await count(board) == 0


async def test_one_picture_of_many_is_given_up(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (_, [board]):
        await board.draw([place(1)])
        pictures: list[str | RenderError] = []

        async def render(duration_ms: int, theirs: EventPair) -> None:
            try:
                pictures.append((await board.render(1, duration_ms, theirs)).picture)
            except RenderFailed as failed:
                pictures.append(failed.error)

        kept, kept_by_board = EventPair.create()
        given_up, given_up_by_board = EventPair.create()
        with kept:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(render, 300, kept_by_board)
                tasks.start_soon(render, 60_000, given_up_by_board)
                await board.flush()
                given_up.close()
        assert pictures == [RenderError.CANCELED, "dot at 1, 2"]


async def test_the_service_ends_with_its_clients_open(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    child, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (_, [board]):
        await board.draw([place(1)])
        await board.flush()
        child.finish()
        with pytest.raises(PeerClosed):
            await board.flush()
