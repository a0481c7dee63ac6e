"""The engine of a data channel: what is read ahead, and what is left alone."""

from __future__ import annotations

import pytest

from ipcrt.errors import BadState, IpcError, PeerClosed, Status
from ipcrt.objects._fd import duplicate_fd
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.link import LOOK_AHEAD, LOOK_AHEAD_BYTES, SENDER_RIGHTS, Link
from ipcrt.resources.messages import ERROR, FRAMED_DATA, FramedData
from tests.resources.raw import message


def _serve(port: BlockingPort) -> None:
    for _ in range(200):
        port.dispatch(0)


def test_nothing_is_read_before_somebody_wants_it() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        link = Link(near, port, None)
        far.write(message(FRAMED_DATA.ordinal, [b"x"]))
        _serve(port)
        assert not any(link.statistics().values())
        with link.release() as moved:
            assert moved.read().data == message(FRAMED_DATA.ordinal, [b"x"])


@pytest.mark.parametrize(
    "size, most", [(10, LOOK_AHEAD), (200_000, LOOK_AHEAD_BYTES // 200_000 + 1)]
)
def test_a_little_is_read_ahead(size: int, most: int) -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        link = Link(near, port, None)
        link.want()
        for _ in range(LOOK_AHEAD + 4):
            far.write(message(FRAMED_DATA.ordinal, [bytes(size)]))
            _serve(port)
        assert link.statistics()["read_ahead"] == most
        for _ in range(LOOK_AHEAD + 4):
            _serve(port)
            assert link.take() == FramedData(bytes(size))
        assert link.take() is None
        link.close()


def test_what_is_read_ahead_outlives_the_channel() -> None:
    near, far = Channel.create()
    with BlockingPort() as port:
        link = Link(near, port, None)
        link.want()
        with far:
            far.write(message(FRAMED_DATA.ordinal, [b"x"]))
        _serve(port)
        assert link.connection.error is not None
        assert link.take() == FramedData(b"x")
        with pytest.raises(PeerClosed):
            link.take()


def test_a_link_that_waits_for_room_does_not_move() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        link = Link(near, port, None)
        data = link.encode(FRAMED_DATA, FramedData(bytes(30_000)))
        while (sending := link.post(data, 30_000)) is None:
            pass
        with pytest.raises(BadState, match="backlog 1"):
            link.release()
        link.withdraw(sending)
        assert link.sent_bytes % 30_000 == 0
        link.close()
        with pytest.raises(Exception, match="closed"):
            link.encode_error(Status.IO)


def test_a_channel_that_its_port_cannot_watch_is_closed() -> None:
    near, far = Channel.create()
    port = BlockingPort()
    port.close()
    with far:
        with pytest.raises(BadState):
            Link(near, port, None)
        with pytest.raises(PeerClosed):
            far.read()


def test_a_peer_that_goes_between_encoding_and_sending_is_the_reason() -> None:
    near, far = Channel.create()
    with BlockingPort() as port:
        link = Link(near, port, None)
        data = link.encode(FRAMED_DATA, FramedData(b"x"))
        link.want()
        far.close()
        _serve(port)
        assert link.connection.error is not None
        for send in (link.post, link.try_post):
            with pytest.raises(PeerClosed):
                send(data, 1)
        link.close()


def _say_why_and_go(far: Channel) -> None:
    far.write(message(FRAMED_DATA.ordinal, [b"x"]))
    for status in (Status.NO_SPACE, Status.IO):
        far.write(message(ERROR.ordinal, [int(status)]))
    far.close()


@pytest.mark.parametrize("way", ["post", "try_post"])
def test_who_listens_for_errors_learns_why_the_peer_has_gone(way: str) -> None:
    near, far = Channel.create()
    told: list[IpcError] = []
    with BlockingPort() as port:
        link = Link(near, port, told.append)
        _say_why_and_go(far)
        with pytest.raises(PeerClosed):
            getattr(link, way)(link.encode(FRAMED_DATA, FramedData(b"y")), 1)
        assert [error.status for error in told] == [Status.NO_SPACE, Status.IO]
        assert link.take() == FramedData(b"x")
        link.close()


def test_who_waits_for_room_when_the_peer_goes_learns_why() -> None:
    near, far = Channel.create()
    told: list[IpcError] = []
    with BlockingPort() as port:
        link = Link(near, port, told.append)
        data = link.encode(FRAMED_DATA, FramedData(bytes(30_000)))
        while (sending := link.post(data, 30_000)) is None:
            pass
        _say_why_and_go(far)
        with pytest.raises(PeerClosed):
            port.run_until(sending.waiter, 10)
        assert [error.status for error in told] == [Status.NO_SPACE, Status.IO]
        link.close()


def test_a_clone_that_only_sends_reads_nothing_of_its_owners() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, near:
        clone = Link(Channel(duplicate_fd(near.fileno()), SENDER_RIGHTS), port, None)
        _say_why_and_go(far)
        with pytest.raises(PeerClosed):
            clone.post(clone.encode(FRAMED_DATA, FramedData(b"y")), 1)
        clone.close()
        assert near.read().data == message(FRAMED_DATA.ordinal, [b"x"])
