"""Accepting in a plain thread, of a server that listens for it."""

from __future__ import annotations

import threading

import pytest

from ipcrt.errors import Canceled, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_accepting import BlockingAccepting
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.control import send_connect


def test_each_who_comes_is_a_data_channel() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far, BlockingAccepting(near, port) as accepting:
        with pytest.raises(TimedOut):
            accepting.accept(timeout=0.01)
        ends: list[Channel] = []
        coming = threading.Timer(0.02, lambda: ends.append(send_connect(far)))
        coming.start()
        with accepting.accept(timeout=10) as data:
            coming.join()
            with BlockingDataChannel(ends[0], port) as other:
                data.send_stream(b"hello")
                assert other.recv().data == b"hello"
        assert accepting.statistics() == {"arrived": 0, "waiters": 0}


def test_another_thread_ends_the_waiting() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far, BlockingAccepting(near, port) as accepting:

        def interrupt() -> None:
            while not port.interrupt():
                pass

        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(Canceled):
            accepting.accept()
        other.join()
        with send_connect(far), accepting.accept(timeout=10):  # it goes on
            pass
