"""Calls alone: txids, replies, late replies, messages read ahead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipcrt.errors import Canceled, InvalidArgs, NoResources, PeerClosed, ShouldWait
from ipcrt.objects.channel import Message
from ipcrt.objects.event import Event
from ipcrt.port.blocking_waiter import BlockingWaiter
from ipcrt.port.calls import MAX_GIVEN_UP, MAX_INBOX, Call, Calls


def start(calls: Calls) -> tuple[bytes, Call, BlockingWaiter[None]]:
    txid, _ = calls.address(b"....request")
    waiter = BlockingWaiter[None]()
    return txid, calls.start(txid, waiter), waiter


def reading(*messages: bytes | Message) -> Callable[[], Message]:
    """A channel's `read` that has these messages."""
    queue = [m if isinstance(m, Message) else Message(m, []) for m in messages]

    def read() -> Message:
        if not queue:
            raise ShouldWait
        return queue.pop(0)

    return read


def test_the_txid_is_fresh_and_has_the_kernels_bit() -> None:
    calls = Calls()
    seen: set[bytes] = set()
    for _ in range(100):
        txid, data = calls.address(b"????body")
        assert data == txid + b"body"
        assert int.from_bytes(txid, "little") >= 1 << 31
        seen.add(txid)
    assert len(seen) == 100


def test_a_call_needs_room_for_its_txid() -> None:
    with pytest.raises(InvalidArgs, match="3 bytes"):
        Calls().address(b"...")


def test_txids_that_are_in_use_are_passed_over_when_they_come_round() -> None:
    calls = Calls()
    first, _, _ = start(calls)
    second, given_up, _ = start(calls)
    calls.end(given_up)
    calls._txids = iter([(1 << 32) - 1, 1 << 32])  # type: ignore[assignment]
    assert calls.address(b"....")[0] == b"\xff\xff\xff\xff"
    assert calls.address(b"....")[0] not in (first, second)


def test_a_reply_goes_to_its_call_and_other_messages_to_the_reader() -> None:
    calls = Calls()
    txid, call, waiter = start(calls)
    read = reading(b"\1\0\0\0first", txid + b"reply", b"2")
    assert calls.next_message(read).data == b"\1\0\0\0first"
    assert calls.next_message(read).data == b"2"
    assert waiter.done()
    assert call.take().data == txid + b"reply"
    with pytest.raises(Canceled):
        call.take()
    calls.end(call)
    assert (calls.waiting, calls.given_up, calls.unread) == (0, 0, 0)


def test_messages_read_ahead_keep_their_order() -> None:
    calls = Calls()
    txid, call, _ = start(calls)
    read = reading(b"one.", b"two.", txid)
    for _ in range(3):
        calls.look(read)
    assert calls.unread == 2
    assert [calls.next_message(read).data for _ in range(2)] == [b"one.", b"two."]
    calls.end(call)


def test_a_late_reply_is_closed_with_its_handles() -> None:
    calls = Calls()
    txid, call, _ = start(calls)
    calls.end(call)
    assert calls.given_up == 1
    event = Event.create()
    calls.look(reading(Message(txid, [event])))
    assert event.closed
    assert (calls.given_up, calls.unread) == (0, 0)


def test_a_reply_that_nobody_took_is_closed() -> None:
    calls = Calls()
    txid, call, _ = start(calls)
    event = Event.create()
    calls.look(reading(Message(txid, [event])))
    calls.end(call)
    assert event.closed
    assert calls.given_up == 0


def test_a_second_reply_is_a_message_like_any_other() -> None:
    calls = Calls()
    txid, call, _ = start(calls)
    read = reading(txid + b"1", txid + b"2")
    calls.look(read)
    assert calls.next_message(read).data == txid + b"2"
    assert call.take().data == txid + b"1"
    calls.end(call)


def test_calls_given_up_are_bounded() -> None:
    calls = Calls()
    txids: list[bytes] = []
    for _ in range(MAX_GIVEN_UP):
        txid, call, _ = start(calls)
        calls.end(call)
        txids.append(txid)
    with pytest.raises(NoResources, match="4096"):
        calls.address(b"....")
    calls.look(reading(txids[0]))
    calls.address(b"....")


def test_the_inbox_says_when_it_is_full() -> None:
    calls = Calls()
    start(calls)
    for _ in range(MAX_INBOX):
        assert not calls.full
        calls.look(reading(b"more"))
    assert calls.full
    calls.close()
    assert calls.unread == 0


def test_every_call_fails_with_an_error_of_its_own() -> None:
    calls = Calls()
    error = PeerClosed("the peer is gone")
    started = [start(calls) for _ in range(2)]
    calls.fail(error)
    caught: list[BaseException] = []
    for _, call, waiter in started:
        with pytest.raises(PeerClosed, match="gone") as info:
            waiter.result()
        caught.append(info.value)
        calls.end(call)
    assert error not in caught
    assert caught[0] is not caught[1]
    assert calls.given_up == 0, "nobody owes a reply any more"


def test_a_call_whose_waiter_is_done_keeps_its_reply_for_end() -> None:
    """It was cancelled in the moment in which the reply came."""
    calls = Calls()
    txid, call, waiter = start(calls)
    waiter.abandon()
    event = Event.create()
    calls.look(reading(Message(txid, [event])))
    calls.fail(PeerClosed("gone"))
    calls.end(call)
    assert event.closed
