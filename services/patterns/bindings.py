# Library ipcrt.patterns: generated; do not edit.
"""A drawing board, and on it one of each pattern that protocols are made of."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Int32, Uint32, Uint64
from ipcrt.bindings.tables import Event, OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.bindings.union import Variant
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.rights import Rights

MAX_SHAPES: Final = 1024
"""Shapes that a client may have on its sheet at once."""
MAX_ALLOWED: Final = 64
"""Changes that a client may have allowed and not been told."""
STROKE_WINDOW: Final = 16
"""Strokes that may be sent and not acknowledged."""
MAX_FOUND: Final = 32
"""Shapes that a scan tells of, at most."""


class TokenError(FlexibleUint32):
    """Why a token was refused."""

    MALFORMED = 1
    """Too short for a token."""
    FORGED = 2
    """Not from here, or another connection's."""
    EXPIRED = 3
    """Too old: begin again."""


class ClaimError(FlexibleUint32):
    """Why a shape was not imported."""

    NOT_FOUND = 1
    """Nobody exports the other end of the event pair, or somebody else was first."""


class RenderError(FlexibleUint32):
    """Why a picture was not made."""

    CANCELED = 1
    """The client gave it up."""


class CommitError(FlexibleUint32):
    """Why a transaction did not happen."""

    FULL = 1
    """The gallery has no room for all of it."""


class ClaimFailed(DomainError[ClaimError]):
    ERROR = ClaimError


class RenderFailed(DomainError[RenderError]):
    ERROR = RenderError


class TokenFailed(DomainError[TokenError]):
    ERROR = TokenError


class CommitFailed(DomainError[CommitError]):
    ERROR = CommitError


class Shape(Struct):
    """A label at a place."""

    x: Int32
    """Points from the left edge."""
    y: Int32
    """Points from the upper edge."""
    label: Label
    """May be empty, and need not be unique."""


class PlaceCommand(Struct):
    """Put a new shape on the sheet."""

    shape_id: ShapeId
    """One that is not in use."""
    shape: Shape
    """What to put there."""


class ShiftCommand(Struct):
    """Put a shape that is there elsewhere."""

    shape_id: ShapeId
    """Which one."""
    x: Int32
    """Points from the left edge, from now on."""
    y: Int32
    """Points from the upper edge, from now on."""


class EraseCommand(Struct):
    """Take a shape away; its identifier may be used again."""

    shape_id: ShapeId
    """Which one."""


class BoardWatchTitleResponse(Struct):
    title: Title


class BoardRenameRequest(Struct):
    title: Title


class BoardDrawRequest(Struct):
    commands: list[Command]


class BoardFlushResponse(Struct):
    shapes: Uint32


class BoardPinRequest(Struct):
    shape_id: ShapeId
    pin: ServerEnd[Pin]


class BoardGetNumberRequest(Struct):
    shape_id: ShapeId


class BoardGetNumberResponse(Struct):
    number: Uint64


class BoardExportShapeRequest(Struct):
    shape_id: ShapeId
    token: Annotated[EventPair, needs(Rights.WAIT | Rights.INSPECT)]


class BoardImportShapeRequest(Struct):
    shape_id: ShapeId
    token: Annotated[EventPair, needs(Rights.WAIT | Rights.INSPECT)]


class BoardRenderRequest(Struct):
    shape_id: ShapeId
    duration_ms: Uint32
    cancel: Annotated[EventPair, needs(Rights.WAIT)]


class BoardRenderResponse(Struct):
    picture: Annotated[str, Meta(max_length=128)]


class BoardBeginRequest(Struct):
    transaction: ServerEnd[Transaction]


class BoardListGalleryRequest(Struct):
    iterator: ServerEnd[GalleryIterator]


class BoardGetGalleryRequest(Struct):
    token: Token | None


class BoardGetGalleryResponse(Struct):
    labels: Annotated[list[Label], Meta(max_length=8)]
    next_token: Token | None


