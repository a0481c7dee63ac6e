"""Adding to the gallery: all that a client says until it commits, or nothing."""

from __future__ import annotations

from ipcrt.bindings.transaction import Transaction
from ipcrt.errors import IpcError, NoResources
from ipcrt_services.patterns.bindings import (
    CommitError,
    CommitFailed,
    Shape,
    TransactionCommitResponse,
    TransactionServer,
)
from ipcrt_services.patterns.board import MAX_GALLERY, Adding, Board


class TransactionClient(TransactionServer):
    """One transaction; it lives as long as its own channel."""

    def __init__(self, board: Board) -> None:
        self._transaction = Transaction(Adding(board))

    def add(self, shapes: list[Shape]) -> None:
        added = self._transaction.changes
        if len(added) <= MAX_GALLERY:  # what is beyond it fails at the commit, and costs nothing
            added += shapes

    def commit(self) -> TransactionCommitResponse:
        count = len(self._transaction.changes)
        try:
            self._transaction.commit()
        except NoResources:
            raise CommitFailed(CommitError.FULL) from None
        return TransactionCommitResponse(count)

    def client_gone(self, reason: IpcError) -> None:
        self._transaction.abort(reason)
