"""The client's engine against a server that is bytes by hand."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from ipcrt.bindings.call import Call
from ipcrt.bindings.client import Client
from ipcrt.bindings.tables import Event
from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    BadState,
    Canceled,
    IpcError,
    LocalProtocolError,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    TimedOut,
    Unavailable,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import ALL, Rights
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from tests.bindings.calc import File, Number, Pair, Text
from tests.bindings.hand import (
    ADD,
    GIVE,
    KEEP,
    ON_FILE,
    ON_NEWS,
    SAY,
    Tiny,
    fill,
    hung_up,
    null,
    raw,
    received,
    serve_turns,
)
from tests.support.proc import open_fds

FIVE = b"\x91\x05"
FILE = b"\x91\xd4\x01\x00"
GIVEN = b"\x92\x01" + FILE
TEXT = b"\x91\xa2hi"
STRANGER = 0x123456789


class Scene:
    """A client on a plain thread, and the server's channel."""

    def __init__(self, port: BlockingPort) -> None:
        ours, self.peer = Channel.create()
        self.port = port
        self.heard: list[str] = []
        self.mishap: Exception | None = None
        self.client = Client(ours, port, Tiny.TABLE, self.hear)

    def hear(self, event: Event[Any], payload: Any) -> None:
        if self.mishap is not None:
            raise self.mishap
        self.heard.append(event.name)
        if isinstance(payload, File):
            payload.file.close()

    def turn(self) -> None:
        serve_turns(self.port)

    def add(self, timeout: float | None = None) -> Call[Number]:
        return self.client.begin(ADD, Pair(2, 3), timeout)

    def give(self) -> Call[File]:
        return self.client.begin(GIVE, File(null()), None)

    def end(self, call: Call[Any]) -> Any:
        """What the caller of a call that is over gets."""
        assert call.waiter.done()
        try:
            self.port.run_until(call.waiter)
            return self.client.result(call)
        finally:
            self.client.give_up(call)

    def close(self) -> None:
        self.client.close()
        self.peer.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with BlockingPort() as port:
        scene = Scene(port)
        yield scene
        scene.close()


# ------------------------------------------------------------------------------------------ calls


def test_a_call_is_its_bytes_and_its_reply(scene: Scene) -> None:
    call = scene.add()
    assert received(scene.peer) == [(1, ADD.ordinal, 0x20, b"\x92\x02\x03")]
    assert scene.client.statistics() == {"calls": 1, "calls_given_up": 0, "backlog": 0}
    scene.peer.write(raw(1, ADD, FIVE))
    scene.turn()
    assert scene.end(call) == Number(5)
    assert scene.client.statistics() == {"calls": 0, "calls_given_up": 0, "backlog": 0}


def test_txids_go_round_and_spare_those_in_use(scene: Scene) -> None:
    scene.client._txid = (1 << 31) - 2
    calls = [scene.add() for _ in range(3)]
    assert [call.txid for call in calls] == [(1 << 31) - 1, 1, 2]
    scene.client.give_up(calls[0])  # given up: its reply is owed, so its txid is in use
    scene.client._txid = (1 << 31) - 2
    last = scene.add()
    assert last.txid == 3
    for call in (*calls[1:], last):
        scene.client.give_up(call)


def test_a_late_reply_is_known_and_its_handles_are_closed(scene: Scene) -> None:
    before = len(open_fds())
    call = scene.give()
    scene.peer.read().close()
    scene.client.give_up(call)
    assert scene.client.statistics()["calls_given_up"] == 1
    scene.peer.write(raw(call.txid, GIVE, GIVEN, 1), [null()])
    scene.turn()
    assert scene.client.statistics()["calls_given_up"] == 0
    assert scene.client.connection.error is None
    assert len(open_fds()) == before


def test_a_reply_that_its_caller_does_not_take_is_closed(scene: Scene) -> None:
    before = len(open_fds())
    call = scene.give()
    scene.peer.read().close()
    scene.peer.write(raw(call.txid, GIVE, GIVEN, 1), [null()])
    scene.turn()
    assert call.waiter.done()
    scene.client.give_up(call)
    assert len(open_fds()) == before
    assert not scene.port.statistics()["deadlines"]


def test_a_reply_behind_the_deadline_does_not_undo_it(scene: Scene) -> None:
    before = len(open_fds())
    call = scene.give()
    scene.peer.read().close()
    call.expire()
    scene.peer.write(raw(call.txid, GIVE, GIVEN, 1), [null()])
    scene.turn()
    assert len(open_fds()) == before
    with pytest.raises(TimedOut):
        scene.end(call)
    assert scene.client.statistics() == {"calls": 0, "calls_given_up": 0, "backlog": 0}
    assert scene.client.connection.error is None


def test_finish_drops_the_deadline_and_may_be_said_twice(scene: Scene) -> None:
    call = scene.add(timeout=1000)
    assert scene.port.statistics()["deadlines"] == 1
    scene.client.give_up(call)
    scene.client.give_up(call)
    assert scene.port.statistics()["deadlines"] == 0
    assert scene.client.statistics()["calls_given_up"] == 1


