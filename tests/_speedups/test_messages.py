"""Whole messages of a channel by either twin: the same messages, refusals and descriptors."""

from __future__ import annotations

import gc
import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ipcrt.bindings import reading
from ipcrt.errors import BadHandle, IpcError, PeerClosed
from ipcrt.objects import _scm, channel, spill
from ipcrt.objects._scm import PacketSocket
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import close_all
from ipcrt.wire.frames import encode
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, HEADER, MAX_ORDINAL, MORE, VERSION_1
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.support.proc import open_fds

MAX_BYTES: Final = 100_000
USUAL: Final = encode(7, 77, FLEXIBLE, b"body")


class End:
    """A channel's end, read and written by one twin; `peer` is the other end, as it is."""

    def __init__(self, twin: str) -> None:
        near, self.peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = Channel(near.detach())
        packets: PacketSocket = take(twin, "PacketSocket", PacketSocket)(self.channel.fileno())
        self.channel._packets = packets
        reader = reading.Reader(self.channel, _scm.ReceiveBuffer(), MAX_BYTES)
        self.read = take(twin, "reader", reading._read_of)(reader, packets, self.channel)
        self.send: Callable[[Any], bool] = take(twin, "sender", channel._sender)(
            packets, self.channel.try_send
        )

    def put(self, packet: bytes, fds: int = 0) -> None:
        """Have a packet arrive here, with some descriptors."""
        socket.send_fds(self.peer, [packet], [0] * fds) if fds else self.peer.send(packet)

    def close(self) -> None:
        self.channel.close()
        self.peer.close()


@pytest.fixture(params=TWINS)
def end(request: pytest.FixtureRequest) -> Iterator[End]:
    end = End(request.param)
    yield end
    end.close()


def outcome(end: End) -> object:
    """What reading answers, its bodies as bytes and its handles counted and closed."""
    try:
        found = end.read()
    except IpcError as error:
        return type(error), str(error)
    if found is None:
        return None
    several = [found] if isinstance(found, tuple) else found
    plain = [(*head, bytes(body), len(handles)) for *head, body, handles in several]
    for *_, handles in several:
        close_all(handles)
    return plain if isinstance(found, list) else plain[0]


def forged(size: int, *, txid: int = 1, count: int = 0, ordinal: int = 77) -> bytes:
    """A message that no encoder makes, with `size` bytes of body."""
    return HEADER.pack(txid, size, count, VERSION_1, ordinal) + bytes(size)


# ---- sending


@pytest.mark.parametrize(
    "data",
    [
        USUAL,
        encode(1, 5, 0, b""),
        encode(1, 5, 0, bytes(65_520)),
        encode(1, 5, 0, bytes(65_521)),
        b"x",
        b"x" * 16,
        spill._MARK + bytes(8),
        memoryview(USUAL),
    ],
    ids=lambda data: f"{len(data)} {bytes(data[:8])!r}",
)
def test_what_is_sent_arrives(end: End, data: bytes | memoryview) -> None:
    assert end.send(data) is True
    with Channel(end.peer.detach()) as peer:
        assert peer.read().data == data


def test_sending_says_whether_there_was_room(end: End) -> None:
    sent = 0
    while end.send(USUAL):
        sent += 1
    assert sent > 100
    assert end.send(USUAL) is False
    end.peer.recv(100)
    assert end.send(b"odd") is True


def test_sending_to_nobody(end: End) -> None:
    end.peer.close()
    for data in (USUAL, b"odd"):
        with pytest.raises(PeerClosed, match="the peer is gone"):
            end.send(data)


def test_a_message_that_the_socket_does_not_admit_travels_in_memory(end: End) -> None:
    """A pair's maker may have given it a small SO_SNDBUF."""
    sock = socket.socket(fileno=os.dup(end.channel.fileno()))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sock.close()
    assert end.send(encode(1, 5, 0, bytes(60_000))) is True
    with Channel(end.peer.detach()) as peer:
        assert len(peer.read().data) == 60_016


