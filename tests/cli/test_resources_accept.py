"""Accepting one connection; `test_open` has a real listener."""

from __future__ import annotations

import pytest

from ipcrt.cli.resources_accept import accept_one
from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.control import send_connect


@pytest.mark.anyio
async def test_the_first_is_taken_and_the_second_turned_away() -> None:
    near, far = Channel.create()
    async with open_port() as port:
        with far, send_connect(far) as first, send_connect(far) as second:
            with await accept_one(port, near) as channel:
                channel.write(b"hello")
                assert first.read().data == b"hello"
                with pytest.raises(ShouldWait):
                    first.read()
            with pytest.raises(PeerClosed):
                second.read()


@pytest.mark.anyio
async def test_a_listener_that_goes() -> None:
    near, far = Channel.create()
    far.close()
    async with open_port() as port:
        with pytest.raises(PeerClosed, match="nobody has connected"):
            await accept_one(port, near)
