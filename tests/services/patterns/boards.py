"""What clients of the board do in several tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import IpcError
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt_services.patterns.bindings import (
    BoardProxy,
    Command,
    CommandErase,
    CommandPlace,
    CommandShift,
    EraseCommand,
    GalleryIterator,
    GalleryIteratorProxy,
    PlaceCommand,
    Shape,
    ShiftCommand,
    Transaction,
    TransactionProxy,
)

DOT = Shape(1, 2, "dot")
LABELS = [f"label {number:03}" for number in range(40)]


@asynccontextmanager
async def open_board(
    *ends: ClientEnd[Any], events: object | None = None
) -> AsyncGenerator[tuple[AsyncPort, list[BoardProxy]], None]:
    """A proxy for each end; `events` are all of theirs."""
    async with open_port() as port:
        boards = [BoardProxy(end, port, events) for end in ends]
        try:
            yield port, boards
        finally:
            for board in boards:
                board.close()


def place(shape_id: int, shape: Shape = DOT) -> Command:
    return CommandPlace(PlaceCommand(shape_id, shape))


def shift(shape_id: int, x: int, y: int) -> Command:
    return CommandShift(ShiftCommand(shape_id, x, y))


def erase(shape_id: int) -> Command:
    return CommandErase(EraseCommand(shape_id))


async def count(board: BoardProxy) -> int:
    """How many shapes are on a client's sheet."""
    return (await board.flush()).shapes


async def begin(board: BoardProxy, port: AsyncPort) -> TransactionProxy:
    client, server = create_endpoints(Transaction)
    transaction = TransactionProxy(client, port)
    try:
        await board.begin(server)
    except BaseException:
        transaction.close()
        raise
    return transaction


async def add(board: BoardProxy, port: AsyncPort, *labels: str) -> None:
    """Put shapes into the gallery."""
    async with await begin(board, port) as transaction:
        for start in range(0, len(labels), 64):
            await transaction.add([Shape(0, 0, label) for label in labels[start : start + 64]])
        await transaction.commit()


async def gallery(board: BoardProxy, port: AsyncPort) -> list[str]:
    """All labels in the gallery, by an iterator."""
    client, server = create_endpoints(GalleryIterator)
    found: list[str] = []
    async with GalleryIteratorProxy(client, port) as iterator:
        await board.list_gallery(server)
        while page := (await iterator.get_next()).labels:
            found += page
    return found


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask the board again and again, for what no message tells; asking lets it go on."""
    with anyio.fail_after(10):
        while not await condition():
            pass


async def refused(board: BoardProxy) -> IpcError:
    """The error that the board has closed the channel with."""
    with pytest.raises(IpcError) as caught:
        await board.flush()
    assert board.closed
    return caught.value
