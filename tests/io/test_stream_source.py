from __future__ import annotations

from typing import Any

import pytest

from ipcrt.errors import BadHandle, IpcError, NoResources, PeerClosed, ShouldWait, TimedOut
from ipcrt.io.stream_source import Leftover, StreamSource
from ipcrt.io.ways import ThreadData, run_now
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.limits import MAX_STREAM_BYTES
from ipcrt.resources.link import Received
from ipcrt.resources.messages import FramedData


class NoServer:
    """A way to no server; tells that it is there, or not."""

    def __init__(self, *, gone: bool) -> None:
        self._gone = gone

    async def server_gone(self) -> bool:
        return self._gone


def test_what_is_left_of_a_message_comes_first() -> None:
    left = Leftover()
    assert not left
    left.keep(b"abcd")
    room = memoryview(bytearray(3))
    assert left.move_into(room) == 3
    assert left
    assert left.move_into(room) == 1
    assert bytes(room) == b"dbc"
    assert not left


def _pair(port: BlockingPort, *, reads: bool, gone: bool = False) -> tuple[Any, StreamSource]:
    near, far = Channel.create()
    data = ThreadData(BlockingDataChannel(near, port))
    ways: Any = NoServer(gone=gone)
    return BlockingDataChannel(far, port), StreamSource(data, ways, reads=reads)


def test_a_write_is_one_packet() -> None:
    with BlockingPort() as port:
        peer, source = _pair(port, reads=True)
        assert run_now(source.write(memoryview(bytes(200_000)), None)) == MAX_STREAM_BYTES
        assert len(peer.recv().data) == MAX_STREAM_BYTES
        run_now(source.finish(None))
        assert peer.recv() == FramedData(b"")
        peer.close()
        with pytest.raises(PeerClosed):
            run_now(source.write(memoryview(b"x"), None))
        source.close()
        with pytest.raises(BadHandle):
            run_now(source.write(memoryview(b"x"), None))


@pytest.mark.parametrize("gone", [False, True])
def test_a_closing_is_an_end_if_the_server_lives(gone: bool) -> None:
    with BlockingPort() as port:
        peer, source = _pair(port, reads=True, gone=gone)
        room = memoryview(bytearray(8))
        peer.send_stream(b"all")
        peer.close()
        assert run_now(source.read_into(room, None)) == 3
        if gone:
            with pytest.raises(ConnectionResetError):
                run_now(source.read_into(room, None))
        else:
            assert run_now(source.read_into(room, None)) == 0
        source.close()


def test_finishing_waits_for_an_answer_then_hangs_up_then_gives_up() -> None:
    with BlockingPort() as port:
        peer, source = _pair(port, reads=False)
        peer.send_frame(b"")
        run_now(source.finish(1))
        source.close()
        peer.close()
        peer, source = _pair(port, reads=False)
        with pytest.raises(TimedOut):
            run_now(source.finish(0.1))
        assert peer.recv() == FramedData(b"")
        with pytest.raises(PeerClosed):
            peer.recv()
        source.close()
        peer.close()


class ClosedMeanwhile:
    """A data channel whose server tells an error and closes while a write is on its way."""

    def __init__(self) -> None:
        self._told: list[IpcError] = [ShouldWait(), NoResources("full")]

    def try_recv(self) -> Received:
        raise self._told.pop(0)

    async def send_stream(self, data: object, *, timeout: float | None = None) -> None:
        raise PeerClosed


def test_a_write_tells_why_the_server_has_closed() -> None:
    data: Any = ClosedMeanwhile()
    ways: Any = NoServer(gone=False)
    source = StreamSource(data, ways, reads=False)
    with pytest.raises(NoResources):
        run_now(source.write(memoryview(b"x"), None))