class BoardAllowChangesRequest(Struct):
    count: Uint32


class BoardOnChangeRequest(Struct):
    shapes: Uint32


class BoardScanRequest(Struct):
    prefix: Label


class BoardOnFoundRequest(Struct):
    shape: Shape


class BoardReplayRequest(Struct):
    times: Uint32
    strokes: ServerEnd[Strokes]


class TransactionAddRequest(Struct):
    shapes: Annotated[list[Shape], Meta(max_length=64)]


class TransactionCommitResponse(Struct):
    added: Uint32


class GalleryIteratorGetNextResponse(Struct):
    labels: Annotated[list[Label], Meta(max_length=16)]


class StrokesOnStrokeRequest(Struct):
    seq: Uint64
    shape: Shape


class StrokesAcknowledgeRequest(Struct):
    last_seq: Uint64


class CommandPlace(Variant, tag=1):
    """Put a new one there."""

    value: PlaceCommand


class CommandShift(Variant, tag=2):
    """Put one elsewhere."""

    value: ShiftCommand


class CommandErase(Variant, tag=3):
    """Take one away."""

    value: EraseCommand


class Board(Protocol):
    """One client's way to the board: a sheet of its own, and the title and the gallery of all.

    Drawing is fed forward: nothing of it is answered before `Flush`. A client knows what it has
    drawn, so an identifier that is zero, taken or unknown closes its channel.
    """


class Pin(Protocol):
    """Holds a shape on a sheet. It has no methods: it is there or it is not."""


class Transaction(Protocol):
    """What is to be added to the gallery; all of it is, or nothing.

    Closing it before `Commit` drops it.
    """


class GalleryIterator(Protocol):
    """One walk over the gallery's labels."""


class Strokes(Protocol):
    """The gallery as strokes; the channel closes behind the last.

    At most `STROKE_WINDOW` are sent that are not acknowledged.
    """


Title: TypeAlias = Annotated[str, Meta(max_length=64)]
"""What the board is called."""

ShapeId: TypeAlias = Uint32
"""What the client calls a shape on its own sheet; never zero.

It means nothing to any other connection.
"""

Label: TypeAlias = Annotated[str, Meta(max_length=32)]
"""What a shape is called."""

Command: TypeAlias = CommandPlace | CommandShift | CommandErase
"""One step of a drawing."""

Token: TypeAlias = Annotated[bytes, Meta(max_length=128)]
"""Where a page of the gallery ends; for this connection only, and for a minute."""

