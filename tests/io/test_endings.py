from __future__ import annotations

import pytest

from ipcrt.errors import BadHandle, PeerClosed
from ipcrt.io.endings import END, hang_up, hung_up, is_end, reset
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.messages import FramedData, StreamData


def test_only_an_empty_frame_is_an_end() -> None:
    assert is_end(FramedData(END))
    assert not is_end(StreamData(b""))
    assert not is_end(FramedData(b"x"))


def test_hanging_up_ends_one_direction() -> None:
    near, far = Channel.create()
    with near, far:
        near.write(b"last")
        hang_up(near)
        assert far.read().data == b"last"
        with pytest.raises(PeerClosed):
            far.read()
        far.write(b"still")
        assert near.read().data == b"still"
        with pytest.raises(PeerClosed):
            near.write(b"more")
    with pytest.raises(BadHandle):
        hang_up(near)


def test_a_server_that_hung_up_is_told_from_one_that_did_not() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, BlockingResourceClient(near, port) as client:
        assert hung_up(client) is False
        far.close()
        assert hung_up(client) is True
        client.close()
        assert hung_up(client) is None
    assert isinstance(reset(), ConnectionResetError)
