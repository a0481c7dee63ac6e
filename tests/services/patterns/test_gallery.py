"""Transactions, walks and tokens between real processes that keep the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.errors import NoResources
from ipcrt.port.aport import AsyncPort
from ipcrt_services.patterns.bindings import BoardProxy, CommitError, CommitFailed, Shape
from ipcrt_services.patterns.server import MAX_TEAR_OFFS
from tests.services.conftest import Starter
from tests.services.patterns.boards import DOT, LABELS, add, begin, gallery, open_board, until
from tests.support.processes import Spawner

# Adds to a transaction and waits to be killed.
VICTIM = """
import os, sys, time
from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt_services.patterns.bindings import (
    BoardBlockingProxy, Shape, Transaction, TransactionBlockingProxy
)

end = Channel(int(sys.argv[1]))
os.set_inheritable(end.fileno(), False)
port = BlockingPort()
board = BoardBlockingProxy(ClientEnd(end), port)
client, server = create_endpoints(Transaction)
board.begin(server)
transaction = TransactionBlockingProxy(client, port)
transaction.add([Shape(0, 0, "never")] * 64)
board.flush()
print("added", flush=True)
time.sleep(60)
"""


async def test_a_transaction_happens_as_a_whole(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, clients=2, loop=server_loop)
    async with open_board(*ends) as (port, [board, other]):
        async with await begin(board, port) as transaction:
            await transaction.add([Shape(0, 0, "one")])
            await transaction.add([Shape(0, 0, "two")])
            assert await gallery(other, port) == []
            assert (await transaction.commit()).added == 2
        assert await gallery(other, port) == ["one", "two"]
        async with await begin(board, port) as transaction:
            await transaction.add([Shape(0, 0, "three")])
        await board.flush()
        assert await gallery(other, port) == ["one", "two"]


async def test_a_transaction_that_is_too_large_adds_nothing(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (port, [board]):
        await add(board, port, "one")
        async with await begin(board, port) as transaction:
            for _ in range(64):
                await transaction.add([DOT] * 64)
            with pytest.raises(CommitFailed) as caught:
                await transaction.commit()
            assert caught.value.error == CommitError.FULL
        assert await gallery(board, port) == ["one"]


async def test_a_client_that_is_killed_has_added_nothing(
    start: Starter, spawn_python: Spawner, tmp_path: Path, server_loop: str
) -> None:
    _, [ours, theirs] = start("patterns", tmp_path, clients=2, loop=server_loop)
    fd = theirs.channel.fileno()
    victim = spawn_python(VICTIM, fd, pass_fds=(fd,))
    theirs.close()
    assert victim.line() == "added"
    async with open_board(ours) as (port, [board]):
        victim.kill()
        victim.wait()
        await add(board, port, "mine")
        assert await gallery(board, port) == ["mine"]


async def test_the_gallery_is_walked_over(start: Starter, tmp_path: Path, server_loop: str) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (port, [board]):
        await add(board, port, *LABELS)
        assert await gallery(board, port) == LABELS
        found, token = list[str](), None
        for _ in range(5):
            page = await board.get_gallery(token)
            found, token = found + page.labels, page.next_token
        assert found == LABELS
        assert token is None


async def test_a_client_tears_off_so_many(start: Starter, tmp_path: Path, server_loop: str) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (port, [board]):
        transactions = [await begin(board, port) for _ in range(MAX_TEAR_OFFS + 1)]
        await board.flush()
        with pytest.raises(NoResources):
            await transactions[-1].commit()
        assert (await transactions[0].commit()).added == 0
        transactions[0].close()
        await until(lambda: may_begin(board, port))
        for transaction in transactions:
            transaction.close()


async def may_begin(board: BoardProxy, port: AsyncPort) -> bool:
    async with await begin(board, port) as transaction:
        try:
            return (await transaction.commit()).added == 0
        except NoResources:
            return False
