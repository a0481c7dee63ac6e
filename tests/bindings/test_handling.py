"""What becomes of a handler's answer, and how many may be at work; for the rest: test_server.py."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from ipcrt.bindings.completer import Completer
from ipcrt.bindings.connection import Connection
from ipcrt.bindings.handling import Handling
from ipcrt.bindings.misuse import Misuse
from ipcrt.errors import PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from tests.bindings.calc import Number, Pair
from tests.bindings.hand import ADD, received


class Desk(Handling):
    """Handlers of one client that nobody calls: a test says what they answer."""

    def __init__(self, port: BlockingPort, limit: int) -> None:
        super().__init__(port, limit)
        ours, self.peer = Channel.create()
        self.misuses: list[Misuse] = []
        self._attach(Connection("the client", ours, port, print, print))
        self._connection.resume()

    def _misused(self, error: Misuse) -> None:
        self.misuses.append(error)

    def reads(self) -> bool:
        return self._connection._reading

    def answer(self, txid: int, result: object) -> None:
        """Have a handler answer, or raise."""
        self._in_flight += 1
        if isinstance(result, BaseException):
            self._failed(ADD, txid, Pair(1, 2), result)
        else:
            self._finish(ADD, txid, Pair(1, 2), result)

    def replies(self) -> list[tuple[int, bytes]]:
        return [(txid, body) for txid, _, _, body in received(self.peer)]

    def close(self) -> None:
        self._connection.close(PeerClosed("the test is over"))
        self.peer.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with BlockingPort() as port:
        desk = Desk(port, limit=2)
        yield desk
        desk.close()


def test_an_answer_is_sent_and_a_failure_refused(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    desk.answer(5, Number(3))
    desk.answer(6, ValueError("no"))
    (first, body), (second, _) = desk.replies()
    assert (first, body, second) == (5, b"\x91\x03", 6)
    assert desk._in_flight == 0


def test_a_coroutine_on_a_plain_thread_is_refused(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def add() -> Number:
        return Number(3)

    caplog.set_level(logging.CRITICAL)
    desk.answer(5, add())
    assert [txid for txid, _ in desk.replies()] == [5]
    assert desk._in_flight == 0


def test_nothing_is_read_at_the_limit(desk: Desk) -> None:
    completers = [Completer[Number](), Completer[Number]()]
    for txid, completer in enumerate(completers, 5):
        assert desk.reads()
        desk.answer(txid, completer)
    assert not desk.reads()
    completers[1].reply(Number(3))
    assert desk.reads()
    assert desk.replies() == [(6, b"\x91\x03")]
    desk._cancel()
    assert [txid for txid, _ in desk.replies()] == [5]


def test_misuse_is_the_owner_s_and_what_ends_the_process_comes_out(desk: Desk) -> None:
    error: Any = Misuse("wrong order")
    desk.answer(5, error)
    assert desk.misuses == [error]
    interrupted = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as raised:
        desk.answer(6, interrupted)
    assert raised.value is interrupted