BOARD_WATCH_TITLE = TwoWay("ipcrt.patterns/Board.WatchTitle", type(None), BoardWatchTitleResponse)
BOARD_RENAME = TwoWay("ipcrt.patterns/Board.Rename", BoardRenameRequest, type(None))
BOARD_DRAW = OneWay("ipcrt.patterns/Board.Draw", BoardDrawRequest)
BOARD_FLUSH = TwoWay("ipcrt.patterns/Board.Flush", type(None), BoardFlushResponse)
BOARD_PIN = OneWay("ipcrt.patterns/Board.Pin", BoardPinRequest)
BOARD_GET_NUMBER = TwoWay(
    "ipcrt.patterns/Board.GetNumber", BoardGetNumberRequest, BoardGetNumberResponse
)
BOARD_EXPORT_SHAPE = OneWay("ipcrt.patterns/Board.ExportShape", BoardExportShapeRequest)
BOARD_IMPORT_SHAPE = TwoWay(
    "ipcrt.patterns/Board.ImportShape", BoardImportShapeRequest, type(None), raises=ClaimFailed
)
BOARD_RENDER = TwoWay(
    "ipcrt.patterns/Board.Render", BoardRenderRequest, BoardRenderResponse, raises=RenderFailed
)
BOARD_BEGIN = OneWay("ipcrt.patterns/Board.Begin", BoardBeginRequest)
BOARD_LIST_GALLERY = OneWay("ipcrt.patterns/Board.ListGallery", BoardListGalleryRequest)
BOARD_GET_GALLERY = TwoWay(
    "ipcrt.patterns/Board.GetGallery",
    BoardGetGalleryRequest,
    BoardGetGalleryResponse,
    raises=TokenFailed,
)
BOARD_ALLOW_CHANGES = OneWay("ipcrt.patterns/Board.AllowChanges", BoardAllowChangesRequest)
BOARD_ON_CHANGE = Event("ipcrt.patterns/Board.OnChange", BoardOnChangeRequest)
BOARD_SCAN = OneWay("ipcrt.patterns/Board.Scan", BoardScanRequest)
BOARD_ON_FOUND = Event("ipcrt.patterns/Board.OnFound", BoardOnFoundRequest)
BOARD_ON_SCAN_FINISHED = Event("ipcrt.patterns/Board.OnScanFinished", type(None))
BOARD_REPLAY = OneWay("ipcrt.patterns/Board.Replay", BoardReplayRequest)
Board.TABLE = ProtocolTable(
    "ipcrt.patterns/Board",
    Openness.OPEN,
    (
        BOARD_WATCH_TITLE,
        BOARD_RENAME,
        BOARD_DRAW,
        BOARD_FLUSH,
        BOARD_PIN,
        BOARD_GET_NUMBER,
        BOARD_EXPORT_SHAPE,
        BOARD_IMPORT_SHAPE,
        BOARD_RENDER,
        BOARD_BEGIN,
        BOARD_LIST_GALLERY,
        BOARD_GET_GALLERY,
        BOARD_ALLOW_CHANGES,
        BOARD_ON_CHANGE,
        BOARD_SCAN,
        BOARD_ON_FOUND,
        BOARD_ON_SCAN_FINISHED,
        BOARD_REPLAY,
    ),
)

Pin.TABLE = ProtocolTable("ipcrt.patterns/Pin", Openness.OPEN, ())

TRANSACTION_ADD = OneWay("ipcrt.patterns/Transaction.Add", TransactionAddRequest)
TRANSACTION_COMMIT = TwoWay(
    "ipcrt.patterns/Transaction.Commit",
    type(None),
    TransactionCommitResponse,
    raises=CommitFailed,
    strict=True,
)
Transaction.TABLE = ProtocolTable(
    "ipcrt.patterns/Transaction", Openness.AJAR, (TRANSACTION_ADD, TRANSACTION_COMMIT)
)

GALLERY_ITERATOR_GET_NEXT = TwoWay(
    "ipcrt.patterns/GalleryIterator.GetNext",
    type(None),
    GalleryIteratorGetNextResponse,
    strict=True,
)
GalleryIterator.TABLE = ProtocolTable(
    "ipcrt.patterns/GalleryIterator", Openness.CLOSED, (GALLERY_ITERATOR_GET_NEXT,)
)

STROKES_ON_STROKE = Event("ipcrt.patterns/Strokes.OnStroke", StrokesOnStrokeRequest)
STROKES_ACKNOWLEDGE = OneWay("ipcrt.patterns/Strokes.Acknowledge", StrokesAcknowledgeRequest)
Strokes.TABLE = ProtocolTable(
    "ipcrt.patterns/Strokes", Openness.OPEN, (STROKES_ON_STROKE, STROKES_ACKNOWLEDGE)
)