@pytest.mark.parametrize("data", [None, "text", 5])
def test_what_is_no_data_is_refused(end: End, data: Any) -> None:
    with pytest.raises(TypeError):
        end.send(data)


def test_nothing_is_sent_or_read_past_a_closed_channel(end: End) -> None:
    """The methods that somebody kept must not reach whoever owns the number now."""
    number = end.channel.fileno()
    end.channel.close()
    stranger, friend = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with stranger, friend:
        assert stranger.fileno() == number
        friend.send(USUAL)
        for call in (end.read, lambda: end.send(USUAL)):
            with pytest.raises(BadHandle):
                call()
        assert stranger.recv(100) == USUAL


# ---- reading

PACKETS: Final = [
    (USUAL, 0),
    (encode(0, MAX_ORDINAL, MORE, b""), 0),
    (encode(0xFFFF_FFFF, 1, 0, bytes(65_520)), 0),
    (encode(1, 5, 0, b"body", 2), 2),
    (encode(1, 5, 0, b"body", 64), 64),
    (encode(1, 5, 0, b"body"), 1),
    (encode(1, 5, 0, b"body", 1), 0),
    (encode(1, 5, 0, b"a", 1) + encode(2, 6, MORE, b"b") + encode(3, 7, 0, b"c", 2), 3),
    (encode(1, 5, 0, b"a", 1) + encode(2, 6, MORE, b"b") + b"x", 1),
    (forged(65_520) + b"x", 0),
    (forged(65_521)[:65_536], 0),
    (forged(4, count=65), 65),
    (forged(0, ordinal=0), 0),
    (forged(0, ordinal=MAX_ORDINAL + 1), 0),
    (forged(1, ordinal=EPITAPH_ORDINAL), 0),
    (forged(1, txid=0, ordinal=EPITAPH_ORDINAL), 0),
    (spill._MARK + bytes(8), 0),
    (spill._MARK + bytes(8), 1),
    (spill._MARK + bytes(50), 2),
    (b"", 1),
    *[(USUAL[:size], fds) for size in range(1, 20) for fds in (0, 1)],
]


@pytest.mark.parametrize("packet,fds", PACKETS, ids=lambda value: repr(value)[:50])
def test_a_packet_reads_the_same(packet: bytes, fds: int) -> None:
    native()
    before = open_fds()
    ends = [End(twin) for twin in TWINS]
    for end in ends:
        end.put(packet, fds)
    first, second = (outcome(end) for end in ends)
    assert first == second
    assert first is not None
    for end in ends:
        assert outcome(end) is None
        end.close()
    gc.collect()
    assert open_fds() == before


@pytest.mark.parametrize("at", range(16))
def test_a_packet_with_one_odd_byte_reads_the_same(at: int) -> None:
    native()
    ends = [End(twin) for twin in TWINS]
    packet = bytearray(encode(0x0101_0101, 0x0101_0101_0101_0101, FLEXIBLE, b"body"))
    for odd in range(256):
        packet[at] = odd
        for fds in (0, 1):
            for end in ends:
                end.put(bytes(packet), fds)
            assert outcome(ends[0]) == outcome(ends[1])
    for end in ends:
        end.close()


def test_the_usual_message_is_plain_values(end: End) -> None:
    end.put(USUAL)
    assert end.read() == (7, 77, FLEXIBLE | VERSION_1, b"body", ())


def test_a_peer_that_is_gone(end: End) -> None:
    end.put(USUAL)
    end.peer.close()
    assert outcome(end) is not None
    with pytest.raises(PeerClosed):
        end.read()


class Drained:
    """A watch that counts how often it is told that something was read."""

    count = 0

    def closing(self) -> None:
        pass

    def drained(self) -> None:
        self.count += 1


def test_whoever_waits_for_the_queue_to_drain_is_told_of_each_read(end: End) -> None:
    watch = end.channel._watch = Drained()
    for held_back, packet, fds in ((False, USUAL, 0), (True, USUAL, 0), (True, b"x" * 16, 0)):
        end.channel._held_back = held_back
        end.put(packet, fds)
        outcome(end)
    outcome(end)
    assert watch.count == 2
    end.channel._watch = None