def test_a_call_that_has_not_left_is_taken_back(scene: Scene) -> None:
    count = fill(scene.client.connection.channel)
    call = scene.give()
    assert scene.client.statistics() == {"calls": 1, "calls_given_up": 0, "backlog": 1}
    before = len(open_fds())
    scene.client.give_up(call)
    assert len(open_fds()) == before - 1
    assert scene.client.statistics() == {"calls": 0, "calls_given_up": 0, "backlog": 0}
    assert len(received(scene.peer)) == count


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param(raw(9, ADD, FIVE), "txid 9, no call in flight", id="unknown txid"),
        pytest.param(raw(1, GIVE, b"\x92\x03\xff"), "reply with ordinal", id="wrong ordinal"),
        pytest.param(encode_epitaph(0, 1), "failed with OK", id="failed with OK"),
    ],
)
def test_a_false_reply_ends_the_connection(
    data: bytes, reason: str, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    call = scene.add()
    scene.peer.write(data)
    scene.turn()
    with pytest.raises(RemoteProtocolError, match=reason):
        scene.end(call)
    received(scene.peer)
    assert hung_up(scene.peer)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_no_handle_of_a_false_reply_is_left(scene: Scene) -> None:
    before = len(open_fds())
    call = scene.add()
    scene.peer.write(raw(1, GIVE, GIVEN, 1), [null()])
    scene.turn()
    with pytest.raises(RemoteProtocolError):
        scene.end(call)
    scene.peer.close()
    assert len(open_fds()) == before - 2


def test_a_reply_that_does_not_decode_ends_the_connection(scene: Scene) -> None:
    first, second = scene.add(), scene.add()
    scene.peer.write(raw(first.txid, ADD, b"\x91\xa1x"))
    scene.turn()
    with pytest.raises(RemoteProtocolError, match="Number: "):
        scene.end(first)
    with pytest.raises(RemoteProtocolError, match="Number: "):
        scene.end(second)


def test_one_call_may_fail_alone(scene: Scene) -> None:
    first, second = scene.add(), scene.add()
    scene.peer.write(encode_epitaph(-28, first.txid))
    scene.peer.write(raw(second.txid, ADD, FIVE))
    scene.turn()
    with pytest.raises(Unavailable, match="add: the server answered UNAVAILABLE"):
        scene.end(first)
    assert scene.end(second) == Number(5)


def test_an_epitaph_fails_calls_that_are_pending_and_later_ones(scene: Scene) -> None:
    calls = [scene.add(), scene.add()]
    scene.peer.write(encode_epitaph(-28))
    scene.turn()
    raised: list[IpcError] = []
    for call in calls:
        with pytest.raises(Unavailable, match="closed the channel with UNAVAILABLE") as caught:
            scene.end(call)
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    with pytest.raises(Unavailable):
        scene.add()
    with pytest.raises(Unavailable):
        scene.client.send(SAY, Text("hi"))


@pytest.mark.parametrize("status, kind", [(0, PeerClosed), (-7777, IpcError)])
def test_an_epitaph_may_be_ok_or_unheard_of(
    status: int, kind: type[IpcError], scene: Scene
) -> None:
    call = scene.add()
    scene.peer.write(encode_epitaph(status))
    scene.turn()
    with pytest.raises(kind):
        scene.end(call)


def test_a_writer_learns_of_the_epitaph_that_it_has_not_read(scene: Scene) -> None:
    scene.peer.write(encode_epitaph(-28))
    scene.peer.close()
    call = scene.add()
    sending = scene.client.send(SAY, Text("hi"))
    assert sending is not None
    scene.turn()
    with pytest.raises(Unavailable):
        scene.end(call)
    with pytest.raises(Unavailable):
        scene.port.run_until(sending.waiter)
    scene.client.withdraw(sending)


# ------------------------------------------------------------------------------- what is not sent


def test_a_wrong_request_leaves_its_handles_and_costs_no_call(scene: Scene) -> None:
    with null() as file:
        wrong: Any = Pair(file, 1)  # type: ignore[arg-type]
        with pytest.raises(LocalProtocolError):
            scene.client.begin(ADD, wrong, None)
        assert not file.closed
    assert scene.client.statistics()["calls"] == 0
    assert received(scene.peer) == []


def test_a_handle_that_may_not_be_sent_stays(scene: Scene) -> None:
    with Handle(null().take(), ALL & ~Rights.TRANSFER) as file:
        with pytest.raises(AccessDenied):
            scene.client.begin(GIVE, File(file), None)
        with pytest.raises(AccessDenied):
            scene.client.send(KEEP, File(file))
        assert not file.closed
    with pytest.raises(BadHandle):
        scene.client.begin(GIVE, File(file), None)
    assert scene.client.statistics()["calls"] == 0


def test_what_does_not_go_at_once_is_not_sent(scene: Scene) -> None:
    count = fill(scene.client.connection.channel)
    file = null()
    with pytest.raises(ShouldWait):
        scene.client.send_now(KEEP, File(file))
    assert file.closed
    assert scene.client.statistics()["backlog"] == 0
    assert len(received(scene.peer)) == count


def test_what_nobody_waits_for_goes_when_there_is_room(scene: Scene) -> None:
    fates: list[IpcError | None] = []
    assert not scene.client.send_soon(SAY, Text("hi"), fates.append)
    fill(scene.client.connection.channel)
    file = null()
    assert scene.client.send_soon(KEEP, File(file), fates.append)
    assert file.closed
    assert scene.client.statistics()["backlog"] == 1
    received(scene.peer)
    scene.turn()
    assert fates == [None]
    with scene.peer.read().handles[0]:
        pass


def test_what_nobody_waits_for_is_dropped_with_the_peer(scene: Scene) -> None:
    fates: list[IpcError | None] = []
    before = len(open_fds())
    fill(scene.client.connection.channel)
    assert scene.client.send_soon(KEEP, File(null()), fates.append)
    scene.peer.close()
    scene.turn()
    assert [type(fate) for fate in fates] == [PeerClosed]
    assert len(open_fds()) == before - 2  # both ends of the channel


# ----------------------------------------------------------------------------------------- events


def test_events_are_told_before_the_reply_behind_them(scene: Scene) -> None:
    before = len(open_fds())
    call = scene.add()
    scene.peer.write(raw(0, ON_NEWS, TEXT) + raw(0, ON_FILE, FILE, 1), [null()])
    scene.peer.write(raw(call.txid, ADD, FIVE))
    scene.turn()
    assert scene.heard == ["on_news", "on_file"]
    assert scene.end(call) == Number(5)
    assert len(open_fds()) == before


def test_a_listener_that_raises_is_logged_and_leaves_no_handle(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(open_fds())
    scene.mishap = KeyError("oops")
    scene.peer.write(raw(0, ON_FILE, FILE, 1), [null()])
    scene.turn()
    assert "the listener for on_file failed" in caplog.text
    assert scene.client.connection.error is None
    assert len(open_fds()) == before


def test_an_event_that_nobody_hears_leaves_no_handle(caplog: pytest.LogCaptureFixture) -> None:
    ours, peer = Channel.create()
    with BlockingPort() as port, peer, caplog.at_level(logging.INFO):
        client = Client(ours, port, Tiny.TABLE)
        before = len(open_fds())
        peer.write(raw(0, ON_FILE, FILE, 1), [null()])
        serve_turns(port)
        assert len(open_fds()) == before
        assert "nobody listens for on_file" in caplog.text
        client.close()


@pytest.mark.parametrize(
    "data, ends",
    [
        pytest.param(encode(0, STRANGER, FLEXIBLE, FILE, 1), False, id="unknown and flexible"),
        pytest.param(encode(0, STRANGER, 0, FILE, 1), True, id="unknown and strict"),
        pytest.param(raw(0, KEEP, FILE, 1), True, id="a request"),
        pytest.param(raw(0, ON_NEWS, TEXT, 1), True, id="a handle too many"),
    ],
)
def test_unknown_events(data: bytes, ends: bool, scene: Scene) -> None:
    before = len(open_fds())
    scene.peer.write(data, [null()])
    scene.turn()
    assert (type(scene.client.connection.error) is RemoteProtocolError) is ends
    assert scene.heard == []
    assert len(open_fds()) == before - ends


# ---------------------------------------------------------------------------------------- the end


def test_close_cancels_calls_and_refuses_later_ones(scene: Scene) -> None:
    call = scene.add()
    scene.client.close()
    scene.client.close()
    with pytest.raises(Canceled):
        scene.end(call)
    with pytest.raises(BadHandle):
        scene.add()
    assert scene.port.statistics() == scene.port.statistics() | {"watched_handles": 0, "waits": 0}


def test_a_closed_port_closes_the_channel() -> None:
    ours, peer = Channel.create()
    port = BlockingPort()
    port.close()
    with peer:
        with pytest.raises(BadState):
            Client(ours, port, Tiny.TABLE)
        assert hung_up(peer)


def test_an_end_that_owes_nothing_moves_with_its_unread_messages(scene: Scene) -> None:
    call = scene.add()
    with pytest.raises(BadState, match="cannot move the channel: calls 1"):
        scene.client.release()
    scene.peer.write(raw(call.txid, ADD, FIVE))
    scene.turn()
    assert scene.end(call) == Number(5)
    scene.peer.write(b"unread")
    with scene.client.release() as channel:
        assert channel.read().data == b"unread"
    with pytest.raises(BadHandle):
        scene.client.release()


def test_an_end_with_a_backlog_does_not_move(scene: Scene) -> None:
    fill(scene.client.connection.channel)
    sending = scene.client.send(SAY, Text("hi"))
    assert sending is not None
    with pytest.raises(BadState, match="backlog 1"):
        scene.client.release()
    scene.client.withdraw(sending)
    scene.client.release().close()