class BoardProxy(Proxy[Board]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Board
    __slots__ = ()

    async def watch_title(self, *, timeout: float | None = 25.0) -> BoardWatchTitleResponse:
        """Answer the title: at once the first time, later when it has changed since then.

        One at a time: a second one before the answer closes the channel.
        """
        return await self._call(BOARD_WATCH_TITLE, None, timeout)

    async def rename(self, title: str, *, timeout: float | None = 25.0) -> None:
        """Change the title, for all clients."""
        await self._call(BOARD_RENAME, BoardRenameRequest(title), timeout)

    async def draw(self, commands: list[Command]) -> None:
        """Draw on the sheet, in this order."""
        await self._send(BOARD_DRAW, BoardDrawRequest(commands))

    def draw_now(self, commands: list[Command]) -> None:
        self._send_now(BOARD_DRAW, BoardDrawRequest(commands))

    def draw_soon(self, commands: list[Command], on_sent: Done) -> bool:
        return self._send_soon(BOARD_DRAW, BoardDrawRequest(commands), on_sent)

    async def flush(self, *, timeout: float | None = 25.0) -> BoardFlushResponse:
        """Answer how many shapes are on the sheet, once all that was drawn before is there."""
        return await self._call(BOARD_FLUSH, None, timeout)

    async def pin(self, shape_id: int, pin: ServerEnd[Pin]) -> None:
        """Keep a shape for as long as `pin` is open, and erase it then.

        The two channels are not in step: whoever closes the pin leaves the shape alone, and uses
        its identifier again only when `Flush` counts it no more.
        """
        await self._send(BOARD_PIN, BoardPinRequest(shape_id, pin))

    def pin_now(self, shape_id: int, pin: ServerEnd[Pin]) -> None:
        self._send_now(BOARD_PIN, BoardPinRequest(shape_id, pin))

    def pin_soon(self, shape_id: int, pin: ServerEnd[Pin], on_sent: Done) -> bool:
        return self._send_soon(BOARD_PIN, BoardPinRequest(shape_id, pin), on_sent)

    async def get_number(
        self, shape_id: int, *, timeout: float | None = 25.0
    ) -> BoardGetNumberResponse:
        """Answer a number that stands for a shape's label, to this client's user only."""
        return await self._call(BOARD_GET_NUMBER, BoardGetNumberRequest(shape_id), timeout)

    async def export_shape(self, shape_id: int, token: EventPair) -> None:
        """Let whoever has the other end of `token` have the same shape on its sheet."""
        await self._send(BOARD_EXPORT_SHAPE, BoardExportShapeRequest(shape_id, token))

    def export_shape_now(self, shape_id: int, token: EventPair) -> None:
        self._send_now(BOARD_EXPORT_SHAPE, BoardExportShapeRequest(shape_id, token))

    def export_shape_soon(self, shape_id: int, token: EventPair, on_sent: Done) -> bool:
        return self._send_soon(
            BOARD_EXPORT_SHAPE, BoardExportShapeRequest(shape_id, token), on_sent
        )

    async def import_shape(
        self, shape_id: int, token: EventPair, *, timeout: float | None = 25.0
    ) -> None:
        """Have the shape that is exported with the other end of `token`, as `shape_id`.

        Raises: ClaimFailed.
        """
        await self._call(BOARD_IMPORT_SHAPE, BoardImportShapeRequest(shape_id, token), timeout)

    async def render(
        self, shape_id: int, duration_ms: int, cancel: EventPair, *, timeout: float | None = 25.0
    ) -> BoardRenderResponse:
        """Make a picture of a shape, slowly; closing the other end of `cancel` gives it up.

        Raises: RenderFailed.
        """
        return await self._call(
            BOARD_RENDER, BoardRenderRequest(shape_id, duration_ms, cancel), timeout
        )

    async def begin(self, transaction: ServerEnd[Transaction]) -> None:
        """Begin to add to the gallery."""
        await self._send(BOARD_BEGIN, BoardBeginRequest(transaction))

    def begin_now(self, transaction: ServerEnd[Transaction]) -> None:
        self._send_now(BOARD_BEGIN, BoardBeginRequest(transaction))

    def begin_soon(self, transaction: ServerEnd[Transaction], on_sent: Done) -> bool:
        return self._send_soon(BOARD_BEGIN, BoardBeginRequest(transaction), on_sent)

    async def list_gallery(self, iterator: ServerEnd[GalleryIterator]) -> None:
        """Walk over the gallery, as it is now."""
        await self._send(BOARD_LIST_GALLERY, BoardListGalleryRequest(iterator))

    def list_gallery_now(self, iterator: ServerEnd[GalleryIterator]) -> None:
        self._send_now(BOARD_LIST_GALLERY, BoardListGalleryRequest(iterator))

    def list_gallery_soon(self, iterator: ServerEnd[GalleryIterator], on_sent: Done) -> bool:
        return self._send_soon(BOARD_LIST_GALLERY, BoardListGalleryRequest(iterator), on_sent)

    async def get_gallery(
        self, token: bytes | None, *, timeout: float | None = 25.0
    ) -> BoardGetGalleryResponse:
        """Answer some of the gallery: from the beginning, or from where `token` ends.

        Raises: TokenFailed.
        """
        return await self._call(BOARD_GET_GALLERY, BoardGetGalleryRequest(token), timeout)

    async def allow_changes(self, count: int) -> None:
        """Allow so many `OnChange` more; none before, and no more than `MAX_ALLOWED` in all."""
        await self._send(BOARD_ALLOW_CHANGES, BoardAllowChangesRequest(count))

    def allow_changes_now(self, count: int) -> None:
        self._send_now(BOARD_ALLOW_CHANGES, BoardAllowChangesRequest(count))

    def allow_changes_soon(self, count: int, on_sent: Done) -> bool:
        return self._send_soon(BOARD_ALLOW_CHANGES, BoardAllowChangesRequest(count), on_sent)

    async def scan(self, prefix: str) -> None:
        """Tell of shapes in the gallery whose label begins so: at most `MAX_FOUND`, then the end.

        One at a time: a second one before the end closes the channel.
        """
        await self._send(BOARD_SCAN, BoardScanRequest(prefix))

    def scan_now(self, prefix: str) -> None:
        self._send_now(BOARD_SCAN, BoardScanRequest(prefix))

    def scan_soon(self, prefix: str, on_sent: Done) -> bool:
        return self._send_soon(BOARD_SCAN, BoardScanRequest(prefix), on_sent)

    async def replay(self, times: int, strokes: ServerEnd[Strokes]) -> None:
        """Play the gallery, so many times over."""
        await self._send(BOARD_REPLAY, BoardReplayRequest(times, strokes))

    def replay_now(self, times: int, strokes: ServerEnd[Strokes]) -> None:
        self._send_now(BOARD_REPLAY, BoardReplayRequest(times, strokes))

    def replay_soon(self, times: int, strokes: ServerEnd[Strokes], on_sent: Done) -> bool:
        return self._send_soon(BOARD_REPLAY, BoardReplayRequest(times, strokes), on_sent)


class BoardBlockingProxy(BlockingProxy[Board]):
    """A client, blocking its thread; see `BoardProxy`."""

    PROTOCOL = Board
    __slots__ = ()

    def watch_title(self, *, timeout: float | None = 25.0) -> BoardWatchTitleResponse:
        return self._call(BOARD_WATCH_TITLE, None, timeout)

    def rename(self, title: str, *, timeout: float | None = 25.0) -> None:
        self._call(BOARD_RENAME, BoardRenameRequest(title), timeout)

    def draw(self, commands: list[Command]) -> None:
        self._send(BOARD_DRAW, BoardDrawRequest(commands))

    def draw_now(self, commands: list[Command]) -> None:
        self._send_now(BOARD_DRAW, BoardDrawRequest(commands))

    def flush(self, *, timeout: float | None = 25.0) -> BoardFlushResponse:
        return self._call(BOARD_FLUSH, None, timeout)

    def pin(self, shape_id: int, pin: ServerEnd[Pin]) -> None:
        self._send(BOARD_PIN, BoardPinRequest(shape_id, pin))

    def pin_now(self, shape_id: int, pin: ServerEnd[Pin]) -> None:
        self._send_now(BOARD_PIN, BoardPinRequest(shape_id, pin))

    def get_number(self, shape_id: int, *, timeout: float | None = 25.0) -> BoardGetNumberResponse:
        return self._call(BOARD_GET_NUMBER, BoardGetNumberRequest(shape_id), timeout)

    def export_shape(self, shape_id: int, token: EventPair) -> None:
        self._send(BOARD_EXPORT_SHAPE, BoardExportShapeRequest(shape_id, token))

    def export_shape_now(self, shape_id: int, token: EventPair) -> None:
        self._send_now(BOARD_EXPORT_SHAPE, BoardExportShapeRequest(shape_id, token))

    def import_shape(
        self, shape_id: int, token: EventPair, *, timeout: float | None = 25.0
    ) -> None:
        self._call(BOARD_IMPORT_SHAPE, BoardImportShapeRequest(shape_id, token), timeout)

    def render(
        self, shape_id: int, duration_ms: int, cancel: EventPair, *, timeout: float | None = 25.0
    ) -> BoardRenderResponse:
        return self._call(BOARD_RENDER, BoardRenderRequest(shape_id, duration_ms, cancel), timeout)

    def begin(self, transaction: ServerEnd[Transaction]) -> None:
        self._send(BOARD_BEGIN, BoardBeginRequest(transaction))

    def begin_now(self, transaction: ServerEnd[Transaction]) -> None:
        self._send_now(BOARD_BEGIN, BoardBeginRequest(transaction))

    def list_gallery(self, iterator: ServerEnd[GalleryIterator]) -> None:
        self._send(BOARD_LIST_GALLERY, BoardListGalleryRequest(iterator))

    def list_gallery_now(self, iterator: ServerEnd[GalleryIterator]) -> None:
        self._send_now(BOARD_LIST_GALLERY, BoardListGalleryRequest(iterator))

    def get_gallery(
        self, token: bytes | None, *, timeout: float | None = 25.0
    ) -> BoardGetGalleryResponse:
        return self._call(BOARD_GET_GALLERY, BoardGetGalleryRequest(token), timeout)

    def allow_changes(self, count: int) -> None:
        self._send(BOARD_ALLOW_CHANGES, BoardAllowChangesRequest(count))

    def allow_changes_now(self, count: int) -> None:
        self._send_now(BOARD_ALLOW_CHANGES, BoardAllowChangesRequest(count))

    def scan(self, prefix: str) -> None:
        self._send(BOARD_SCAN, BoardScanRequest(prefix))

    def scan_now(self, prefix: str) -> None:
        self._send_now(BOARD_SCAN, BoardScanRequest(prefix))

    def replay(self, times: int, strokes: ServerEnd[Strokes]) -> None:
        self._send(BOARD_REPLAY, BoardReplayRequest(times, strokes))

    def replay_now(self, times: int, strokes: ServerEnd[Strokes]) -> None:
        self._send_now(BOARD_REPLAY, BoardReplayRequest(times, strokes))


class BoardServer(Server[Board]):
    """Serves one client; see `BoardProxy`."""

    PROTOCOL = Board

    @abstractmethod
    def watch_title(self) -> Answer[BoardWatchTitleResponse]: ...

    @abstractmethod
    def rename(self, title: str) -> Answer[None]: ...

    @abstractmethod
    def draw(self, commands: list[Command]) -> Answer[None]: ...

    @abstractmethod
    def flush(self) -> Answer[BoardFlushResponse]: ...

    @abstractmethod
    def pin(self, shape_id: int, pin: ServerEnd[Pin]) -> Answer[None]: ...

    @abstractmethod
    def get_number(self, shape_id: int) -> Answer[BoardGetNumberResponse]: ...

    @abstractmethod
    def export_shape(self, shape_id: int, token: EventPair) -> Answer[None]: ...

    @abstractmethod
    def import_shape(self, shape_id: int, token: EventPair) -> Answer[None]: ...

    @abstractmethod
    def render(
        self, shape_id: int, duration_ms: int, cancel: EventPair
    ) -> Answer[BoardRenderResponse]: ...

    @abstractmethod
    def begin(self, transaction: ServerEnd[Transaction]) -> Answer[None]: ...

    @abstractmethod
    def list_gallery(self, iterator: ServerEnd[GalleryIterator]) -> Answer[None]: ...

    @abstractmethod
    def get_gallery(self, token: bytes | None) -> Answer[BoardGetGalleryResponse]: ...

    @abstractmethod
    def allow_changes(self, count: int) -> Answer[None]: ...

    @abstractmethod
    def scan(self, prefix: str) -> Answer[None]: ...

    @abstractmethod
    def replay(self, times: int, strokes: ServerEnd[Strokes]) -> Answer[None]: ...


class BoardEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_change(self, shapes: int) -> None:
        """The gallery has changed, and has so many shapes. Of several changes the last is told."""

    def on_found(self, shape: Shape) -> None:
        """A shape that was scanned for."""

    def on_scan_finished(self) -> None:
        """The scan is over."""


class BoardEventSender(EventSender[Board]):
    """Sends the events to one client; see `BoardEvents`."""

    __slots__ = ()

    def on_change(self, shapes: int) -> None:
        self._send(BOARD_ON_CHANGE, BoardOnChangeRequest(shapes))

    async def on_change_wait(self, shapes: int) -> None:
        await self._send_wait(BOARD_ON_CHANGE, BoardOnChangeRequest(shapes))

    def on_found(self, shape: Shape) -> None:
        self._send(BOARD_ON_FOUND, BoardOnFoundRequest(shape))

    async def on_found_wait(self, shape: Shape) -> None:
        await self._send_wait(BOARD_ON_FOUND, BoardOnFoundRequest(shape))

    def on_scan_finished(self) -> None:
        self._send(BOARD_ON_SCAN_FINISHED, None)

    async def on_scan_finished_wait(self) -> None:
        await self._send_wait(BOARD_ON_SCAN_FINISHED, None)


class PinProxy(Proxy[Pin]):
    """A client, awaited."""

    PROTOCOL = Pin
    __slots__ = ()


class PinBlockingProxy(BlockingProxy[Pin]):
    """A client, blocking its thread; see `PinProxy`."""

    PROTOCOL = Pin
    __slots__ = ()


class PinServer(Server[Pin]):
    """Serves one client; see `PinProxy`."""

    PROTOCOL = Pin


class TransactionProxy(Proxy[Transaction]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Transaction
    __slots__ = ()

    async def add(self, shapes: list[Shape]) -> None:
        """Add shapes."""
        await self._send(TRANSACTION_ADD, TransactionAddRequest(shapes))

    def add_now(self, shapes: list[Shape]) -> None:
        self._send_now(TRANSACTION_ADD, TransactionAddRequest(shapes))

    def add_soon(self, shapes: list[Shape], on_sent: Done) -> bool:
        return self._send_soon(TRANSACTION_ADD, TransactionAddRequest(shapes), on_sent)

    async def commit(self, *, timeout: float | None = 25.0) -> TransactionCommitResponse:
        """Make it happen, and answer how many were added. Nothing may follow.

        Raises: CommitFailed.
        """
        return await self._call(TRANSACTION_COMMIT, None, timeout)


class TransactionBlockingProxy(BlockingProxy[Transaction]):
    """A client, blocking its thread; see `TransactionProxy`."""

    PROTOCOL = Transaction
    __slots__ = ()

    def add(self, shapes: list[Shape]) -> None:
        self._send(TRANSACTION_ADD, TransactionAddRequest(shapes))

    def add_now(self, shapes: list[Shape]) -> None:
        self._send_now(TRANSACTION_ADD, TransactionAddRequest(shapes))

    def commit(self, *, timeout: float | None = 25.0) -> TransactionCommitResponse:
        return self._call(TRANSACTION_COMMIT, None, timeout)


class TransactionServer(Server[Transaction]):
    """Serves one client; see `TransactionProxy`."""

    PROTOCOL = Transaction

    @abstractmethod
    def add(self, shapes: list[Shape]) -> Answer[None]: ...

    @abstractmethod
    def commit(self) -> Answer[TransactionCommitResponse]: ...


class GalleryIteratorProxy(Proxy[GalleryIterator]):
    """A client, awaited."""

    PROTOCOL = GalleryIterator
    __slots__ = ()

    async def get_next(self, *, timeout: float | None = 25.0) -> GalleryIteratorGetNextResponse:
        """Answer the next ones; none at the end, and then the channel closes."""
        return await self._call(GALLERY_ITERATOR_GET_NEXT, None, timeout)


class GalleryIteratorBlockingProxy(BlockingProxy[GalleryIterator]):
    """A client, blocking its thread; see `GalleryIteratorProxy`."""

    PROTOCOL = GalleryIterator
    __slots__ = ()

    def get_next(self, *, timeout: float | None = 25.0) -> GalleryIteratorGetNextResponse:
        return self._call(GALLERY_ITERATOR_GET_NEXT, None, timeout)


class GalleryIteratorServer(Server[GalleryIterator]):
    """Serves one client; see `GalleryIteratorProxy`."""

    PROTOCOL = GalleryIterator

    @abstractmethod
    def get_next(self) -> Answer[GalleryIteratorGetNextResponse]: ...


class StrokesProxy(Proxy[Strokes]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Strokes
    __slots__ = ()

    async def acknowledge(self, last_seq: int) -> None:
        """All up to `last_seq` are drawn."""
        await self._send(STROKES_ACKNOWLEDGE, StrokesAcknowledgeRequest(last_seq))

    def acknowledge_now(self, last_seq: int) -> None:
        self._send_now(STROKES_ACKNOWLEDGE, StrokesAcknowledgeRequest(last_seq))

    def acknowledge_soon(self, last_seq: int, on_sent: Done) -> bool:
        return self._send_soon(STROKES_ACKNOWLEDGE, StrokesAcknowledgeRequest(last_seq), on_sent)


class StrokesBlockingProxy(BlockingProxy[Strokes]):
    """A client, blocking its thread; see `StrokesProxy`."""

    PROTOCOL = Strokes
    __slots__ = ()

    def acknowledge(self, last_seq: int) -> None:
        self._send(STROKES_ACKNOWLEDGE, StrokesAcknowledgeRequest(last_seq))

    def acknowledge_now(self, last_seq: int) -> None:
        self._send_now(STROKES_ACKNOWLEDGE, StrokesAcknowledgeRequest(last_seq))


class StrokesServer(Server[Strokes]):
    """Serves one client; see `StrokesProxy`."""

    PROTOCOL = Strokes

    @abstractmethod
    def acknowledge(self, last_seq: int) -> Answer[None]: ...


class StrokesEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_stroke(self, seq: int, shape: Shape) -> None:
        """One stroke; `seq` is 1 for the first."""


class StrokesEventSender(EventSender[Strokes]):
    """Sends the events to one client; see `StrokesEvents`."""

    __slots__ = ()

    def on_stroke(self, seq: int, shape: Shape) -> None:
        self._send(STROKES_ON_STROKE, StrokesOnStrokeRequest(seq, shape))

    async def on_stroke_wait(self, seq: int, shape: Shape) -> None:
        await self._send_wait(STROKES_ON_STROKE, StrokesOnStrokeRequest(seq, shape))