def test_what_the_watch_raises_is_raised(end: End) -> None:
    class Broken(Drained):
        def drained(self) -> None:
            raise ZeroDivisionError

    end.channel._watch = Broken()
    end.channel._held_back = True
    end.put(USUAL)
    with pytest.raises(ZeroDivisionError):
        end.read()
    end.channel._watch = None


def test_a_reader_wants_its_own_kind_of_socket() -> None:
    with pytest.raises(TypeError, match="not a PacketSocket"):
        native().twin("sender", channel._sender)(object(), print)
    for name, pure in (("sender", channel._sender), ("reader", reading._read_of)):
        with pytest.raises(TypeError):
            native().twin(name, pure)()
    lent = native().twin("PacketSocket", PacketSocket)(0)
    with pytest.raises(AttributeError, match="_held_back"):
        native().twin("reader", reading._read_of)(SimpleNamespace(take_apart=print), lent, None)
    end = End("native")
    messenger: Any = end.send
    with pytest.raises(TypeError, match="cannot create"):
        type(messenger.__self__)()
    end.close()


# ---- whatever comes


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[bytes, int]:
    """Messages end to end, perhaps with a few bytes changed, cut off or added; and descriptors."""
    counts = draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    packet = bytearray(
        b"".join(
            encode(
                draw(st.integers(0, 0xFFFF_FFFF)),
                draw(st.sampled_from([1, 77, MAX_ORDINAL])),
                draw(st.sampled_from([0, MORE, FLEXIBLE])),
                draw(st.binary(max_size=40)),
                count,
            )
            for count in counts
        )
    )
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.sampled_from([0, 0, 0, 0, 1, 16]))
    whole = bytes(packet[: max(1, len(packet) - cut)]) + draw(st.sampled_from([b"", b"", b"x"]))
    return whole, sum(counts) + draw(st.sampled_from([0, 0, 0, 1]))


@given(st.lists(st.one_of(arrivals(), st.tuples(st.binary(min_size=1), st.integers(0, 3)))))
@example([(USUAL, 0), (USUAL, 1), (USUAL, 0)])
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_comes_reads_the_same(packets: list[tuple[bytes, int]]) -> None:
    native()
    before = open_fds()
    ends = [End(twin) for twin in TWINS]
    for packet, fds in packets:
        for end in ends:
            end.put(packet, fds)
        first, second = (outcome(end) for end in ends)
        assert first == second
    for end in ends:
        end.close()
    assert open_fds() == before


def test_nothing_is_kept() -> None:
    end = End("native")

    def exchange() -> None:
        end.send(USUAL)
        end.peer.recv(100)
        end.put(USUAL)
        end.read()
        end.read()

    def hand_over() -> None:
        end.put(USUAL * 2, 0)
        outcome(end)
        end.put(encode(1, 5, 0, b"", 1), 1)
        outcome(end)
        end.put(b"odd", 2)
        outcome(end)

    def make() -> None:
        End("native").close()

    for call in (exchange, hand_over, make):
        assert growth_in_blocks(call) < 300  # of a thousand: sockets are not told from noise
    end.close()


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_packets_of_garbage_leave_nothing_behind() -> None:
    end = End("native")
    chance = random.Random(5)
    before = open_fds()
    pool = [packet for packet, _ in PACKETS if 0 < len(packet) < 5000]
    resident = 0
    for round_ in range(1_000_000):
        packet = bytearray(chance.choice(pool))
        if chance.random() < 0.5:
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        end.put(bytes(packet), chance.choice((0, 0, 0, 0, 1, 2)))
        outcome(end)
        if round_ == 100_000:
            resident = resident_bytes()
    gc.collect()
    assert resident_bytes() - resident < 4 << 20
    end.close()
    assert len(open_fds()) <= len(before)
