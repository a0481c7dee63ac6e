"""Clients that come by a listen channel; those that misbehave are in test_hostile."""

from __future__ import annotations

import anyio
import pytest

from ipcrt.errors import ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.control import ResourceClient, send_connect
from tests.resources.world import make_app

pytestmark = pytest.mark.anyio


async def test_clients_come_and_go_and_the_end_is_when_all_have_gone() -> None:
    ended: list[str] = []
    near, far = Channel.create()
    async with open_port() as port, anyio.create_task_group() as tasks:

        async def listen() -> None:
            await make_app().listen(port, far)
            ended.append("listening")

        tasks.start_soon(listen)
        first = ResourceClient(send_connect(near), port)
        async with ResourceClient(send_connect(near), port) as second:
            assert await first.invoke(None, "version") == b"1"
            assert await second.invoke(None, "version") == b"1"
        near.close()
        assert await first.invoke(None, "version") == b"1"
        assert not ended
        first.close()
    assert ended


async def test_a_client_may_call_before_anybody_listens() -> None:
    near, far = Channel.create()
    async with open_port() as port, anyio.create_task_group() as tasks:
        async with ResourceClient(send_connect(near), port) as client:
            tasks.start_soon(make_app().listen, port, far)
            assert await client.invoke(None, "version") == b"1"
        near.close()


async def test_a_full_listen_channel_says_so_at_once() -> None:
    near, far = Channel.create()
    kept: list[Channel] = []
    with near, far:
        for _ in range(10_000):
            try:
                kept.append(send_connect(near))
            except ShouldWait:
                break
        with pytest.raises(ShouldWait):
            send_connect(near)
    assert kept
    for channel in kept:
        channel.close()
