"""Long `bytes`: in pieces or whole, at every stage, whoever dies."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
from pathlib import Path
from typing import Annotated, Any

import anyio
import msgspec
import pytest
from msgspec import msgpack

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.bindings.structs import Struct
from ipcrt.errors import LocalProtocolError, PeerClosed, RemoteProtocolError, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.pieces import Pieced, pieced, put_together, stub
from ipcrt.objects.spill_memory import SpillMemory
from ipcrt.port.aport import open_port
from ipcrt.wire.frames import encode, split
from tests.bindings.stage import until
from tests.bindings.store import (
    PUSH,
    PUT,
    Data,
    Store,
    StoreProxy,
    StoreServer,
    pair,
    pattern,
)
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner

LONG = pattern(100_000)
MIB = 1 << 20


class Two(Struct):
    first: bytes
    second: Annotated[bytes, msgspec.Meta(min_length=2, max_length=200_000)] | None = None
    rest: list[int] = msgspec.field(default_factory=list[int])


class Lone(Struct):
    data: Annotated[bytes, msgspec.Meta(max_length=200_000)]


class Inside(Struct):
    number: int
    two: Two
    many: list[bytes]


class Bounded(Struct):
    data: Annotated[bytes, msgspec.Meta(max_length=100)]


class WithHandle(Struct):
    data: bytes
    handle: Handle


def null() -> Handle:
    return Handle(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))


def view(body: bytes) -> memoryview:
    """The body as a connection hands it on, with a header before it."""
    return memoryview(b"h" * 16 + body)[16:]


# ---- the codec


VALUES = [
    Two(LONG),
    Two(b"", LONG, [1, 2]),
    Two(LONG, LONG[1:]),
    Two(LONG, b"ab", [3]),
    Two(LONG, None, [4]),
]


@pytest.mark.parametrize("value", VALUES, ids=range(5))
def test_a_value_goes_there_and_back_without_a_copy(value: Two) -> None:
    codec = Codec(Two)
    body, handles = codec.encode(value)
    assert isinstance(body, Pieced)
    assert handles == ()
    parts = [part for _, part in body.pieces]
    members = [value.first, value.second]
    assert all(any(part is member for member in members) for part in parts)
    assert put_together(body) == msgpack.encode(value)
    assert codec.decode(view(body), ()) == value
    assert codec.decode(memoryview(put_together(body)), ()) == value


@pytest.mark.parametrize("value", [Two(b"x" * 65_520), Two(b""), Two(b"", None, [5] * 100_000)])
def test_what_fits_or_is_no_bytes_member_is_whole(value: Two) -> None:
    body, _ = Codec(Two).encode(value)
    assert type(body) is bytes
    assert body == msgpack.encode(value)


def test_a_lone_member_goes_there_and_back_without_a_copy() -> None:
    codec = Codec(Lone)
    body, _ = codec.encode(Lone(LONG))
    assert isinstance(body, Pieced)
    assert body.pieces[0][1] is LONG
    assert put_together(body) == msgpack.encode(Lone(LONG))
    assert codec.decode(view(body), ()) == Lone(LONG)
    assert codec.decode(view(body), ()).data is LONG
    with pytest.raises(LocalProtocolError, match="Lone"):
        codec.encode(Lone(LONG + LONG + LONG))
    for wrong in (
        in_pieces(b"\x92", 100_000),
        in_pieces(b"\x91", 200_001),
        in_pieces(b"\x91", 9, 9),
    ):
        with pytest.raises(RemoteProtocolError, match="Lone"):
            codec.decode(view(wrong), ())


@pytest.mark.parametrize("type_", [Two, Lone])
def test_a_mutable_value_is_copied_at_once(type_: Any) -> None:
    data: Any = bytearray(LONG)
    body, _ = Codec(type_).encode(type_(data))
    data[:] = bytes(len(data))
    assert Codec(type_).decode(view(body), ()) == type_(LONG)


def bad_list() -> Two:
    wrong: Any = ["x"]
    return Two(LONG, rest=wrong)


@pytest.mark.parametrize(
    "value", [Two(LONG, b"x"), Two(b"", b"x" * 200_001), bad_list()], ids=range(3)
)
def test_bounds_and_types_hold_for_ones_own_values(value: Any) -> None:
    with pytest.raises(LocalProtocolError, match="Two"):
        Codec(Two).encode(value)


def in_pieces(*chunks: bytes | int) -> Pieced:
    """A number stands for a part of so many bytes."""
    rest = b""
    pieces: list[tuple[int, bytes]] = []
    for chunk in chunks:
        if isinstance(chunk, int):
            pieces.append((len(rest), pattern(chunk)))
            chunk = stub(chunk)  # noqa: PLW2901
        rest += chunk
    return Pieced(rest, pieces)


BAD: dict[str, tuple[Any, Pieced]] = {
    "a part too long": (Two, in_pieces(b"\x93\xc4\x00", 200_001, b"\x90")),
    "a part too short": (Two, in_pieces(b"\x93", 100_000, 1, b"\x90")),
    "a part for a list": (Two, in_pieces(b"\x93\xc4\x00\xc0", 100_000)),
    "a part behind the value": (Two, in_pieces(b"\x93\xc4\x00\xc0\x90", 100_000)),
    "a member too many": (Two, in_pieces(b"\x94", 100_000, b"\xc0\x90\xc0")),
    "a member that is a part's number": (Two, in_pieces(b"\x93", 100_000, b"\xd4\x02\x00\x90")),
    "an extension value": (Two, in_pieces(b"\x93", 100_000, b"\xd4\x01\x00\x90")),
    "a part inside a string": (Data, in_pieces(b"\x92\xa5", 100_000, b"\xc4\x00")),
    "a part inside bytes": (Two, in_pieces(b"\x93\xc4\x03", 100_000, b"\xc0\x90")),
    "a bound where parts are never made": (Bounded, in_pieces(b"\x91", 100_000)),
    "where nothing belongs": (type(None), in_pieces(100_000)),
    "no value at all": (Two, in_pieces(b"", 100_000, b"\xc1")),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_the_peers_error(name: str) -> None:
    type_, body = BAD[name]
    with pytest.raises(RemoteProtocolError):
        Codec(type_).decode(view(body), ())


def test_parts_may_stand_wherever_bytes_may() -> None:
    """Another implementation takes other parts out than we do."""
    body = in_pieces(b"\x93\x07\x93", 70_000, b"\xc0\x90\x92", 80_000, b"\xc4\x01x")
    value = Inside(7, Two(pattern(70_000)), [pattern(80_000), b"x"])
    assert Codec(Inside).decode(view(body), ()) == value
    anything: Any = Any
    assert Codec(anything).decode(view(in_pieces(b"\x91", 70_000)), ()) == [pattern(70_000)]


def test_a_bound_that_no_message_needs_pieces_for_is_never_in_pieces() -> None:
    assert Codec(Bounded).decode(view(in_pieces(b"\x91", 100)), ()) == Bounded(pattern(100))
    with pytest.raises(LocalProtocolError, match="Bounded"):
        Codec(Bounded).encode(Bounded(LONG))


def test_handles_may_come_with_parts() -> None:
    body = in_pieces(b"\x92", 100_000, b"\xd4\x01\x00")
    value = Codec(WithHandle).decode(view(body), [null()])
    with value.handle:
        assert value.data == LONG
    handle = null()
    with pytest.raises(RemoteProtocolError):
        Codec(WithHandle).decode(view(in_pieces(b"\x92", 100_000, b"\xd4\x01\x01")), [handle])
    assert handle.closed
    handle = null()
    with pytest.raises(RemoteProtocolError, match="where none belong"):
        Codec(Two).decode(view(in_pieces(b"\x91", 100_000)), [handle])
    assert handle.closed


def test_a_message_in_pieces_is_a_spilled_message() -> None:
    body, _ = Codec(Two).encode(Two(LONG))
    data = encode(7, 5, 0, body)
    assert (pieced(data), len(data)) == (data, 16 + len(body))
    [frame] = split(memoryview(data), 0)
    assert Codec(Two).decode(frame[3], ()) == Two(LONG)
    [whole] = split(memoryview(put_together(data)), 0)
    assert whole[:3] == (7, 5, 0x24)
    assert whole[3] == put_together(body)
    with pytest.raises(LocalProtocolError, match=r"\[R2\]"):
        encode(7, 5, 0, Pieced(b"", [(0, bytes(64 * MIB))] * 5))


@pytest.mark.parametrize("start", [*range(17), 18, 19])
def test_a_part_in_the_header_is_refused_or_does_no_harm(start: int) -> None:
    header = encode(7, 5, 0, b"")[:7] + b"\x24" + bytes((5, *bytes(7)))
    rest = (header + b"\x91\xc4\x01x")[:start]
    data = Pieced(rest + stub(70_000), [(start, bytes(70_000))])
    try:
        frames = split(memoryview(data), 0)
        for frame in frames:
            Codec(Two).decode(frame[3], ())
    except RemoteProtocolError:
        pass
    else:
        pytest.fail("it has no such meaning")


# ---- calls


@pytest.mark.anyio
@pytest.mark.parametrize("size", [0, 65_000, 65_536, 70_001, MIB, 5 * MIB + 1])
async def test_calls_one_ways_events_and_replies_carry_long_bytes(size: int) -> None:
    heard: list[bytes] = []

    class Events:
        def on_data(self, name: str, data: bytes, number: int) -> None:
            assert (name, number) == ("event", 0)
            heard.append(data)

    async with open_port() as port:
        client, server = pair(port, Events(), echo=True)
        async with client:
            for _ in range(3):
                assert await client.put(pattern(size)) == size
                await client.push(pattern(size))
                assert await client.get(size) == pattern(size)
            assert server.pushed == heard == [pattern(size)] * 3
            assert {type(each) for each in heard + server.pushed} == {bytes}
            memory = port.spill_memory
            if size <= 65_000:
                assert memory.pooled_bytes == memory.mapped_bytes == 0
            else:  # a one-way and a call's request may be under way together
                assert 2 * size <= memory.pooled_bytes <= 4 * size * 9 // 8 + 4 * 65_536
        assert server.binding is not None
        await server.binding.wait_closed()
        assert memory.pooled_bytes == 0


@pytest.mark.anyio
async def test_long_and_short_messages_keep_their_order() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            sizes = [1, 70_000, 2, 80_000, 90_000, 3, 4, 100_000, 5] * 4
            for size in sizes:
                client._send_soon(PUSH, Data("push", pattern(size)), lambda _: None)
            await until(lambda: len(server.pushed) == len(sizes), "messages")
        assert [len(each) for each in server.pushed] == sizes


@pytest.mark.anyio
async def test_a_full_queue_keeps_no_memory() -> None:
    """Nothing is in flight but what is in the queue; what waits is in nobody's memfd."""
    before = open_fds()
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            assert server.binding is not None
            server.binding._connection.pause()
            sent = 0
            with contextlib.suppress(ShouldWait):
                while sent < 1000:
                    client._send_now(PUSH, Data("push", pattern(MIB)))
                    sent += 1
            assert 0 < sent < 1000
            assert port.spill_memory.pooled_bytes <= 8 * MIB
            count = len(open_fds())
            for _ in range(20):
                with pytest.raises(ShouldWait):
                    client._send_now(PUSH, Data("push", pattern(MIB)))
            assert len(open_fds()) == count
            server.binding._connection.resume()
            await until(lambda: len(server.pushed) == sent, "messages")
            assert server.pushed == [pattern(MIB)] * sent
            assert await client.put(LONG) == len(LONG)
    assert open_fds() == before


