"""Transactions: on a commit all happens, on anything else nothing does."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.misuse import Misuse
from ipcrt.bindings.transaction import Transaction
from ipcrt.errors import BadState, IpcError, PeerClosed, Status
from ipcrt.port.aport import open_port
from tests.bindings.ticker import Number, TickerServer, connect


class Store:
    """Keeps numbers that were committed."""

    def __init__(self, *, full: bool = False) -> None:
        self.numbers: list[int] = []
        self.ends: list[BaseException | None] = []
        self._full = full

    def begin(self) -> Adding:
        return Adding(self)

    def add(self, numbers: list[int]) -> None:
        if self._full:
            raise OSError("the disk is full")
        self.numbers += numbers


class Adding:
    """Numbers on their way into a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: list[int] = []

    def __enter__(self) -> list[int]:
        return self._numbers

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._store.ends.append(error)
        if error is None:
            self._store.add(self._numbers)


def test_a_commit_makes_it_happen() -> None:
    store = Store()
    transaction = Transaction(store.begin())
    transaction.changes.append(1)
    transaction.changes.append(2)
    assert store.numbers == []
    overs = [transaction.over]
    transaction.commit()
    assert store.numbers == [1, 2]
    assert [*overs, transaction.over] == [False, True]
    transaction.abort(PeerClosed())
    assert store.ends == [None]


def test_an_abort_drops_it() -> None:
    store, reason = Store(), PeerClosed("killed")
    transaction = Transaction(store.begin())
    transaction.changes.append(1)
    transaction.abort(reason)
    transaction.abort(PeerClosed("again"))
    assert store.numbers == []
    assert store.ends == [reason]


@pytest.mark.parametrize("how", ["commit", "abort"])
def test_what_comes_after_the_end_is_misuse(how: str) -> None:
    store = Store()
    transaction = Transaction(store.begin())
    if how == "commit":
        transaction.commit()
    else:
        transaction.abort(PeerClosed())
    with pytest.raises(Misuse, match="the transaction is over"):
        transaction.changes.append(1)
    with pytest.raises(Misuse):
        transaction.commit()
    assert len(store.ends) == 1


def test_a_generator_may_be_the_context() -> None:
    ends: list[str] = []

    @contextmanager
    def begin() -> Generator[str]:
        try:
            yield "changes"
            ends.append("committed")
        except PeerClosed:
            ends.append("aborted")
            raise

    transaction = Transaction(begin())
    assert transaction.changes == "changes"
    transaction.commit()
    Transaction(begin()).abort(PeerClosed("killed"))
    assert ends == ["committed", "aborted"]


def test_a_commit_that_fails_is_over_too() -> None:
    store = Store(full=True)
    transaction = Transaction(store.begin())
    with pytest.raises(OSError, match="the disk is full"):
        transaction.commit()
    assert transaction.over
    transaction.abort(PeerClosed())
    assert store.ends == [None]


class Basket(TickerServer):
    """Tell adds, watch commits."""

    def __init__(self, store: Store) -> None:
        self._transaction = Transaction(store.begin())

    def tell(self, number: int) -> None:
        self._transaction.changes.append(number)

    def watch(self) -> Answer[Number]:
        count = len(self._transaction.changes)
        self._transaction.commit()
        return Number(count)

    def client_gone(self, reason: IpcError) -> None:
        self._transaction.abort(reason)


@pytest.mark.anyio
async def test_a_client_commits() -> None:
    async with open_port() as port:
        store = Store()
        client, binding = connect(Basket(store), port)
        async with client:
            for number in range(5):
                await client.tell(number)
            assert await client.watch() == 5
        await binding.wait_closed()
        assert store.numbers == [0, 1, 2, 3, 4]
        assert store.ends == [None]


@pytest.mark.anyio
async def test_a_client_that_closes_has_done_nothing() -> None:
    async with open_port() as port:
        store = Store()
        client, binding = connect(Basket(store), port)
        async with client:
            await client.tell(1)
        await binding.wait_closed()
        assert store.numbers == []
        assert [type(error) for error in store.ends] == [PeerClosed]


@pytest.mark.anyio
async def test_a_client_that_goes_on_after_its_commit_is_closed() -> None:
    async with open_port() as port:
        store = Store()
        client, binding = connect(Basket(store), port)
        async with client:
            assert await client.watch() == 0
            await client.tell(1)
            with pytest.raises(BadState):
                await client.watch()
            assert binding.closed
        assert store.numbers == []


@pytest.mark.anyio
async def test_a_commit_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with open_port() as port:
        store = Store(full=True)
        client, binding = connect(Basket(store), port)
        async with client:
            await client.tell(1)
            with pytest.raises(IpcError) as caught:
                await client.watch()
            assert caught.value.status is Status.INTERNAL
        await binding.wait_closed()
        assert store.ends == [None]
    assert "the disk is full" in caplog.text
