"""What both kinds of data channel share, beside what their own tests use of it."""

from __future__ import annotations

import array

import pytest

from ipcrt.errors import ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.data_end import parts_of, size_of
from ipcrt.resources.limits import MAX_STREAM_BYTES


def test_a_stream_is_cut_without_copying() -> None:
    data = bytearray(2 * MAX_STREAM_BYTES + 1)
    parts = list(parts_of(data))
    assert [len(part) for part in parts] == [MAX_STREAM_BYTES, MAX_STREAM_BYTES, 1]
    assert all(part.obj is data for part in parts)
    assert list(parts_of(b"")) == []


def test_sizes_are_in_bytes_whatever_the_items_are() -> None:
    numbers = memoryview(array.array("I", [1, 2, 3]))
    assert size_of(numbers) == 12
    assert [len(part) for part in parts_of(numbers)] == [12]


def test_what_is_here_is_taken_without_waiting() -> None:
    near, far = Channel.create()
    with (
        BlockingPort() as port,
        BlockingDataChannel(near, port) as a,
        BlockingDataChannel(far, port) as b,
    ):
        with pytest.raises(ShouldWait):
            a.try_recv()
        b.try_send_frame(bytearray(b"frame"))
        assert b.try_send_stream(memoryview(b"stream")) == 6
        assert [a.try_recv().data for _ in range(2)] == [b"frame", b"stream"]
        with pytest.raises(ShouldWait):
            a.try_recv()
        assert not a.closed
        assert str(a.channel.fileno()) in repr(a)
