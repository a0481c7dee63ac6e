"""Messages in and out of one channel, on a port that is served by hand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import pytest

from ipcrt.bindings.connection import Connection
from ipcrt.errors import BadHandle, BadState, Canceled, IpcError, PeerClosed, RemoteProtocolError
from ipcrt.objects import _scm, spill
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire import limits
from ipcrt.wire.frames import Body, encode
from ipcrt.wire.header import MORE
from ipcrt.wire.limits import MAX_PACKET_BYTES
from tests.bindings.hand import fill, hung_up, null, received, serve_turns
from tests.support.proc import open_fds


class Scene:
    """A connection that notes what it is told, and its peer."""

    def __init__(self, port: BlockingPort, max_message_bytes: int = 1 << 20) -> None:
        ours, self.peer = Channel.create()
        self.port = port
        self.heard: list[tuple[int, bytes, int]] = []
        self.ended: list[IpcError] = []
        self.drained = 0
        self.peer_gone = 0
        self.then: Callable[[], object] | None = None
        self.connection = Connection(
            "the peer",
            ours,
            port,
            self.hear,
            self.ended.append,
            on_drained=self.drain,
            on_peer_gone=self.lose,
            max_message_bytes=max_message_bytes,
        )

    def hear(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        del ordinal, flags
        self.heard.append((txid, bytes(body), len(handles)))
        close_all(handles)
        if self.then is not None:
            self.then()

    def drain(self) -> None:
        self.drained += 1

    def lose(self) -> None:
        self.peer_gone += 1

    def turn(self) -> None:
        serve_turns(self.port)

    @property
    def txids(self) -> list[int]:
        return [txid for txid, _, _ in self.heard]

    def close(self) -> None:
        self.connection.close(PeerClosed("the test is over"))
        self.peer.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with BlockingPort() as port:
        scene = Scene(port)
        yield scene
        scene.close()


def frame(txid: int, body: bytes = b"", handle_count: int = 0, flags: int = 0) -> bytes:
    return encode(txid, 7, flags, body, handle_count)


# ---------------------------------------------------------------------------------------- reading


def test_nothing_is_read_before_it_is_asked_for(scene: Scene) -> None:
    scene.peer.write(frame(1))
    scene.turn()
    assert scene.heard == []
    scene.connection.resume()
    scene.connection.resume()
    scene.turn()
    assert scene.heard == [(1, b"", 0)]


def test_messages_that_shared_a_packet_come_apart_with_their_handles(scene: Scene) -> None:
    scene.connection.resume()
    packet = frame(1, b"a", 1) + frame(2, b"bb") + frame(3, b"", 2)
    scene.peer.write(packet, [null(), null(), null()])
    scene.turn()
    assert scene.heard == [(1, b"a", 1), (2, b"bb", 0), (3, b"", 2)]


def test_more_is_read_at_once_only_where_it_is_promised(scene: Scene) -> None:
    scene.connection.resume()
    scene.peer.write(frame(1, flags=MORE))
    scene.peer.write(frame(2))
    scene.peer.write(frame(3))
    scene.port.dispatch()
    assert scene.txids == [1, 2]
    scene.port.dispatch()
    assert scene.txids == [1, 2, 3]


def test_a_promise_that_is_not_kept_costs_nothing(scene: Scene) -> None:
    scene.connection.resume()
    scene.peer.write(frame(1, flags=MORE))
    scene.turn()
    assert scene.txids == [1]
    assert scene.connection.error is None


def test_a_peer_that_always_promises_more_gets_a_fair_share(scene: Scene) -> None:
    scene.connection.resume()
    for txid in range(1, 21):
        scene.peer.write(frame(txid, flags=MORE))
    scene.port.dispatch()
    assert scene.txids == list(range(1, 17))
    scene.turn()
    assert scene.txids == list(range(1, 21))


def test_a_packet_of_many_messages_waits_for_its_next_turn(scene: Scene) -> None:
    scene.connection.resume()
    scene.peer.write(b"".join(frame(txid) for txid in range(1, 101)))
    scene.peer.write(frame(101))
    scene.port.dispatch()
    assert scene.txids == list(range(1, 65))
    assert scene.connection.unhandled == 36
    assert scene.connection.traffic() == {
        "received": 100,
        "sent": 0,
        "unhandled": 36,
        "backlog_bytes": 0,
    }
    scene.turn()
    assert scene.txids == list(range(1, 102))
    assert scene.connection.unhandled == 0
    scene.connection.outbox.post(frame(1))
    assert scene.connection.traffic() == {
        "received": 101,
        "sent": 1,
        "unhandled": 0,
        "backlog_bytes": 0,
    }


def test_while_paused_not_even_the_rest_of_a_packet_is_handled(scene: Scene) -> None:
    scene.then = scene.connection.pause
    scene.connection.resume()
    scene.peer.write(frame(1, flags=MORE) + frame(2, flags=MORE))
    scene.peer.write(frame(3))
    for heard in ([1], [1, 2], [1, 2, 3]):
        scene.turn()
        assert scene.txids == heard
        scene.connection.resume()


def test_pause_and_resume_in_one_handler_lose_nothing(scene: Scene) -> None:
    def blink() -> None:
        scene.connection.pause()
        scene.connection.resume()

    scene.then = blink
    scene.connection.resume()
    scene.peer.write(frame(1) + frame(2))
    scene.peer.write(frame(3))
    scene.turn()
    assert scene.txids == [1, 2, 3]


def test_a_handler_that_serves_the_port_is_not_entered_again(scene: Scene) -> None:
    depths: list[bool] = []

    def serve() -> None:
        depths.append(scene.connection.busy)
        before = len(scene.heard)
        scene.turn()
        assert len(scene.heard) == before

    scene.then = serve
    scene.connection.resume()
    scene.peer.write(frame(1) + frame(2))
    scene.peer.write(frame(3))
    scene.turn()
    assert scene.txids == [1, 2, 3]
    assert depths == [True] * 3
    assert not scene.connection.busy


# ---------------------------------------------------------------------------------------- breaches

GOOD = frame(1, b"", 1)
BAD = [
    pytest.param(b"x", "[R1]", id="short"),
    pytest.param(GOOD + b"x", "[R1]", id="a good message and a byte"),
    pytest.param(bytes(16), "[R3]", id="version 0"),
    pytest.param(frame(1)[:7] + b"\x28" + frame(1)[8:], "[R4]", id="reserved flag"),
    pytest.param(GOOD + frame(2, b"xyz")[:-1], "[R5]", id="truncated"),
    pytest.param(frame(1), "[R6]", id="handle of no message"),
    pytest.param(GOOD + frame(2, b"", 1), "[R6]", id="handle that did not come"),
    pytest.param(encode(1, 7, 0, bytes(1 << 20), 1), "exceeds", id="too long"),
]


@pytest.mark.parametrize("data, rule", BAD)
def test_bad_bytes_close_with_one_reason_and_no_handle(
    data: bytes, rule: str, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(open_fds())
    scene.connection.resume()
    scene.peer.write(data, [null()])
    scene.turn()
    assert scene.heard == []
    (error,) = scene.ended
    assert type(error) is RemoteProtocolError
    assert scene.connection.error is error
    assert rule in str(error)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the peer: closing <Channel fd=" in caplog.text
    assert hung_up(scene.peer)
    assert len(open_fds()) == before - 1
    assert scene.port.statistics() == scene.port.statistics() | {"watched_handles": 0, "waits": 0}


@pytest.mark.parametrize("size, ends", [(100, False), (101, True)])
def test_the_limit_counts_the_header_also_inside_a_packet(size: int, ends: bool) -> None:
    with BlockingPort() as port:
        scene = Scene(port, max_message_bytes=100)
        scene.connection.resume()
        scene.peer.write(frame(1) + frame(2, bytes(size - 16), 1), [null()])
        scene.turn()
        assert scene.txids == ([1] if ends else [1, 2])
        assert bool(scene.ended) is ends
        scene.close()


def test_a_defect_of_ours_ends_the_connection_and_is_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(open_fds())

    def stumble() -> None:
        raise KeyError("oops")

    scene.then = stumble
    scene.connection.resume()
    scene.peer.write(frame(1) + frame(2, b"", 1), [null()])
    scene.turn()
    assert scene.txids == [1]
    assert "our own mistake: KeyError('oops')" in str(scene.ended[0])
    assert caplog.records[0].exc_info is not None
    assert hung_up(scene.peer)
    assert len(open_fds()) == before - 1
    scene.then = None


# -------------------------------------------------------------------------------------- going out


def test_drained_is_told_when_what_waited_has_left(scene: Scene) -> None:
    scene.connection.resume()
    count = fill(scene.connection.channel)
    scene.connection.outbox.post(frame(1))
    scene.connection.outbox.post(frame(2))
    scene.turn()
    assert scene.drained == 0
    assert len(received(scene.peer)) == count
    scene.turn()
    assert scene.drained == 1
    assert [txid for txid, *_ in received(scene.peer)] == [1, 2]


# ----------------------------------------------------------------------------------------- the end


def test_what_the_peer_said_last_is_heard_before_it_is_gone(scene: Scene) -> None:
    scene.connection.resume()
    scene.peer.write(frame(1))
    scene.peer.write(frame(2))
    scene.peer.close()
    scene.turn()
    assert scene.txids == [1, 2]
    assert [type(error) for error in scene.ended] == [PeerClosed]


def test_a_peer_that_hangs_up_while_paused_is_told_of_and_still_heard(scene: Scene) -> None:
    scene.connection.resume()
    scene.connection.pause()
    scene.peer.write(frame(1))
    scene.turn()
    assert scene.peer_gone == 0
    scene.peer.close()
    scene.turn()
    assert (scene.peer_gone, scene.ended) == (1, [])
    scene.connection.resume()
    scene.turn()
    assert scene.txids == [1]
    assert [type(error) for error in scene.ended] == [PeerClosed]


def test_close_tells_nobody_and_drops_what_waits(scene: Scene) -> None:
    scene.connection.resume()
    fill(scene.connection.channel)
    outgoing = scene.connection.outbox.post(frame(1))
    assert outgoing is not None
    told: list[IpcError | None] = []
    outgoing.done = told.append
    reason, pending = PeerClosed("later"), Canceled("pending")
    scene.connection.close(reason, pending)
    scene.connection.close(PeerClosed("again"))
    assert told == [pending]
    assert scene.connection.error is reason
    assert scene.ended == []
    scene.connection.resume()
    scene.turn()
    assert scene.connection.channel.closed


def test_a_handler_may_close_its_connection_in_the_middle_of_a_packet(scene: Scene) -> None:
    before = len(open_fds())
    scene.then = lambda: scene.connection.close(PeerClosed("enough"))
    scene.connection.resume()
    scene.peer.write(frame(1) + frame(2, b"", 1), [null()])
    scene.turn()
    assert scene.txids == [1]
    assert scene.ended == []
    assert len(open_fds()) == before - 1


def test_fail_tells_once(scene: Scene) -> None:
    first = Canceled("first")
    scene.connection.fail(first)
    scene.connection.fail(Canceled("second"))
    scene.connection.refuse(RemoteProtocolError("third"))
    assert scene.ended == [first]


def test_a_port_that_closes_cuts_the_connection_off(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.connection.resume()
    scene.port.close()
    assert [type(error) for error in scene.ended] == [Canceled]
    assert hung_up(scene.peer)
    assert not caplog.records


def test_a_closed_port_is_not_served() -> None:
    with BlockingPort() as port:
        scene = Scene(port)
    with pytest.raises(BadState):
        scene.connection.resume()
    scene.close()


def test_release_leaves_the_unread_messages_in_the_channel(scene: Scene) -> None:
    scene.connection.resume()
    scene.peer.write(b"unread")
    with pytest.raises(BadState, match="scene: cannot move the channel: calls 2"):
        scene.connection.release("scene", {"calls": 2, "backlog": 0})
    with scene.connection.release("scene", {"calls": 0}) as channel:
        assert channel.read().data == b"unread"
        assert scene.connection.channel.closed
        scene.turn()
        assert scene.ended == []
        assert scene.port.statistics()["watched_handles"] == 0
        with pytest.raises(BadHandle, match="scene: the channel was moved out"):
            scene.connection.release("scene", {})


def test_a_spilled_message_is_one_message(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    before = len(open_fds())
    scene.connection.resume()
    with caplog.at_level(logging.WARNING):
        scene.peer.write(frame(1, bytes(MAX_PACKET_BYTES), 1), [null()])
        scene.turn()
    assert scene.heard == [(1, bytes(MAX_PACKET_BYTES), 1)]
    assert len(open_fds()) == before
    assert not caplog.records


def test_both_rooms_below_mean_the_same_limits() -> None:
    """They do not know each other: one keeps them when it sends, the other when it frames."""
    assert spill.MAX_MESSAGE_BYTES == limits.MAX_MESSAGE_BYTES
    assert _scm.MAX_PACKET_BYTES == limits.MAX_PACKET_BYTES
    assert _scm.MAX_HANDLES == limits.MAX_HANDLES