@pytest.mark.anyio
async def test_limits_hold_before_anything_is_copied() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            assert server.binding is not None
            with pytest.raises(LocalProtocolError, match="104857601 bytes"):
                await client.put(bytes((100 << 20) + 1))
            assert await client.put(LONG) == len(LONG)


@pytest.mark.anyio
async def test_a_servers_own_limit_holds_as_well(caplog: pytest.LogCaptureFixture) -> None:
    async with open_port() as port:
        client, _ = pair(port, limits=Limits(message_bytes=MIB))
        async with client:
            data = pattern(MIB - 16 - 11)  # the header, the struct and its other members
            assert await client.put(data) == len(data)
            with pytest.raises(PeerClosed):
                await client.put(data + b"x")
            assert "message of 1048577 bytes exceeds 1048576" in caplog.text
            assert port.spill_memory.mapped_bytes <= 2 * MIB


@pytest.mark.anyio
async def test_a_small_send_buffer_gets_through_all_the_same() -> None:
    async with open_port() as port:
        client, _ = pair(port)
        async with client:
            channel = client._client.connection.channel
            with socket.socket(fileno=os.dup(channel.fileno())) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
            answer = await client._call(  # the name alone is too long for this buffer
                PUT, Data("put" * 20_000, LONG, 7), 5
            )
            assert answer.size == len(LONG)


