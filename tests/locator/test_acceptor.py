from __future__ import annotations

import os
import resource
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ipcrt.errors import Status
from ipcrt.locator.acceptor import Acceptor
from ipcrt.locator.connect import try_connect
from ipcrt.locator.listener import Listener
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.wire.epitaph import decode_epitaph
from ipcrt.wire.frames import split
from tests.locator.test_locator import opened
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

anyio = pytest.mark.anyio


@contextmanager
def no_descriptors_left() -> Generator[None, None, None]:
    """Fill this process's descriptor table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    filling: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_fds()) + 1, hard))
    try:
        while True:
            filling.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in filling:
            os.close(fd)


def test_so_many_in_one_turn_and_none_after_the_end(tmp_path: Path) -> None:
    path = tmp_path / "locator"
    taken: list[Channel] = []
    clients: list[Channel] = []

    def connect() -> None:
        channel = try_connect(os.fspath(path))
        assert channel is not None
        clients.append(channel)

    with (
        Listener.bind(path) as listener,
        Handle(os.dup(listener.fileno())) as handle,
        BlockingPort() as port,
    ):
        acceptor = Acceptor(port, taken.append)
        for _ in range(100):
            connect()
        acceptor.listen(handle)
        port.dispatch(1.0)
        assert len(taken) == 64
        port.dispatch(1.0)
        assert len(taken) == 100
        assert not any(os.get_inheritable(channel.fileno()) for channel in taken)
        acceptor.stop()
        connect()
        port.dispatch(0.01)
        assert len(taken) == 100
        acceptor.listen(handle)
        port.dispatch(1.0)
        assert len(taken) == 101
        acceptor.close()
        acceptor.close()
    for channel in (*taken, *clients):
        channel.close()


@anyio
async def test_out_of_descriptors_clients_are_told_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as place, place.client() as first:
        channels = [place.dialled() for _ in range(3)]
        with no_descriptors_left():
            for channel in channels:  # which stay open: each would give a descriptor back
                await place.port.wait_one(channel, Signals.READABLE | Signals.PEER_CLOSED, 20.0)
                (frame,) = split(memoryview(channel.read().data), 0)
                assert decode_epitaph(frame[3]) == Status.NO_RESOURCES
            assert (await first.proxy.get_identity()).identity.pid == os.getpid()
        for channel in channels:
            channel.close()
        assert [record.getMessage() for record in caplog.records] == [
            "cannot accept a client: [Errno 24] Too many open files"
        ] * 3
        async with place.client():
            assert place.clients() == 2


@anyio
async def test_who_can_not_even_be_refused_is_left_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Looking again and again would only burn the processor: the listener stays readable."""
    async with opened(tmp_path) as place, place.client() as first:
        assert place.service._acceptor._reserve is not None
        place.service._acceptor._reserve.close()
        place.service._acceptor._reserve = None
        async with place.connected() as waiting:
            with no_descriptors_left():
                started = time.monotonic()
                await place.port.sleep(0.5)
                assert (await first.proxy.get_identity()).identity.pid == os.getpid()
                looks = 1 + (time.monotonic() - started) / 0.2
                assert 0 < len(caplog.records) <= looks
            assert (await waiting.get_identity()).identity.pid == os.getpid()
        assert place.service._acceptor._reserve is not None


@anyio
async def test_closing_while_a_listener_rests(tmp_path: Path) -> None:
    async with opened(tmp_path) as place:
        assert place.service._acceptor._reserve is not None
        place.service._acceptor._reserve.close()
        place.service._acceptor._reserve = None
        async with place.connected():
            with no_descriptors_left():
                await wait_until_async(lambda: place.service._acceptor._rests)
                place.service.close()
        assert not place.port.statistics()["deadlines"]
