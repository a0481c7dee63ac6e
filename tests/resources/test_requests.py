"""What a handler is given."""

from __future__ import annotations

import os
from typing import cast

import pytest

from ipcrt.errors import AccessDenied, InvalidArgs, WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.resources.requests import OpenRequest, PipeRequest
from tests.resources.raw import null

NO_PORT = cast("AsyncPort", None)


def test_a_query_that_is_none_is_the_clients_error() -> None:
    assert dict(OpenRequest("x:?a=1", NO_PORT).query) == {"a": "1"}
    with pytest.raises(InvalidArgs):
        _ = OpenRequest("x:?a", NO_PORT).query
    assert "x:?a" in repr(OpenRequest("x:?a", NO_PORT))


def test_what_is_written_to_is_told_by_what_it_is() -> None:
    readable, writable = map(Handle, os.pipe2(os.O_CLOEXEC))
    ours, theirs = Socket.create()
    with readable, ours:
        for handle, kind in ((writable, Handle), (Handle(theirs.take()), Socket)):
            with PipeRequest("x:", NO_PORT, handle) as request:
                assert type(request.write_to) is kind
                with pytest.raises(WrongType, match="not a channel"):
                    _ = request.sender
            assert request.write_to.closed
            assert request.sent_bytes == 0


@pytest.mark.anyio
async def test_a_channel_that_is_written_to_is_not_read() -> None:
    near, far = Channel.create()
    async with open_port() as port:
        with far, PipeRequest("x:", port, Handle(near.take())) as request:
            far.write(b"for somebody else")
            with pytest.raises(AccessDenied):
                cast("Channel", request.write_to).read()
            await request.sender.send_stream(b"data")
            assert request.sender is request.sender
            assert request.write_to.closed, "it was moved to the sender"
            assert request.sent_bytes == 4
        assert request.sender.closed


def test_a_descriptor_that_is_nothing_is_closed() -> None:
    handle = null()
    with PipeRequest("x:", NO_PORT, handle):
        pass
    assert handle.closed
