"""Clients that break the rules lose their own channel, and nothing of anybody else's."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, HEADER, SPILLED, VERSION_1
from tests.locator.echo import NAME
from tests.locator.hostile import (
    ENTRIES,
    HAND_OVER,
    IDENTITY,
    KINDS,
    OPEN,
    REGISTER,
    descriptors,
    frame,
    handle,
    is_closed_by_peer,
    send,
)
from tests.locator.stage import IDENTITY_CALL, Daemon, Stage
from tests.support.processes import Spawner
from tests.support.waiting import wait_until

CLOSING = f"client pid {os.getpid()} uid {os.getuid()}: closing <Channel"


# Minds its own business all the time, and checks every answer. Told to, it goes twice more round,
# so that one round began after it was told.
BYSTANDER = """
import os, select, sys
from ipcrt.locator.connect import connect_blocking
from tests.locator.echo import NAME, EchoBlockingProxy

def go_round(locator, echo):
    assert locator.proxy.get_identity().identity.pid == os.getpid()
    assert NAME in locator.names()
    assert echo.echo("hello") == "hello"
    with locator.open(EchoBlockingProxy) as another:
        assert another.echo("another") == "another"

with connect_blocking(sys.argv[1]) as locator, locator.open(EchoBlockingProxy) as echo:
    while True:
        go_round(locator, echo)
        if select.select([sys.stdin], [], [], 0.001)[0]:
            if not sys.stdin.readline():
                break
            go_round(locator, echo)
            go_round(locator, echo)
            print("fine", flush=True)
"""


class Arena:
    """One locator, a service, a bystander; and clients that do what they should not."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.daemon: Daemon = self.stage.locator()
        self.stage.service()
        self._bystander = self.stage.spawn(BYSTANDER, self.stage.path)
        self._read = 0
        self.check_calls()

    def log(self) -> list[str]:
        """What the locator has logged since the last time."""
        lines = self.daemon.log().splitlines()
        new, self._read = lines[self._read :], len(lines)
        return new

    def settled(self) -> bool:
        """Whether the locator holds no more than it, the service and the bystander need."""
        # The bystander opens and closes channels all the time: three may be under way.
        return len(self.daemon.fds()) <= self.daemon.idle_count + 3 + 3

    def check_calls(self) -> None:
        """Others' calls go on."""
        self._bystander.send("how is it?")
        assert self._bystander.line() == "fine"

    def check(self) -> None:
        """Everything is as if the hostile client had never been."""
        self.check_calls()
        wait_until(self.settled)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    directory = tmp_path_factory.mktemp("arena")
    with (
        contextlib.closing(Spawner()) as spawn,
        contextlib.closing(Stage(directory, spawn)) as stage,
    ):
        yield Arena(stage)


@dataclasses.dataclass(frozen=True)
class Attack:
    """A packet that breaks a rule, the descriptors it carries, and what the log says of it."""

    data: bytes
    says: str
    kinds: Sequence[str] = ()


RECORD = struct.Struct("<8sQ")
SPILL = b"\x89IPCSPL\n"
FINE = frame(IDENTITY, txid=1)
WHOLE_OPEN = ["x/Y", handle(0)]

