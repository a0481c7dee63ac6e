"""Who hears the errors of a data channel, and for how long."""

from __future__ import annotations

import pytest

from ipcrt.errors import IpcError, PeerClosed, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.hearing import Hearing
from ipcrt.resources.link import Link
from ipcrt.resources.messages import ERROR
from tests.resources.raw import message


def test_errors_that_have_come_are_told_behind_the_closing_too() -> None:
    near, far = Channel.create()
    with BlockingPort() as port:
        link = Link(near, port, None)
        with Hearing(link):
            for status in (Status.NO_SPACE, Status.IO):
                far.write(message(ERROR.ordinal, [int(status)]))
            far.close()
            for _ in range(200):
                port.dispatch(0)
            link.close()
            heard = [link.take_error(), link.take_error()]
            assert [error.status for error in heard if error] == [Status.NO_SPACE, Status.IO]
            with pytest.raises(PeerClosed):
                link.take_error()


def test_what_one_has_not_heard_is_left_to_who_receives() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        link = Link(near, port, None)
        hearing = Hearing(link)
        far.write(message(ERROR.ordinal, [int(Status.IO)]))
        for _ in range(200):
            port.dispatch(0)
        hearing.close()
        hearing.close()
        assert hearing.link is None
        with pytest.raises(IpcError, match="IO"):
            link.take()
        link.close()
