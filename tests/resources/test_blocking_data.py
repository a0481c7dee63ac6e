"""Data channels of plain threads; what they share with those that await is in test_behaviour."""

from __future__ import annotations

import threading

import pytest

from ipcrt.errors import BadState, IpcError, PeerClosed, Status, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_data import BlockingDataChannel, BlockingDataSender


def test_two_threads_talk_and_wait_for_room() -> None:
    near, far = Channel.create()
    stream = bytes(range(256)) * 20_000

    def send() -> None:
        with BlockingPort() as port, BlockingDataChannel(far, port) as data:
            data.send_stream(stream)
            data.send_error(Status.IO)

    thread = threading.Thread(target=send)
    thread.start()
    with BlockingPort() as port, BlockingDataChannel(near, port) as data:
        came = b""
        while len(came) < len(stream):
            came += data.recv().data
        assert came == stream
        with pytest.raises(IpcError):
            data.recv()
        with pytest.raises(PeerClosed):
            data.recv()
        assert list(data) == []
    thread.join()


def test_a_deadline_ends_a_wait_and_leaves_nothing() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far, BlockingDataChannel(near, port) as data:
        with pytest.raises(TimedOut):
            data.recv(timeout=0.001)
        with pytest.raises(TimedOut):
            data.send_stream(bytes(10 << 20), timeout=0.001)
        assert not any(data.statistics().values())


def test_errors_are_iterated_over() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, BlockingDataChannel(near, port) as a:
        with BlockingDataSender(far, port) as b:
            for _ in range(20):
                b.send_error(Status.IO)
            b.send_frame(b"behind them")
        errors = a.errors()
        assert [next(errors).status for _ in range(20)] == [Status.IO] * 20
        assert a.recv().data == b"behind them"
        assert list(errors) == []
        errors.close()
        assert list(errors) == []


def test_another_thread_is_refused() -> None:
    near, far = Channel.create()
    refused: list[BaseException] = []

    def use() -> None:
        for call in (data.recv, lambda: data.send_frame(b"x")):
            try:
                call()
            except BadState as error:
                refused.append(error)

    with BlockingPort() as port, far, BlockingDataChannel(near, port) as data:
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert len(refused) == 2