ATTACKS = {
    # the packet
    "garbage": Attack(random.Random(1).randbytes(300), "["),
    "one byte": Attack(b"x", "[R1]"),
    "half a header": Attack(FINE[:15], "[R1]"),
    "half a header behind a message": Attack(FINE + FINE[:7], "[R1]"),
    "oversized": Attack(FINE + bytes(65536), "exceeds 65536"),
    "wrong magic": Attack(frame(IDENTITY, txid=1, flags=0), "[R3]"),
    "wrong version": Attack(frame(IDENTITY, txid=1, flags=2 << 5), "[R3]"),
    "reserved flags": Attack(frame(IDENTITY, txid=1, flags=VERSION_1 | 0x08), "[R4]"),
    "body cut short": Attack(frame(OPEN, WHOLE_OPEN, length=100), "[R5]"),
    "spilled inline": Attack(frame(IDENTITY, txid=1, flags=VERSION_1 | SPILLED), "[R7]"),
    "no ordinal": Attack(frame(0, txid=1), "[R8]"),
    "ordinal over the top": Attack(frame(1 << 63, txid=1), "[R8]"),
    "epitaph with more behind": Attack(frame(EPITAPH_ORDINAL, 0) + FINE, "[R9]"),
    # the method
    "epitaph": Attack(frame(EPITAPH_ORDINAL, 0), "no method"),
    "epitaph for a call": Attack(frame(EPITAPH_ORDINAL, 0, txid=7), "no method"),
    "unknown call": Attack(frame(12345, txid=1), "no method 0x3039"),
    "unknown one-way": Attack(frame(12345), "no method 0x3039"),
    "a call without a txid": Attack(frame(IDENTITY), "is two-way"),
    "one-way with a txid": Attack(frame(OPEN, WHOLE_OPEN, txid=9, handles=1), "", ["channel"]),
    "a reply to nothing": Attack(frame(IDENTITY, b"\x91\x93\1\2\3", txid=99), "where none"),
    # the body
    "no body": Attack(frame(OPEN), "LocatorOpenRequest"),
    "no MessagePack": Attack(frame(OPEN, b"\xc1"), "LocatorOpenRequest"),
    "cut off": Attack(frame(OPEN, b"\x92\xa3x/Y"), "LocatorOpenRequest"),
    "trailing": Attack(frame(OPEN, b"\x92\xa3x/Y\xc0\xc0"), "LocatorOpenRequest"),
    "a billion values": Attack(frame(OPEN, b"\xdd\x3b\x9a\xca\x00"), "LocatorOpenRequest"),
    "too deep": Attack(frame(OPEN, b"\x91" * 60000), "LocatorOpenRequest"),
    "too deep, with handles": Attack(
        frame(OPEN, b"\x91" * 60000, handles=1), "LocatorOpenRequest", ["channel"]
    ),
    "another type": Attack(frame(OPEN, ["x/Y", "z"]), "LocatorOpenRequest"),
    "not a struct": Attack(frame(OPEN, {"name": "x/Y"}), "LocatorOpenRequest"),
    "one member too many": Attack(
        frame(OPEN, [*WHOLE_OPEN, 1], handles=1), "LocatorOpenRequest", ["channel"]
    ),
    "one too few": Attack(frame(OPEN, ["x/Y"]), "LocatorOpenRequest"),
    "no text": Attack(
        frame(OPEN, b"\x92\xa3\xff\xfe\xfd\xd4\x01\x00", handles=1),
        "LocatorOpenRequest",
        ["channel"],
    ),
    "a name too long": Attack(
        frame(OPEN, ["x" * 256, handle(0)], handles=1), "LocatorOpenRequest", ["channel"]
    ),
    "too long in bytes only": Attack(
        frame(OPEN, ["\u20ac" * 86, handle(0)], handles=1), "LocatorOpenRequest", ["channel"]
    ),
    "too many names": Attack(
        frame(REGISTER, [["x/Y"] * 65, handle(0)], txid=1, handles=1),
        "LocatorRegisterRequest",
        ["channel"],
    ),
    # handles
    "a handle where none belongs": Attack(
        frame(IDENTITY, txid=1, handles=1), "handles where none belong", ["channel"]
    ),
    "a handle that did not come": Attack(frame(OPEN, WHOLE_OPEN, handles=1), "[R6]"),
    "a handle that nobody claims": Attack(frame(OPEN, WHOLE_OPEN), "[R6]", ["channel"]),
    "an index out of range": Attack(
        frame(OPEN, ["x/Y", handle(1)], handles=1), "[B4]", ["channel"]
    ),
    "an index without handles": Attack(frame(OPEN, WHOLE_OPEN), "[B4]"),
    "one handle twice": Attack(
        frame(OPEN, [handle(0), handle(0)], handles=1), "LocatorOpenRequest", ["channel"]
    ),
    "one handle unused": Attack(frame(OPEN, WHOLE_OPEN, handles=2), "[B4]", ["channel"] * 2),
    "another extension": Attack(
        frame(OPEN, b"\x92\xa3x/Y\xd4\x02\x00", handles=1), "[B3]", ["channel"]
    ),
    "a long index": Attack(
        frame(OPEN, b"\x92\xa3x/Y\xd5\x01\x00\x00", handles=1), "[B3]", ["channel"]
    ),
    "65 handles": Attack(frame(OPEN, WHOLE_OPEN, handles=65), "exceed 64", ["eventfd"] * 65),
    "66 handles": Attack(frame(OPEN, WHOLE_OPEN, handles=66), "", ["eventfd"] * 66),
    "253 handles": Attack(frame(OPEN, WHOLE_OPEN, handles=253), "", ["eventfd"] * 253),
    "handles and no bytes": Attack(b"", "packet without bytes", ["channel", "memfd"]),
    "handles of the second message are bad": Attack(
        frame(OPEN, WHOLE_OPEN, handles=1) + frame(OPEN, WHOLE_OPEN, handles=1),
        "expected CHANNEL",
        ["channel", "pipe"],
    ),
    # spilled
    "a record alone": Attack(RECORD.pack(SPILL, 100), "without a descriptor"),
    "a record of a pipe": Attack(RECORD.pack(SPILL, 100), "expected VMO", ["pipe"]),
    "a record of endless zeros": Attack(RECORD.pack(SPILL, 100), "expected VMO", ["zero"]),
    "a record of a file": Attack(RECORD.pack(SPILL, 100), "expected VMO", ["file"]),
    "a record longer than its VMO": Attack(RECORD.pack(SPILL, 100), "in a VMO of 0", ["memfd"]),
    "a record over the limit": Attack(RECORD.pack(SPILL, 65537), "exceeds 65536", ["memfd"]),
    "a record of everything": Attack(RECORD.pack(SPILL, 2**64 - 1), "exceeds 65536", ["memfd"]),
    "a record of nothing": Attack(RECORD.pack(SPILL, 0), "[R1]", ["memfd"]),
    "a record with handles": Attack(RECORD.pack(SPILL, 0), "[R", ["channel", "memfd"]),
} | {
    f"{kind} for a channel in {name}": Attack(
        frame(ordinal, body, txid=txid, handles=1), "CHANNEL", [kind]
    )
    for kind in KINDS
    if kind != "channel"
    for name, ordinal, body, txid in (
        ("Open", OPEN, WHOLE_OPEN, 0),
        ("HandOver", HAND_OVER, [handle(0)], 1),
        ("Register", REGISTER, [["x/Y"], handle(0)], 1),
    )
    if name == "Open" or kind in ("pipe", "stream", "listener")
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_what_is_against_the_rules(arena: Arena, attack: Attack) -> None:
    with arena.stage.raw() as client:
        send(client, IDENTITY_CALL)
        assert client.recv(1 << 17)
        with descriptors(attack.kinds) as fds:
            send(client, attack.data, fds)
            is_closed_by_peer(client)
    (line,) = arena.log()
    assert CLOSING in line
    assert attack.says in line
    arena.check()


# ------------------------------------------------------------------------ nothing to complain about


def test_an_empty_packet_reads_like_the_end(arena: Arena) -> None:
    with arena.stage.raw() as client:
        send(client, b"")
        is_closed_by_peer(client)
    arena.check()
    assert arena.log() == []


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
def test_half_a_connection(arena: Arena, how: int) -> None:
    with arena.stage.raw() as client:
        client.shutdown(how)
        if how == socket.SHUT_RD:
            send(client, IDENTITY_CALL)  # whose answer nobody can take
        else:
            is_closed_by_peer(client)
        arena.check()
    arena.check()
    assert arena.log() == []


def test_flexible_methods_that_nobody_knows(arena: Arena) -> None:
    """A client may be newer than its locator: that is no breach."""
    with arena.stage.raw() as client, descriptors(["channel", "pipe"]) as fds:
        send(client, frame(777, [handle(0), handle(1)], handles=2, flags=VERSION_1 | FLEXIBLE), fds)
        send(client, frame(777, [1], txid=5, flags=VERSION_1 | FLEXIBLE))
        assert client.recv(1 << 17)[:4] == b"\x05\0\0\0"
        send(client, IDENTITY_CALL)
        assert client.recv(1 << 17)
    arena.check()
    assert arena.log() == []


def test_a_crowd_of_silent_clients(arena: Arena) -> None:
    clients = [arena.stage.raw() for _ in range(200)]
    arena.check_calls()
    for client in clients:
        client.close()
    arena.check()


def test_a_storm_of_clients_that_leave_at_once(arena: Arena) -> None:
    for _ in range(1000):
        arena.stage.raw().close()
    arena.check()
    assert arena.log() == []


def test_a_storm_of_clients_that_leave_without_reading(arena: Arena) -> None:
    for _ in range(300):
        with arena.stage.raw() as client:
            send(client, IDENTITY_CALL)
    arena.check()
    assert arena.log() == []


# ------------------------------------------------------------------------------------------- floods


def flood(client: socket.socket, data: bytes, fds: Sequence[int] = (), most: int = 5000) -> int:
    """Send until the locator takes no more, or `most` packets are sent."""
    client.settimeout(0.1)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < most:
            send(client, data, fds)
            sent += 1
    client.settimeout(20)
    return sent


def test_thousands_of_tiny_calls_whose_answers_nobody_reads(arena: Arena) -> None:
    packet = b"".join(frame(ENTRIES, txid=txid) for txid in range(1, 4097))
    assert len(packet) == 65536
    before = arena.daemon.memory_kib()
    clients = [arena.stage.raw() for _ in range(10)]
    for client in clients:
        assert flood(client, packet) < 5000
    arena.check_calls()
    # Each may keep one packet, and the messages in it; not the answers, which are larger.
    assert (arena.daemon.memory_kib() - before) / len(clients) < 3072
    for client in clients:
        client.close()
    arena.check()
    assert arena.log() == []


def test_the_answers_to_a_flood_are_all_there_for_who_reads_them(arena: Arena) -> None:
    packet = b"".join(frame(IDENTITY, txid=txid) for txid in range(1, 4097))
    with arena.stage.raw() as client:
        send(client, packet)
        answered: list[int] = []
        while len(answered) < 4096:
            data = client.recv(1 << 17)
            assert data
            while data:
                txid, length, _, _, _ = HEADER.unpack_from(data)
                answered.append(txid)
                data = data[HEADER.size + length :]
        assert answered == list(range(1, 4097))
    arena.check()


def test_one_way_messages_without_end(arena: Arena) -> None:
    name = "nobody.serves/This"
    with descriptors(["channel"]) as fds, arena.stage.raw() as client:
        assert flood(client, frame(OPEN, [name, handle(0)], handles=1), fds, 2000) == 2000
        arena.check_calls()
    arena.check()
    assert arena.log() == []


def test_descriptors_without_end(arena: Arena) -> None:
    packet = frame(OPEN, ["nobody.serves/This", handle(0)], handles=1) * 64
    with descriptors(["channel"] * 64) as fds, arena.stage.raw() as client:
        flood(client, packet, fds, 100)
        arena.check_calls()
    arena.check()
    assert arena.log() == []


def test_opening_a_service_without_end(arena: Arena) -> None:
    """The service has room for so many clients, and tells the others so."""
    with arena.stage.raw() as client, descriptors(["channel"]) as fds:
        flood(client, frame(OPEN, [NAME, handle(0)], handles=1), fds, 1000)
        arena.check_calls()
    arena.check()
    assert all("of its own wait already, the limit" in line for line in arena.log())


def test_denied_names_do_not_fill_the_log(tmp_path: Path, spawn_python: Spawner) -> None:
    stage = Stage(tmp_path, spawn_python)
    daemon = stage.locator("--policy", stage.policy(""))
    packet = frame(OPEN, ["denied\n<0>x/Y", handle(0)], handles=1) * 64
    with stage.raw() as client, descriptors(["channel"] * 64) as fds:
        flood(client, packet, fds, 100)
        send(client, IDENTITY_CALL)
        assert client.recv(1 << 17)
    lines = daemon.log().splitlines()
    assert 200 <= len(lines) < 1000
    assert all("policy does not grant 'denied\\n<0>x/Y'" in line for line in lines)
    daemon.settle()
    stage.close()


# Hands one end of a pair over, and registers the other: the locator holds both.
LOOP = """
import sys
from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.locator.connect import connect_blocking
from ipcrt.locator.protocol import Locator, Outgoing
with connect_blocking(sys.argv[1]) as locator:
    for number in range(5):
        client, server = create_endpoints(Locator)
        locator.proxy.hand_over(server)
        locator.proxy.register([f"loop/Loop{number}"], ClientEnd[Outgoing](client.take_channel()))
    first, second = create_endpoints(Locator)
    locator.proxy.hand_over(second)
    locator.proxy.hand_over(ServerEnd[Locator](first.take_channel()))
    print(*locator.names(), flush=True)
    sys.stdin.readline()
"""


def test_what_only_the_locator_holds_ends_with_its_client(
    arena: Arena, spawn_python: Spawner
) -> None:
    client = spawn_python(LOOP, arena.stage.path)
    assert len([name for name in client.line().split() if name.startswith("loop/")]) == 5
    for number in range(5):
        with arena.stage.raw() as caller, descriptors(["channel"]) as fds:
            send(caller, frame(OPEN, [f"loop/Loop{number}", handle(0)], handles=1), fds)
            send(caller, IDENTITY_CALL)
            assert caller.recv(1 << 17)
    before = arena.daemon.cpu_ticks()
    client.kill()
    client.wait()
    arena.check()
    assert arena.daemon.cpu_ticks() - before < 500
    assert arena.log() == []


# --------------------------------------------------------------------------------------------- fuzz

VALID = (
    (IDENTITY_CALL, 0),
    (frame(ENTRIES, txid=2), 0),
    (frame(OPEN, [NAME, handle(0)], handles=1), 1),
    (frame(HAND_OVER, [handle(0)], txid=3, handles=1), 1),
    (frame(REGISTER, [["x/Y", "z/W"], handle(0)], txid=4, handles=1), 1),
    (RECORD.pack(SPILL, 40), 1),
)
SOME_KINDS = st.lists(st.sampled_from(sorted(KINDS)), max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | st.builds(handle, st.integers(0, 255)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
ORDINALS = st.sampled_from([OPEN, HAND_OVER, REGISTER, ENTRIES, IDENTITY]) | st.integers(
    0, 2**64 - 1
)
FRAMES = st.builds(
    frame,
    ORDINALS,
    VALUES | st.binary(max_size=60),
    txid=st.integers(0, 2**32 - 1),
    handles=st.integers(0, 4) | st.integers(0, 255),
    flags=st.just(VERSION_1 | FLEXIBLE) | st.integers(0, 255),
    length=st.none() | st.integers(0, 65535),
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A valid message with some bytes changed, and perhaps the right descriptors."""
    data, handles = draw(st.sampled_from(VALID))
    bytes_ = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        bytes_[draw(st.integers(0, len(bytes_) - 1))] = draw(st.integers(0, 255))
    end = draw(st.just(len(bytes_)) | st.integers(0, len(bytes_)))
    return bytes(bytes_[:end]), draw(st.just(["channel"] * handles) | SOME_KINDS)


PACKETS = st.lists(
    changed()
    | st.tuples(st.lists(FRAMES, max_size=4).map(b"".join), SOME_KINDS)
    | st.tuples(st.binary(max_size=200), SOME_KINDS),
    min_size=1,
    max_size=4,
)


def say(arena: Arena, packets: list[tuple[bytes, list[str]]]) -> None:
    """Send it all, then ask a fair question, and wait for the answer or the end."""
    with arena.stage.raw() as client:
        try:
            for data, kinds in packets:
                with descriptors(kinds) as fds:
                    send(client, data, fds)
            send(client, frame(IDENTITY, txid=0xFEDCBA98))
            while (data := client.recv(1 << 17)) and b"\x98\xba\xdc\xfe" not in data:
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass


def bear(arena: Arena, examples: int) -> None:
    """Say whatever comes to mind, and look whether the locator minds."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(PACKETS)
    def attempt(packets: list[tuple[bytes, list[str]]]) -> None:
        say(arena, packets)

    attempt()
    arena.check()
    assert not [line for line in arena.log() if "mistake" in line or "failed" in line]
    assert "Traceback" not in arena.daemon.log()


def test_whatever_comes_to_mind(arena: Arena) -> None:
    bear(arena, 200)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_comes_to_mind_for_a_while(arena: Arena) -> None:
    bear(arena, 6_000)