# ---- whoever dies


def start(spawn_python: Spawner, role: str, size: int) -> tuple[Channel, Child]:
    ours, theirs = Channel.create()
    fd = theirs.fileno()
    os.set_inheritable(fd, True)
    child = spawn_python.module("tests.bindings.store", role, fd, size, pass_fds=[fd])
    theirs.close()
    assert child.line() == "ready"
    return ours, child


def without(fds: dict[int, str], channel: Channel) -> dict[int, str]:
    return {fd: name for fd, name in fds.items() if fd != channel.fileno()}


def mapped() -> int:
    """Mappings of memfds of ours or a peer's."""
    return len(re.findall("memfd:ipcrt-spill", Path("/proc/self/maps").read_text("utf-8")))


@pytest.mark.anyio
@pytest.mark.parametrize("delay", range(3))
async def test_a_server_killed_at_any_moment(spawn_python: Spawner, delay: int) -> None:
    channel, child = start(spawn_python, "serve", 0)
    before = without(open_fds(), channel)
    async with open_port() as port:
        client = StoreProxy(ClientEnd[Store](channel), port)
        async with client, anyio.create_task_group() as group:

            async def call() -> None:
                with contextlib.suppress(PeerClosed):
                    while not client.closed:
                        assert await client.put(data) == len(data)
                        assert await client.get(len(data)) == data

            data = pattern(5 * MIB)
            group.start_soon(call)
            group.start_soon(call)
            await anyio.sleep(0.05 + delay * 0.013)
            child.kill()
        assert port.spill_memory.pooled_bytes == 0
    assert (open_fds(), mapped()) == (before, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("role", ["put", "flood"])
@pytest.mark.parametrize("delay", range(2))
async def test_a_client_killed_at_any_moment(spawn_python: Spawner, role: str, delay: int) -> None:
    channel, child = start(spawn_python, role, 5 * MIB)
    before = without(open_fds(), channel)
    async with open_port() as port:
        server = StoreServer()
        binding = ServerBinding(ServerEnd[Store](channel), server, port)
        await anyio.sleep(0.05 + delay * 0.013)
        child.kill()
        await binding.wait_closed()
        assert all(each == pattern(5 * MIB) for each in server.pushed)
        assert port.spill_memory.mapped_bytes <= 128 << 20
        port.spill_memory.shrink()
        port.spill_memory.shrink()
        assert mapped() == 0
    assert open_fds() == before


def test_a_reader_that_stops_keeps_what_it_has_and_no_more(spawn_python: Spawner) -> None:
    """The sender's memfds are bounded; when the reader dies, they are free at once."""
    memory = SpillMemory(lambda _seconds, _what: None)
    near, far = Channel.create()
    fd = far.fileno()
    os.set_inheritable(fd, True)
    code = "import sys; print('ready', flush=True); sys.stdin.read()"
    child = spawn_python(code, pass_fds=[fd])
    assert child.line() == "ready"
    far.close()
    with near:
        near.spill_memory = memory
        for _ in range(12):
            near.write(bytes(MIB))
        assert memory.pooled_bytes == 8 * MIB
        slots = list(memory._slots)
        assert not any(slot.is_free() for slot in slots)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert all(slot.is_free() for slot in slots)
        with pytest.raises(PeerClosed):
            near.write(bytes(MIB))
        assert all(slot.is_free() for slot in slots)
    memory.close()


def test_a_reader_that_keeps_its_lease_gets_fresh_memory() -> None:
    """It reads what it was sent for as long as it likes: nobody writes over it."""
    memory = SpillMemory(lambda _seconds, _what: None)
    near, far = Channel.create()
    kept: list[int] = []
    leases: list[int] = []
    with near, far:
        near.spill_memory = memory
        for number in range(12):
            near.write(bytes([number]) * MIB)
            fds = raw_receive(far)
            assert len(fds) == (2 if number < 8 else 1)
            kept.append(fds.pop(0))
            leases.extend(fds)
            assert [os.pread(fd, 1, MIB - 1)[0] for fd in kept] == list(range(number + 1))
    for fd in kept + leases:
        os.close(fd)
    memory.close()


def raw_receive(channel: Channel) -> list[int]:
    with socket.socket(fileno=os.dup(channel.fileno())) as sock:
        record, fds, _, _ = socket.recv_fds(sock, 100, 3)
    assert struct.unpack_from("<Q", record, 8) == (MIB,)
    return fds
