"""Each pattern between processes, one of which breaks the contract: only that one is closed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import IpcError, RemoteProtocolError, Status
from ipcrt.objects.channel import Channel
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort
from ipcrt_services.patterns.bindings import (
    MAX_ALLOWED,
    MAX_FOUND,
    STROKE_WINDOW,
    Board,
    BoardProxy,
    Pin,
    Shape,
    Strokes,
    StrokesProxy,
    TokenError,
    TokenFailed,
)
from ipcrt_services.patterns.client import BoardListener, StrokeListener
from tests.services.conftest import Starter
from tests.services.patterns.boards import (
    LABELS,
    add,
    begin,
    count,
    erase,
    gallery,
    open_board,
    place,
    refused,
    shift,
)
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

Sin = Callable[[BoardProxy, AsyncPort], Awaitable[object]]

# ---------------------------------------------------------------------------------- hostile clients


async def watch_twice(board: BoardProxy, port: AsyncPort) -> None:
    await board.watch_title()

    async def watch() -> None:
        with suppress(IpcError):
            await board.watch_title()

    port.spawn(watch(), "first")
    port.spawn(watch(), "second")
    await wait_until_async(lambda: board.closed)


async def pin_twice(board: BoardProxy, port: AsyncPort) -> None:
    del port
    await board.draw([place(1)])
    first, first_end = create_endpoints(Pin)
    second, second_end = create_endpoints(Pin)
    with first, second:
        await board.pin(1, first_end)
        await board.pin(1, second_end)
        await refused(board)


async def export_twice(board: BoardProxy, _: AsyncPort) -> None:
    await board.draw([place(1)])
    ours, theirs = EventPair.create()
    with theirs:
        again = ours.duplicate()
        await board.export_shape(1, ours)
        await board.export_shape(1, again)
        await refused(board)


async def render_nothing(board: BoardProxy, _: AsyncPort) -> None:
    ours, theirs = EventPair.create()
    with ours, suppress(IpcError):
        await board.render(5, 1, theirs)


async def import_over(board: BoardProxy, _: AsyncPort) -> None:
    await board.draw([place(1)])
    ours, theirs = EventPair.create()
    with ours, suppress(IpcError):
        await board.import_shape(1, theirs)


SINS: dict[str, tuple[Sin, Status]] = {
    "watching twice": (watch_twice, Status.BAD_STATE),
    "shape zero": (lambda board, _: board.draw([place(0)]), Status.INVALID_ARGS),
    "a shape that is there": (
        lambda board, _: board.draw([place(1), place(2), place(1)]),
        Status.ALREADY_EXISTS,
    ),
    "shifting nothing": (lambda board, _: board.draw([shift(9, 0, 0)]), Status.NOT_FOUND),
    "erasing nothing": (lambda board, _: board.draw([erase(9)]), Status.NOT_FOUND),
    "too many shapes": (
        lambda board, _: board.draw([place(number) for number in range(1, 1026)]),
        Status.NO_RESOURCES,
    ),
    "pinning twice": (pin_twice, Status.ALREADY_EXISTS),
    "exporting twice": (export_twice, Status.ALREADY_EXISTS),
    "rendering nothing": (render_nothing, Status.NOT_FOUND),
    "importing over another": (import_over, Status.ALREADY_EXISTS),
    "allowing nothing": (lambda board, _: board.allow_changes(0), Status.INVALID_ARGS),
    "allowing too much": (
        lambda board, _: board.allow_changes(MAX_ALLOWED + 1),
        Status.OUT_OF_RANGE,
    ),
}


async def test_a_client_that_breaks_the_contract_is_closed_alone(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    child, [good_end, *ends] = start("patterns", tmp_path, clients=1 + len(SINS), loop=server_loop)
    async with open_board(good_end) as (port, [good]):
        await good.draw([place(1)])
        await good.watch_title()
        await add(good, port, *LABELS)
        statuses: dict[str, Status] = {}
        for (name, (sin, _)), end in zip(SINS.items(), ends, strict=True):
            async with BoardProxy(end, port) as bad:
                await sin(bad, port)
                statuses[name] = (await refused(bad)).status
            assert await count(good) == 1
            assert not good.closed
        assert statuses == {name: status for name, (_, status) in SINS.items()}
        titles: list[str] = []

        async def watch() -> None:
            titles.append((await good.watch_title(timeout=None)).title)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await good.flush()
            await good.rename("still here")
        assert titles == ["still here"]
    child.finish()


async def status_of(call: Awaitable[object]) -> Status:
    try:
        await call
    except IpcError as error:
        return error.status
    return Status.OK


async def test_whoever_scans_and_does_not_listen_stalls_itself_alone(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    """While its queue is full, nothing of it is read; two scans at once are its breach later."""
    _, ends = start("patterns", tmp_path, clients=2, loop=server_loop)
    async with open_board(*ends) as (port, [good, bad]):
        await add(good, port, *LABELS)
        with suppress(IpcError):
            for _ in range(50_000):
                bad.scan_now("label")
        assert await gallery(good, port) == LABELS
        assert await status_of(bad.flush()) in (Status.OK, Status.BAD_STATE, Status.PEER_CLOSED)
        assert await gallery(good, port) == LABELS


async def test_tokens_are_checked(start: Starter, tmp_path: Path, server_loop: str) -> None:
    _, ends = start("patterns", tmp_path, clients=2, loop=server_loop)
    async with open_board(*ends) as (port, [board, other]):
        await add(board, port, *LABELS)
        token = (await board.get_gallery(None)).next_token
        assert token is not None
        forged = bytearray(token)
        forged[-1] += 1  # further on, where this client has not been
        bad = {
            "forged": bytes(forged),
            "zeros": bytes(len(token)),
            "cut": token[:-1],
            "short": token[:20],
            "empty": b"",
            "longer": token + b"\0",
        }
        errors: dict[str, TokenError] = {}
        for name, each in bad.items():
            with pytest.raises(TokenFailed) as caught:
                await board.get_gallery(each)
            errors[name] = caught.value.error
        with pytest.raises(TokenFailed) as caught:
            await other.get_gallery(token)
        assert caught.value.error == TokenError.FORGED  # another connection's
        assert errors == dict.fromkeys(bad, TokenError.FORGED) | {
            "short": TokenError.MALFORMED,
            "empty": TokenError.MALFORMED,
        }
        assert (await board.get_gallery(token)).labels == LABELS[8:16]  # and it is served on


async def test_whoever_goes_on_after_a_commit_is_closed(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (port, [board]):
        async with await begin(board, port) as transaction:
            await transaction.commit()
            await transaction.add([Shape(0, 0, "late")])
            with pytest.raises(IpcError) as caught:
                await transaction.commit()
            assert caught.value.status is Status.BAD_STATE
        assert await gallery(board, port) == []


async def test_whoever_acknowledges_what_was_not_sent_is_closed(
    start: Starter, tmp_path: Path, server_loop: str
) -> None:
    _, ends = start("patterns", tmp_path, loop=server_loop)
    async with open_board(*ends) as (port, [board]):
        await add(board, port, *LABELS)
        client, server = create_endpoints(Strokes)
        listener = StrokeListener()
        async with StrokesProxy(client, port, listener) as strokes:
            await board.replay(1, server)
            await wait_until_async(lambda: len(listener.drawn) == STROKE_WINDOW)
            await strokes.acknowledge(STROKE_WINDOW + 1)
            await wait_until_async(lambda: strokes.closed)
        assert len(listener.drawn) == STROKE_WINDOW
        assert await count(board) == 0


# ---------------------------------------------------------------------------------- hostile servers


class Rude:
    """A client of a board that breaks its contract, in a process of its own."""

    def __init__(self, child: Child, board: BoardProxy, listener: BoardListener) -> None:
        self.child = child
        self.board = board
        self.listener = listener

    async def closed(self) -> None:
        """Wait until the client has closed the board, and the board has noticed."""
        await wait_until_async(lambda: self.board.closed)
        with pytest.raises(RemoteProtocolError, match="beyond what was granted"):
            await self.board.flush()
        assert await anyio.to_thread.run_sync(self.child.line) == "closed"


@asynccontextmanager
async def rude(
    spawner: Spawner, directory: Path, loop: str
) -> AsyncGenerator[tuple[Rude, AsyncPort]]:
    ours, theirs = Channel.create()
    fd = theirs.fileno()
    with theirs:
        child = spawner.module("tests.services.patterns.rude", loop, directory, fd, pass_fds=(fd,))
    listener = BoardListener()
    async with open_board(ClientEnd[Board](ours), events=listener) as (port, [board]):
        assert child.line() == "ready"
        yield Rude(child, board, listener), port
        child.close()


async def test_a_server_that_tells_more_changes_than_allowed_is_closed(
    spawn_python: Spawner, tmp_path: Path, server_loop: str
) -> None:
    async with rude(spawn_python, tmp_path, server_loop) as (it, _):
        await it.board.allow_changes(it.listener.allow(3))
        await it.closed()
        assert it.listener.shapes == [0, 1, 2]


@pytest.mark.parametrize("prefix", ["many", "late"])
async def test_a_server_that_finds_more_than_it_may_is_closed(
    spawn_python: Spawner, tmp_path: Path, server_loop: str, prefix: str
) -> None:
    async with rude(spawn_python, tmp_path, server_loop) as (it, _):
        await it.board.scan(it.listener.expect_scan(prefix))
        await it.closed()
        assert len(it.listener.found) == MAX_FOUND + (prefix == "many")
        assert it.listener.scans == (prefix == "late")


async def test_a_server_that_runs_ahead_is_closed(
    spawn_python: Spawner, tmp_path: Path, server_loop: str
) -> None:
    async with rude(spawn_python, tmp_path, server_loop) as (it, port):
        client, server = create_endpoints(Strokes)
        listener = StrokeListener()
        async with StrokesProxy(client, port, listener) as strokes:
            await it.board.replay(1000, server)
            await wait_until_async(lambda: strokes.closed)
            assert len(listener.drawn) == STROKE_WINDOW
        assert await count(it.board) == 0  # its other channels have done nothing wrong
