"""A session: begun, ended, failed, left."""

from __future__ import annotations

import pytest

from ipcrt.errors import IpcError, PeerClosed, Status
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.resources.data import DataChannel
from ipcrt.resources.requests import Session
from ipcrt.resources.sessions import Served, log_failure

pytestmark = pytest.mark.anyio


class Ends:
    """Counts how often a session has ended."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1


def _serve(port: AsyncPort, serve: Session) -> tuple[DataChannel, Served, Ends]:
    near, far = Channel.create()
    ends = Ends()
    return DataChannel(near, port), Served(far, port, serve, "session", ends.add), ends


async def test_what_the_client_sends_before_it_begins_waits() -> None:
    async def serve(data: DataChannel) -> None:
        await data.send_frame((await data.recv()).data.upper())

    async with open_port() as port:
        client, served, ends = _serve(port, serve)
        async with client:
            await client.send_frame(b"early")
            served.start()
            assert [part.data async for part in client] == [b"EARLY"]
        assert ends.count == 1


async def test_a_client_that_has_gone_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(data: DataChannel) -> None:
        await data.recv()

    async with open_port() as port:
        client, served, ends = _serve(port, serve)
        served.start()
        client.close()
        while not ends.count:
            await port.sleep(0.001)
    assert not caplog.records


@pytest.mark.parametrize(
    "error, status", [(KeyError("secret"), Status.INTERNAL), (OSError(28, "x"), Status.NO_SPACE)]
)
async def test_a_failure_is_told_behind_the_data(
    error: Exception, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(data: DataChannel) -> None:
        await data.send_frame(b"so far")
        raise error

    async with open_port() as port:
        client, served, ends = _serve(port, serve)
        served.start()
        async with client:
            assert (await client.recv()).data == b"so far"
            with pytest.raises(IpcError) as caught:
                await client.recv()
            assert caught.value.status is status
            with pytest.raises(PeerClosed):
                await client.recv()
        assert ends.count == 1
    assert bool(caplog.records) is (status is Status.INTERNAL)


async def test_a_session_that_never_begins_ends_once() -> None:
    async def serve(data: DataChannel) -> None:
        raise AssertionError(data)

    async with open_port() as port:
        client, served, ends = _serve(port, serve)
        async with client:
            served.close()
            served.close()
            with pytest.raises(PeerClosed):
                await client.recv()
        assert ends.count == 1


async def test_a_port_that_closes_ends_sessions_also_before_their_first_step() -> None:
    async def serve(data: DataChannel) -> None:
        await data.recv()

    async with open_port() as port:
        client, served, _ = _serve(port, serve)
        served.start()
    assert served._data.closed
    client.close()


async def test_what_is_told_as_news_has_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        log_failure("x", OSError(2, "gone"))
        log_failure("x", ValueError("defect"))
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert "Traceback" not in caplog.records[0].getMessage()
    assert caplog.records[1].exc_info is not None
