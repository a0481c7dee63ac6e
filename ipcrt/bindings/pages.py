"""Pages: an iterator's items, a message at a time.

    def get(self) -> Answer[IteratorGetResponse]:
        return IteratorGetResponse(self._pages.next())

1. A page has as many items as the contract's vector, and one message, may have; at least one
   unless there are no more.
2. The iterator is asked for a page's items when the page is asked for, on the port's thread. It
   should answer at once.
3. One that raises fails the call, and all later ones: a broken walk never looks like a whole one.
Source: FIDL API Rubric, "Paginating reads". `serve_pages` serves a whole protocol with it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Generic, TypeVar, cast

from ipcrt.bindings.batch import Batch
from ipcrt.bindings.tables import TwoWay
from ipcrt.errors import BadState

ItemT = TypeVar("ItemT")

_RESULT_BYTES = 2


class Pages(Generic[ItemT]):
    """One walk; owns its iterator, and an item's handles until its page is taken."""

    __slots__ = ("_batch", "_failed", "_items", "_kept", "done")

    def __init__(self, method: TwoWay[Any, Any], items: Iterable[ItemT]) -> None:
        """`method` answers the pages. Raises: TypeError: its response is not one vector."""
        extra_bytes = _RESULT_BYTES if method.has_result else 0
        self._batch: Batch[ItemT] = Batch(method.response, extra_bytes=extra_bytes)
        self._items = iter(items)
        self._kept: list[ItemT] = []  # one that did not fit the page before
        self._failed = False
        self.done: bool = False
        """True once an empty page has said that there are no more."""

    def next(self) -> list[ItemT]:
        """Answer the next page; empty where there are no more.

        Raises: what the iterator raises. OutOfRange, LocalProtocolError: an item fits no message.
        BadState: it has failed before, or was closed.
        """
        if self._failed:
            raise BadState("this walk has failed, or was closed")
        try:
            self._fill()
        except BaseException:
            self.close()
            raise
        self.done = not len(self._batch)
        return self._batch.take()

    def _fill(self) -> None:
        while self._kept or self._pull():
            if not self._batch.add(self._kept[0]):
                return
            self._kept.clear()

    def _pull(self) -> bool:
        for item in self._items:
            self._kept.append(item)
            return True
        return False

    def close(self) -> None:
        """End the walk: what it holds is closed, and so is a generator. Idempotent."""
        self._failed = True
        for kept in self._kept:
            self._batch.drop(kept)
        self._kept.clear()
        self._batch.discard()
        items: object = self._items
        if isinstance(items, Generator):
            cast("Generator[object, object, object]", items).close()
