"""What one message may hold."""

from __future__ import annotations

import pytest

from ipcrt.errors import LocalProtocolError
from ipcrt.resources import limits
from ipcrt.resources.messages import FRAMED_DATA, STREAM_DATA, FramedData, StreamData
from ipcrt.wire.frames import encode
from ipcrt.wire.limits import MAX_PACKET_BYTES


def test_the_longest_part_of_a_stream_fills_a_packet() -> None:
    body, _ = STREAM_DATA.request.encode(StreamData(bytes(limits.MAX_STREAM_BYTES)))
    assert len(encode(0, STREAM_DATA.ordinal, 0, body)) == MAX_PACKET_BYTES


def test_nothing_longer_is_sent() -> None:
    with pytest.raises(LocalProtocolError):
        STREAM_DATA.request.encode(StreamData(bytes(limits.MAX_STREAM_BYTES + 1)))
    with pytest.raises(LocalProtocolError):
        FRAMED_DATA.request.encode(FramedData(bytes(limits.MAX_FRAME_BYTES + 1)))
