"""Literal bytes from nowhere: each end either takes them or ends its channel, and leaks nothing."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcrt.errors import IpcError, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import open_port
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import Control, Data, Listen
from ipcrt.wire.header import HEADER, VERSION_1
from tests.resources.raw import null, place
from tests.resources.world import make_app

ORDINALS = [ordinal for each in (Listen, Control, Data) for ordinal in each.TABLE.by_ordinal]

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(1 << 40), 1 << 40),
        st.binary(max_size=20),
        st.sampled_from(["echo://x", "echo://x#shout", "numbers://2", "socket:", "full:", "é", ""]),
        st.builds(place, st.integers(0, 3)),
    ),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)
likely = st.tuples(
    st.integers(-3, 3),
    st.sampled_from(
        ["echo://x", "numbers://2", "echo://x#shout", "version", "bytes://9/", "full:"]
    ),
    st.one_of(st.builds(place, st.just(0)), st.binary(max_size=3)),
).flatmap(lambda three: st.integers(1, 3).map(lambda count: list(three[:count])))
bodies = st.one_of(
    st.binary(max_size=40), likely.map(msgspec.msgpack.encode), values.map(msgspec.msgpack.encode)
)


@st.composite
def packets(draw: st.DrawFn) -> tuple[bytes, int]:
    """One packet, more or less well-formed, and how many descriptors come with it."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(min_size=1, max_size=60)), draw(st.integers(0, 2))
    messages: list[bytes] = []
    handles = 0
    for _ in range(draw(st.integers(1, 3))):
        body = draw(bodies)
        count = draw(st.sampled_from([0, 0, 0, 1, 1, 2]))
        txid = draw(st.sampled_from([0, 0, 0, 0, 1]))
        flags = VERSION_1 | draw(st.sampled_from([0, 0, 0, 1, 2, 4, 8]))
        ordinal = draw(st.sampled_from(ORDINALS))
        messages.append(HEADER.pack(txid, len(body), count, flags, ordinal) + body)
        handles += count
    return b"".join(messages), max(0, handles + draw(st.sampled_from([0, 0, 0, 0, -1, 1])))


streams = st.lists(packets(), min_size=1, max_size=4)
fuzz = settings(
    max_examples=int(os.environ.get("IPCRT_FUZZ", "25")),
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow,),
)


def _throw(channel: Channel, stream: list[tuple[bytes, int]]) -> None:
    for data, handles in stream:
        try:
            channel.write(data, [null() for _ in range(handles)])
        except IpcError:
            return


def _open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


async def _drain(channel: Channel) -> None:
    for _ in range(20):
        await asyncio.sleep(0)
        try:
            channel.read().close()
        except ShouldWait:
            continue
        except IpcError:
            return


@fuzz
@given(streams)
def test_a_server_survives(stream: list[tuple[bytes, int]]) -> None:
    before = _open_fds()

    async def main() -> None:
        app = make_app()
        async with open_port() as port:
            near, far = Channel.create()
            sane, other = Channel.create()
            with app.bind(port, far), app.bind(port, other), near:
                async with ResourceClient(sane, port) as client:
                    _throw(near, stream)
                    await _drain(near)
                    assert await client.invoke(None, "version") == b"1"

    asyncio.run(main())
    assert _open_fds() == before


@fuzz
@given(streams)
def test_a_listener_survives(stream: list[tuple[bytes, int]]) -> None:
    before = _open_fds()

    async def main() -> None:
        async with open_port() as port:
            near, far = Channel.create()
            task = asyncio.ensure_future(make_app().listen(port, far))
            with near:
                _throw(near, stream)
                await _drain(near)
            await asyncio.wait_for(task, 10)

    asyncio.run(main())
    assert _open_fds() == before


@fuzz
@given(streams)
def test_a_client_survives(stream: list[tuple[bytes, int]]) -> None:
    before = _open_fds()

    async def main() -> None:
        async with open_port() as port:
            near, far = Channel.create()
            async with ResourceClient(near, port) as client:
                with far:
                    calls: list[asyncio.Future[Any]] = [
                        asyncio.ensure_future(client.open_handle("x:", timeout=10)),
                        asyncio.ensure_future(client.invoke("x:", "m", timeout=10)),
                        asyncio.ensure_future(client.pipe("x:", null(), timeout=10)),
                    ]
                    await asyncio.sleep(0)
                    _throw(far, stream)
                    await _drain(far)
                await asyncio.wait(calls)
                for call in calls:
                    try:
                        ended = call.result()
                    except IpcError:
                        continue
                    if isinstance(ended, Handle):
                        ended.close()
                assert not any(client.statistics().values())

    asyncio.run(main())
    assert _open_fds() == before


@fuzz
@given(streams)
def test_a_data_channel_survives(stream: list[tuple[bytes, int]]) -> None:
    before = _open_fds()

    async def main() -> None:
        async with open_port() as port:
            near, far = Channel.create()
            async with DataChannel(near, port) as data:
                with far:
                    _throw(far, stream)
                for _ in range(100):
                    try:
                        await data.recv(timeout=10)
                    except IpcError:
                        if data.closed:
                            return
                pytest.fail("more came than was sent")

    asyncio.run(main())
    assert _open_fds() == before
