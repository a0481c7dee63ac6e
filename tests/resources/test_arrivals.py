"""Who comes by a listen channel, and what does not belong there."""

from __future__ import annotations

import pytest

from ipcrt.errors import AccessDenied, BadHandle, PeerClosed, RemoteProtocolError, Status, WrongType
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.arrivals import AHEAD, Arrivals
from ipcrt.resources.control import send_connect
from ipcrt.resources.messages import CONNECT, OPEN
from ipcrt.wire.epitaph import encode_epitaph
from tests.resources.raw import message, null, place


def _serve(port: BlockingPort) -> None:
    for _ in range(100):
        port.dispatch(0)


def test_a_few_wait_here_and_the_others_there() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        arrivals = Arrivals(near, port)
        came = [send_connect(far) for _ in range(AHEAD + 2)]
        _serve(port)
        assert arrivals.statistics() == {"arrived": AHEAD, "waiters": 0}
        for number, end in enumerate(came):
            _serve(port)
            channel = arrivals.take()
            assert channel is not None
            with channel, end:
                channel.write(bytes((number,)))
                assert end.read().data == bytes((number,))
        assert arrivals.take() is None
        arrivals.close()
        with pytest.raises(PeerClosed):
            far.read()


def test_those_who_have_come_are_there_when_the_server_has_gone() -> None:
    near, far = Channel.create()
    with BlockingPort() as port:
        arrivals = Arrivals(near, port)
        with far:
            came = send_connect(far)
            far.write(encode_epitaph(Status.ACCESS_DENIED))
        _serve(port)
        channel = arrivals.take()
        assert channel is not None
        channel.close()
        came.close()
        with pytest.raises(AccessDenied):
            arrivals.take()


def test_who_was_not_taken_is_turned_away() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far, send_connect(far) as came:
        arrivals = Arrivals(near, port)
        _serve(port)
        arrivals.close()
        arrivals.close()
        with pytest.raises(PeerClosed):
            came.read()
        with pytest.raises(BadHandle):
            arrivals.take()


@pytest.mark.parametrize("what", ["no channel", "another message", "a txid", "too little"])
def test_what_does_not_belong_there_ends_it(what: str) -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        arrivals = Arrivals(near, port)
        if what == "no channel":
            far.write(message(CONNECT.ordinal, [place(0)], 1), [null()])
        elif what == "another message":
            far.write(message(OPEN.ordinal, [1, "file:///"]))
        elif what == "a txid":
            far.write(message(CONNECT.ordinal, [place(0)], 1, txid=7), [null()])
        else:
            far.write(message(CONNECT.ordinal, []))
        _serve(port)
        with pytest.raises(RemoteProtocolError):
            arrivals.take()
        arrivals.close()


def test_what_is_no_channel_stays_the_callers() -> None:
    with BlockingPort() as port, null() as handle:
        with pytest.raises(WrongType):
            Arrivals(handle, port)
        assert not handle.closed
