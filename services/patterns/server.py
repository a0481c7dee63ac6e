"""The board's servers: one object for each client, and one for each channel that it tears off."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.cancelled_by import cancelled_by
from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.identifier_table import IdentifierTable
from ipcrt.bindings.lifetime import serve_lifetime
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.page_server import serve_pages
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.bindings.throttle import Throttle
from ipcrt.bindings.tokens import TokenRefused
from ipcrt.errors import (
    AlreadyExists,
    IpcError,
    NoResources,
    NotFound,
    PeerClosed,
    ShouldWait,
    Status,
)
from ipcrt.objects.eventpair import EventPair
from ipcrt_services.patterns.bindings import (
    MAX_ALLOWED,
    MAX_FOUND,
    MAX_SHAPES,
    Board,
    BoardEventSender,
    BoardFlushResponse,
    BoardGetGalleryResponse,
    BoardGetNumberResponse,
    BoardRenderResponse,
    BoardServer,
    BoardWatchTitleResponse,
    ClaimError,
    ClaimFailed,
    Command,
    CommandErase,
    CommandPlace,
    CommandShift,
    GalleryIterator,
    Pin,
    RenderError,
    RenderFailed,
    Shape,
    Strokes,
    TokenError,
    TokenFailed,
    Transaction,
)
from ipcrt_services.patterns.board import Board as SharedBoard
from ipcrt_services.patterns.board import Placed
from ipcrt_services.patterns.replay import StrokesClient
from ipcrt_services.patterns.transaction import TransactionClient

CLIENT_LIMITS: Final = Limits(calls_in_flight=64, message_bytes=65536)
TEAR_OFF_LIMITS: Final = Limits(calls_in_flight=4, message_bytes=8192)

MAX_TEAR_OFFS: Final = 64
"""Transactions, walks and replays that one client may have open."""

_PAGE: Final = 8
"""Labels in a reply of GetGallery, as the contract bounds them."""

_POSITION_BYTES: Final = 4

_log: Final = logging.getLogger("ipcrt.services")


class BoardClient(BoardServer):
    """One client of the board: its sheet, and what it may be told."""

    def __init__(self, board: SharedBoard, uid: int) -> None:
        """`uid` is the client's, as the kernel told the locator."""
        self._board = board
        self._port = board.port
        self._user = str(uid).encode()
        self._connection = secrets.token_bytes(16)  # tokens are good for this connection
        self._title = board.title.watcher()
        self._sheet: IdentifierTable[Placed] = IdentifierTable("shape", limit=MAX_SHAPES)
        self._pins: dict[int, ServerBinding[Pin]] = {}
        self._changes = Throttle(limit=MAX_ALLOWED)
        self._found = Throttle(limit=MAX_FOUND)
        self._scanning = False
        self._tear_offs: list[ServerBinding[Any]] = []
        self._stop: Callable[[], object] | None = None
        self._events: BoardEventSender | None = None

    def client_came(self, binding: ServerBinding[Board]) -> None:
        events = self._events = BoardEventSender(binding)
        self._stop = self._port.spawn(self._tell_changes(events), "changes")

    def client_gone(self, reason: IpcError) -> None:
        self._changes.close(reason)
        if self._stop is not None:
            self._stop()
        for pin in list(self._pins.values()):
            pin.close()
        self._sheet.clear()

    # ---- a hanging get

    def watch_title(self) -> Answer[BoardWatchTitleResponse]:
        return self._title.answer(BoardWatchTitleResponse)

    def rename(self, title: str) -> None:
        self._board.title.publish(title)

    # ---- feed-forward: identifiers that the client assigned, commands in batches

    def draw(self, commands: list[Command]) -> None:
        for command in commands:
            self._obey(command)

    def _obey(self, command: Command) -> None:
        match command:
            case CommandPlace(value):
                self._sheet.add(value.shape_id, Placed(value.shape))
            case CommandShift(value):
                placed = self._sheet.get(value.shape_id)
                placed.shape = Shape(value.x, value.y, placed.shape.label)
            case CommandErase(value):
                self._sheet.remove(value.shape_id)
                pin = self._pins.pop(value.shape_id, None)
                if pin is not None:
                    pin.close()

    def flush(self) -> BoardFlushResponse:
        return BoardFlushResponse(len(self._sheet))

    # ---- an empty protocol as a lifetime

    def pin(self, shape_id: int, pin: ServerEnd[Pin]) -> None:
        self._sheet.get(shape_id)
        if shape_id in self._pins:
            raise Misuse(f"shape {shape_id} has a pin already", Status.ALREADY_EXISTS)
        self._pins[shape_id] = serve_lifetime(pin, Pin, self._port, lambda _: self._unpin(shape_id))

    def _unpin(self, shape_id: int) -> None:
        if self._pins.pop(shape_id, None) is not None and shape_id in self._sheet:
            self._sheet.remove(shape_id)

    # ---- privacy

    def get_number(self, shape_id: int) -> BoardGetNumberResponse:
        label = self._sheet.get(shape_id).shape.label
        return BoardGetNumberResponse(self._board.numbers.number(self._user, label.encode()))

    # ---- correlation and cancellation by event pairs

    def export_shape(self, shape_id: int, token: EventPair) -> None:
        placed = self._sheet.get(shape_id)
        try:
            self._board.export(self._connection, token, placed)
        except NoResources as error:  # whoever claims it is told NOT_FOUND
            _log.info("%s: not exported: %s", self, error)
        except AlreadyExists as error:
            raise Misuse(str(error), Status.ALREADY_EXISTS) from error

    async def import_shape(self, shape_id: int, token: EventPair) -> None:
        self._sheet.check(shape_id)
        try:
            placed = await self._board.claim(token)
        except (NotFound, AlreadyExists):
            raise ClaimFailed(ClaimError.NOT_FOUND) from None
        self._sheet.add(shape_id, placed)

    async def render(
        self, shape_id: int, duration_ms: int, cancel: EventPair
    ) -> BoardRenderResponse:
        shape = self._sheet.get(shape_id).shape
        with cancelled_by(cancel, self._port):
            await self._port.sleep(duration_ms / 1000)
            return BoardRenderResponse(f"{shape.label} at {shape.x}, {shape.y}")
        raise RenderFailed(RenderError.CANCELED)

    # ---- pagination: a transaction, an iterator, tokens

    def begin(self, transaction: ServerEnd[Transaction]) -> None:
        server = TransactionClient(self._board)
        self._tear_off(ServerBinding(transaction, server, self._port, CLIENT_LIMITS))

    def list_gallery(self, iterator: ServerEnd[GalleryIterator]) -> None:
        labels = [shape.label for shape in self._board.gallery]
        binding = serve_pages(iterator, GalleryIterator, labels, self._port, TEAR_OFF_LIMITS)
        self._tear_off(binding)

    def get_gallery(self, token: bytes | None) -> BoardGetGalleryResponse:
        tokens = self._board.tokens
        try:
            state = b"" if token is None else tokens.open(self._connection, token)
        except TokenRefused as refused:
            raise TokenFailed(TokenError(refused.fault)) from None
        start = int.from_bytes(state)
        end = start + _PAGE
        gallery = self._board.gallery
        more = end < len(gallery)
        next_token = tokens.issue(self._connection, end.to_bytes(_POSITION_BYTES)) if more else None
        return BoardGetGalleryResponse([shape.label for shape in gallery[start:end]], next_token)

    # ---- flow control of events: by grants, within a bound, by acknowledged numbers

    def allow_changes(self, count: int) -> None:
        self._changes.grant(count)

    async def _tell_changes(self, events: BoardEventSender) -> None:
        shapes = self._board.shapes.watcher()
        with contextlib.suppress(IpcError):  # the client has gone
            while True:
                await self._changes.take_wait(self._port)
                await events.on_change_wait(await shapes.wait(self._port))

    async def scan(self, prefix: str) -> None:
        if self._scanning:
            raise Misuse("a second scan before the first is over")
        self._scanning = True
        self._found.grant(MAX_FOUND)
        with contextlib.suppress(PeerClosed):  # the client has gone
            await self._tell_found(prefix)

    async def _tell_found(self, prefix: str) -> None:
        assert self._events is not None
        with contextlib.suppress(ShouldWait):  # more than a scan may tell
            for shape in [each for each in self._board.gallery if each.label.startswith(prefix)]:
                self._found.take()
                await self._events.on_found_wait(shape)
        self._found.finish()
        self._scanning = False
        await self._events.on_scan_finished_wait()

    def replay(self, times: int, strokes: ServerEnd[Strokes]) -> None:
        server = StrokesClient(tuple(self._board.gallery), times, self._port)
        self._tear_off(ServerBinding(strokes, server, self._port, TEAR_OFF_LIMITS))

    def _tear_off(self, binding: ServerBinding[Any]) -> None:
        """Count a channel; one too many is closed, and calls made ahead fail with the status."""
        if len(self._tear_offs) >= MAX_TEAR_OFFS:
            self._tear_offs = [each for each in self._tear_offs if not each.closed]
        if len(self._tear_offs) >= MAX_TEAR_OFFS:
            binding.close(Status.NO_RESOURCES)
        else:
            self._tear_offs.append(binding)
