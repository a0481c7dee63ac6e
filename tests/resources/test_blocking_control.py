"""Clients that block; what they share with those that await is in test_behaviour."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ipcrt.errors import BadState, Canceled, PeerClosed, ShouldWait, TimedOut
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.control import send_connect
from tests.resources.clients import serving
from tests.resources.raw import null


def test_a_deadline_ends_a_call_that_nobody_answers() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far, BlockingResourceClient(near, port) as client:
        for call in (
            lambda: client.open("x:", timeout=0.001),
            lambda: client.invoke("x:", "m", timeout=0.001),
            lambda: client.pipe("x:", null(), timeout=0.001),
        ):
            with pytest.raises(TimedOut):
                call()
        assert client.statistics()["calls_given_up"] == 3


def test_a_thread_that_waits_is_told_that_the_server_is_gone() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, BlockingResourceClient(near, port) as client:
        closer = threading.Timer(0.01, far.close)
        closer.start()
        with pytest.raises(PeerClosed):
            client.open("x:", timeout=None)
        closer.join()


def test_several_data_channels_share_a_thread() -> None:
    with (
        serving("asyncio") as listen,
        BlockingPort() as port,
        BlockingResourceClient(send_connect(listen), port) as client,
        client.open("echo://a") as a,
        client.open("echo://b") as b,
    ):
        for number in range(100):
            text = str(number).encode()
            a.send_frame(b"a" + text)
            b.send_frame(b"b" + text)
            assert client.invoke(None, "version") == b"1"
            assert b.recv().data == b"b" + text
            assert a.recv().data == b"a" + text


def test_another_thread_is_refused() -> None:
    near, far = Channel.create()
    refused: list[BaseException] = []

    def use() -> None:
        try:
            client.open("x:")
        except BadState as error:
            refused.append(error)

    with BlockingPort() as port, far, BlockingResourceClient(near, port) as client:
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert not any(client.statistics().values())
    assert len(refused) == 1


def test_an_interrupted_call_leaves_the_channel_usable() -> None:
    with (
        serving("asyncio") as listen,
        BlockingPort() as port,
        BlockingResourceClient(send_connect(listen), port) as client,
        client.open("echo://x") as data,
    ):
        for call in (
            lambda: client.invoke("echo://x", "later", b"30", timeout=None),
            data.recv,
            lambda: next(data.errors()),
        ):
            stop = threading.Event()
            thread = threading.Thread(target=_interrupt, args=(port, stop))
            thread.start()
            with pytest.raises(Canceled):
                call()
            stop.set()
            thread.join()
        while client.statistics()["calls_given_up"]:
            assert client.invoke("echo://x", "later", b"5") == b"5"
        data.send_frame(b"on it goes")
        assert data.recv().data == b"on it goes"
        assert not any(data.statistics().values())


def _interrupt(port: BlockingPort, stop: threading.Event) -> None:
    while not stop.wait(0.001):
        if port.interrupt():
            return


def test_a_blocking_call_on_an_event_loop_says_so_and_sends_nothing() -> None:
    near, far = Channel.create()
    left, right = Channel.create()

    async def use() -> None:
        for call in (
            lambda: client.open("x:"),
            lambda: client.invoke("x:", "m"),
            lambda: client.pipe("x:", data),
            lambda: data.send_frame(b"x"),
            lambda: data.send_stream(b"x"),
            data.recv,
        ):
            with pytest.raises(BadState):
                call()

    with (
        BlockingPort() as port,
        far,
        right,
        BlockingResourceClient(near, port) as client,
        BlockingDataChannel(left, port) as data,
    ):
        asyncio.run(use())
        assert not any(client.statistics().values())
        for end in (far, right):
            with pytest.raises(ShouldWait):
                end.read()
