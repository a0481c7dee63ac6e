"""What a hostile peer sends: whole messages, messages with something wrong, and noise.

As a program, `python -m tests.bindings.garbage <fd>`, it is that peer, in a process of its own: for
each channel end that comes by the control channel <fd>, with a seed, it sends the seed's packets,
and says what became of a call made behind them: `answered` or `hung up`.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import socket
import struct
import sys
from collections.abc import Callable

from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.objects import _scm
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.handle import Handle
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import FLEXIBLE, MORE
from tests.bindings.hand import ADD, GIVE, KEEP, ON_FILE, ON_NEWS, SAY, raw

Packet = tuple[bytes, list[str]]
"""Bytes, and the kinds of the descriptors that go with them."""

KINDS: dict[str, Callable[[], int]] = {
    "null": lambda: os.open(os.devnull, os.O_RDONLY),
    "memory": lambda: os.memfd_create("garbage"),
    "event": lambda: os.eventfd(0),
    "socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).detach(),
    "path": lambda: os.open("/", os.O_PATH),
}

LAST_CALL = raw(0xFFFF, ADD, b"\x92\x14\x16")
_HEADER = struct.Struct("<IHBBQ")
_METHODS = (ADD, GIVE, KEEP, SAY, ON_NEWS, ON_FILE)
_SPILL = struct.Struct("<8sQ")


def packets(seed: int) -> list[Packet]:
    """Make up to five packets; most are good, most lists are not."""
    chance = random.Random(seed)
    makers = (_whole, _flipped, _header, _cut, _joined, _spilled, _noise)
    good = [_right(chance) for _ in range(chance.randint(0, 3))]
    return [*good, *(chance.choice(makers)(chance) for _ in range(chance.choice([0, 1, 1, 2])))]


def _right(chance: random.Random) -> Packet:
    """A message with nothing wrong."""
    txid = chance.randint(1, 9)
    kind = chance.choice(list(KINDS))
    file = b"\x91\xd4\x01\x00"
    choices: list[Packet] = [
        (raw(txid, ADD, b"\x92\x02\x03"), []),
        (raw(txid, GIVE, file, 1), [kind]),
        (raw(0, KEEP, file, 1), [kind]),
        (raw(0, SAY, b"\x91\xa2hi") * chance.randint(1, 100), []),
        (encode(0, 77, FLEXIBLE | MORE, file, 1), [kind]),
    ]
    return chance.choice(choices)


def _whole(chance: random.Random) -> Packet:
    """A message as it should be, or nearly."""
    body, count = chance.choice(
        [
            (b"\x92\x02\x03", 0),
            (b"\x91\xa2hi", 0),
            (b"\x91\xd4\x01\x00", 1),
            (b"\x92\xd4\x01\x00\xd4\x01\x00", 1),
            (b"\x91\xd4\x01\x01", 2),
            (b"\x91\xc3\x28", 0),
            (b"\x91\xa2\xc3\x28", 0),
            (b"", 0),
            (b"\x91" * 40 + b"\x90", 0),
            (b"\xdd\xff\xff\xff\xff", 0),
        ]
    )
    txid = chance.choice([0, 0, 1, 1, 2, 0xFFFFFFFF])
    number = chance.choice([*(method.ordinal for method in _METHODS), 77])
    flags = chance.choice([0, FLEXIBLE, FLEXIBLE | MORE])
    return encode(txid, number, flags, body, count), _kinds(chance, count)


def _flipped(chance: random.Random) -> Packet:
    """A few bits of a message are others."""
    data, kinds = _whole(chance)
    bent = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
    return bytes(bent), kinds


def _header(chance: random.Random) -> Packet:
    """A header of any numbers."""
    fields = [chance.choice([0, 1, 2**bits - 1, chance.getrandbits(bits)]) for bits in (32, 16, 8)]
    number = chance.choice([ADD.ordinal, 0, 2**63, 2**64 - 1, chance.getrandbits(64)])
    head = _HEADER.pack(*fields, chance.choice([0x20, 0x24, chance.getrandbits(8)]), number)
    return head + b"\x92\x02\x03", _kinds(chance, chance.randint(0, 3))


def _cut(chance: random.Random) -> Packet:
    data, kinds = _whole(chance)
    return data[: chance.randint(1, len(data))], kinds


def _joined(chance: random.Random) -> Packet:
    """Many messages share a packet; its descriptors may be too many or too few."""
    parts = [_whole(chance) for _ in range(chance.choice([2, 3, 70]))]
    kinds = [kind for _, each in parts for kind in each]
    kinds = kinds[: chance.choice([len(kinds), len(kinds), 1])][:64]
    data = b"".join(data for data, _ in parts)
    return data + chance.choice([b"", b"", encode_epitaph(-1)]), kinds


def _spilled(chance: random.Random) -> Packet:
    """A spill record whose memory is too short, too long, or none."""
    length = chance.choice([0, 1, 70_000, 2**28, 2**63])
    return _SPILL.pack(b"\x89IPCSPL\n", length), _kinds(chance, chance.randint(0, 2))


def _noise(chance: random.Random) -> Packet:
    size = chance.choice([1, 15, 16, 17, 200, 65536])
    return chance.randbytes(size), _kinds(chance, chance.choice([0, 0, 1, 64]))


def _kinds(chance: random.Random, count: int) -> list[str]:
    count = max(0, count + chance.choice([0, 0, 0, 0, -1, 1]))
    return [chance.choice(list(KINDS)) for _ in range(count)]


# ------------------------------------------------------------------------------------ the program


def send(sock: socket.socket, packet: Packet) -> None:
    """Send one packet, and close our copies of its descriptors."""
    data, kinds = packet
    handles = [Handle(KINDS[kind]()) for kind in kinds]
    try:
        _scm.send(sock, data, [handle.fileno() for handle in handles])
    finally:
        for handle in handles:
            handle.close()


def attack(end: Handle, seed: int) -> str:
    """Send the seed's packets and a call behind them; answer what became of it."""
    waiting: list[Packet] = [*packets(seed), (LAST_CALL, [])]
    with socket.socket(fileno=end.take()) as sock:
        while True:
            writes = [sock] if waiting else []
            readable, writable, _ = select.select([sock], writes, [], 20)
            assert readable or writable, "it hangs"
            if readable and (said := _listen(sock)):
                return said
            if writable:
                with contextlib.suppress(ShouldWait, PeerClosed):
                    send(sock, waiting[0])
                    del waiting[0]


def _listen(sock: socket.socket) -> str:
    try:
        packet = _scm.try_receive(sock)
        assert packet is not None  # whoever calls has been told
        data, fds = packet
    except PeerClosed:
        return "hung up"
    for fd in fds:
        os.close(fd)
    txid = int.from_bytes(LAST_CALL[:4], "little")
    frames = split(data, len(fds))
    return "answered" if any((each[0], each[3]) == (txid, b"\x91\x2a") for each in frames) else ""


def _next(control: Channel) -> Message | None:
    while True:
        select.select([control], [], [])
        with contextlib.suppress(ShouldWait):
            try:
                return control.read()
            except PeerClosed:
                return None


def main() -> None:
    with Channel(int(sys.argv[1])) as control:
        while (message := _next(control)) is not None:
            control.write(attack(message.handles[0], int(message.data)).encode())


if __name__ == "__main__":
    main()
