"""What all clients of the board share: its title, its gallery, and shapes that change hands."""

from __future__ import annotations

import collections
import contextlib
import os
import secrets
from typing import Final

from ipcrt.bindings.client_ids import ClientIds
from ipcrt.bindings.correlation import Correlation
from ipcrt.bindings.hanging_get import HangingGet
from ipcrt.bindings.tokens import Tokens
from ipcrt.errors import NoResources, from_oserror
from ipcrt.objects.eventpair import EventPair
from ipcrt.port.aport import AsyncPort
from ipcrt_services.patterns.bindings import Shape

MAX_GALLERY: Final = 4096
"""Shapes in the gallery."""

MAX_EXPORTS: Final = 1024
"""Exports that wait to be claimed; a client has a sixteenth of them at most."""

TOKEN_LIFETIME_S: Final = 60.0
TOKEN_BYTES: Final = 128
"""Bytes of a token, as the contract bounds them."""

_KEY_BYTES: Final = 32


class Placed:
    """A shape on one sheet or several: whoever has it may move it for all."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


class Board:
    """One board. Used on its port's thread."""

    def __init__(self, port: AsyncPort, key: bytes) -> None:
        """`key` makes the numbers that clients know shapes by; it outlives the process."""
        self.port = port
        self.title: HangingGet[str] = HangingGet("untitled")
        self.gallery: list[Shape] = []
        self.shapes: HangingGet[int] = HangingGet(0)
        """How many shapes the gallery has."""
        self.tokens = Tokens(lifetime=TOKEN_LIFETIME_S, max_bytes=TOKEN_BYTES)
        self.numbers = ClientIds(key)
        self._exports: collections.Counter[bytes] = collections.Counter()
        self._shared: Correlation[tuple[bytes, Placed]] = Correlation(
            port, limit=MAX_EXPORTS, on_drop=self._ended
        )

    def add(self, shapes: list[Shape]) -> None:
        """Put shapes into the gallery, all or none. Raises: NoResources: it would be too full."""
        size = len(self.gallery) + len(shapes)
        if size > MAX_GALLERY:
            raise NoResources(f"{size} shapes exceed {MAX_GALLERY}, the gallery's room")
        self.gallery += shapes
        self.shapes.publish(size)

    def export(self, client: bytes, token: EventPair, placed: Placed) -> None:
        """Let `placed` be claimed with the other end. Raises: NoResources, AlreadyExists."""
        if self._exports[client] >= MAX_EXPORTS // 16:
            token.close()
            raise NoResources(f"{self._exports[client]} exports of one client wait")
        self._shared.export(token, (client, placed))
        self._exports[client] += 1

    async def claim(self, token: EventPair) -> Placed:
        """Answer what is exported with the other end. Raises: NotFound, AlreadyExists."""
        export = await self._shared.claim(token)
        self._ended(export)
        return export[1]

    def _ended(self, export: tuple[bytes, Placed]) -> None:
        client, _ = export
        self._exports[client] -= 1
        if not self._exports[client]:
            del self._exports[client]

    def statistics(self) -> dict[str, int]:
        """Count what the board keeps, and for whom."""
        return {
            "gallery": len(self.gallery),
            "watching": self.title.statistics()["waiting"],
            "waiting_for_changes": self.shapes.statistics()["waiting"],
            "exporters": len(self._exports),
            **self._shared.statistics(),
        }

    def close(self) -> None:
        """Drop what waits to be claimed."""
        self._shared.close()


class Adding:
    """The context of a transaction: shapes on their way into the gallery."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._shapes: list[Shape] = []

    def __enter__(self) -> list[Shape]:
        return self._shapes

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Add them, unless the transaction was aborted. Raises: NoResources."""
        if error is None:
            self._board.add(self._shapes)


def load_key(directory: str) -> bytes:
    """Answer the board's key, made at the first time and kept in `directory`.

    Raises: NotFound, AccessDenied, IoError.
    """
    path = os.path.join(directory, "key")
    try:
        with contextlib.suppress(FileExistsError):
            _write_new(path, secrets.token_bytes(_KEY_BYTES))
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise from_oserror(error, f"keep a key in {path}") from error


def _write_new(path: str, data: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    if os.path.exists(path):
        return
    scratch = f"{path}.{secrets.token_hex(8)}"
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(data)
        os.link(scratch, path)
    finally:
        os.unlink(scratch)
