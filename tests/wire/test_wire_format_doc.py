"""docs/wire-format.md is the truth: its examples are encoded and decoded, its tables compared."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipcrt.errors import RemoteProtocolError
from ipcrt.wire import frames, header, limits, scan
from ipcrt.wire.body import decode_value, encode_value
from ipcrt.wire.epitaph import decode_epitaph, encode_epitaph
from ipcrt.wire.frames import encode, split
from ipcrt.wire.header import EPITAPH_ORDINAL, SPILLED
from ipcrt.wire.ordinals import method_ordinal

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/wire-format.md").read_text("utf-8")

FLAGS = {"0": 0, "MORE": header.MORE, "FLEXIBLE": header.FLEXIBLE, "SPILLED": header.SPILLED}


@dataclass(frozen=True, slots=True)
class Handle:
    """The document's `handle(0)`."""

    index: int


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: what its tag says, its bytes, its meanings, its place in the document."""

    kind: str
    arguments: list[str]
    text: str
    line: int

    @property
    def data(self) -> bytes:
        return b"".join(_bytes(line) for line in self.text.splitlines() if line[:2] != "->")

    @property
    def meanings(self) -> list[str]:
        return [line[2:].strip() for line in self.text.splitlines() if line[:2] == "->"]

    @property
    def handles(self) -> int:
        return int(self.arguments[-1].removeprefix("handles="))


def _bytes(line: str) -> bytes:
    tokens = (token.partition("*") for token in line.partition(";")[0].split())
    return b"".join(bytes.fromhex(pair) * int(times or 1) for pair, _, times in tokens)


def _blocks() -> list[Block]:
    found = re.finditer(r"^```wire +(\S+) *(.*)\n((?:.*\n)*?)```$", DOCUMENT, re.MULTILINE)
    return [
        Block(match[1], match[2].split(), match[3], DOCUMENT.count("\n", 0, match.start()) + 1)
        for match in found
    ]


BLOCKS = _blocks()


def _each(kind: str) -> Callable[[Any], Any]:
    blocks = [block for block in BLOCKS if block.kind == kind]
    ids = [f"line{block.line}{'-'.join(['', *block.arguments[:1]])}" for block in blocks]
    return pytest.mark.parametrize("block", blocks, ids=ids)


def _value(text: str) -> Any:
    names: dict[str, Any] = {"__builtins__": {}, "handle": Handle, "bytes": bytes}
    return eval(text, names)  # noqa: S307  the document is ours


def _put(item: object) -> int:
    assert isinstance(item, Handle)
    return item.index


def _encode_message(meaning: str) -> bytes:
    """Encode what a `->` line says."""
    match = re.fullmatch(
        r"txid=(\d+) ordinal=(\w+) flags=([\w|]+) handles=(\d+) body=(.*)", meaning
    )
    assert match, meaning
    flags = sum(FLAGS[name] for name in match[3].split("|")) & ~SPILLED
    body = b"" if match[5] == "-" else encode_value(_value(match[5]), _put)
    return encode(int(match[1]), int(match[2], 16), flags, body, int(match[4]))


def _decode_message(frame: frames.Frame) -> str:
    """Say what a frame is, in the words of a `->` line."""
    txid, ordinal, flags, body, _, count = frame
    names = [name for name, bit in FLAGS.items() if flags & bit] or ["0"]
    value = "-"
    if body:
        value = repr(decode_value(body, Handle, count)).replace("Handle(index=", "handle(")
    head = f"txid={txid} ordinal=0x{ordinal:016x} flags={'|'.join(names)} handles={count}"
    return f"{head} body={value}"


def _normal(meaning: str) -> str:
    """Write the value of a `->` line as repr does."""
    head, _, value = meaning.partition(" body=")
    if value != "-":
        value = repr(_value(value)).replace("Handle(index=", "handle(")
    return f"{head} body={value}"


def test_no_block_is_overlooked() -> None:
    assert len(BLOCKS) == DOCUMENT.count("```wire") == DOCUMENT.count("```") // 2
    kinds = {"message", "body", "epitaph", "ordinals", "spill-record", "refused", "refused-body"}
    assert {block.kind for block in BLOCKS} == kinds


@_each("message")
def test_messages_are_encoded_as_documented(block: Block) -> None:
    assert b"".join(map(_encode_message, block.meanings)) == block.data


@_each("message")
def test_messages_are_decoded_as_documented(block: Block) -> None:
    handles = sum(int(count) for count in re.findall(r"handles=(\d+)", block.text))
    found = split(memoryview(block.data), handles)
    assert [_decode_message(frame) for frame in found] == [_normal(text) for text in block.meanings]
    assert [frame[4] for frame in found] == [
        sum(frame[5] for frame in found[:place]) for place in range(len(found))
    ]


@_each("body")
def test_bodies_are_encoded_as_documented(block: Block) -> None:
    [meaning] = block.meanings
    assert encode_value(_value(meaning)) == block.data


@_each("body")
def test_bodies_are_decoded_as_documented(block: Block) -> None:
    [meaning] = block.meanings
    assert decode_value(block.data) == _value(meaning)


@_each("epitaph")
def test_epitaphs_are_as_documented(block: Block) -> None:
    [meaning] = block.meanings
    match = re.fullmatch(r"txid=(\d+) status=(-\d+)", meaning)
    assert match, meaning
    txid, status = int(match[1]), int(match[2])
    assert encode_epitaph(status, txid) == block.data
    [frame] = split(memoryview(block.data), 0)
    assert (frame[0], frame[1]) == (txid, EPITAPH_ORDINAL)
    assert decode_epitaph(frame[3]) == status


@_each("ordinals")
def test_ordinals_are_as_documented(block: Block) -> None:
    stated = dict(line.split() for line in block.text.splitlines())
    assert stated
    assert {selector: f"0x{method_ordinal(selector):016x}" for selector in stated} == stated


@_each("spill-record")
def test_a_spill_record_is_no_message(block: Block) -> None:
    mark, length = struct.unpack_from("<8sQ", block.data)
    assert mark == b"\x89IPCSPL\n"
    [meaning] = block.meanings
    assert meaning.startswith(f"length={length} handles={1 if len(block.data) == 16 else 2}")
    with pytest.raises(RemoteProtocolError, match=r"version 0, expected 1 \[R3\]"):
        split(memoryview(block.data), 1)


def test_data_in_pieces_is_put_together_as_documented() -> None:
    block = next(b for b in BLOCKS if b.kind == "spill-record" and len(b.data) > 16)
    length, count = struct.unpack_from("<QI", block.data, 8)
    [place] = struct.unpack_from(f"<{count}I", block.data, 20)
    rest = block.data[20 + 4 * count :]
    content = bytes(int.from_bytes(rest[place + 1 : place + 5], "big"))
    assert rest[place] == 0xC1
    data = b"".join(
        (rest[:place], b"\xc6", rest[place + 1 : place + 5], content, rest[place + 5 :])
    )
    assert len(data) == length
    [frame] = split(memoryview(data), 0)
    meaning = block.meanings[0].partition(" handles=2 ")[2]
    assert _decode_message(frame) == _normal(meaning)


@_each("refused")
def test_packets_are_refused_by_the_rule_documented(block: Block) -> None:
    with pytest.raises(RemoteProtocolError, match=rf"\[{block.arguments[0]}\]$"):
        _receive(block.data, block.handles)


def _receive(packet: bytes, handles: int) -> None:
    for frame in split(memoryview(packet), handles):
        if frame[1] == EPITAPH_ORDINAL:
            decode_epitaph(frame[3])


@_each("refused-body")
def test_bodies_are_refused_by_the_rule_documented(block: Block) -> None:
    with pytest.raises(RemoteProtocolError, match=rf"\[{block.arguments[0]}\]$"):
        decode_value(block.data, Handle, block.handles)


def test_each_rule_is_documented_and_has_an_example() -> None:
    rules = set(re.findall(r"^    ([RB]\d+)  ", f"{frames.__doc__}\n{scan.__doc__}", re.MULTILINE))
    assert len(rules) == 15
    assert set(re.findall(r"\b[RB]\d+\b", DOCUMENT)) == rules
    examples = {block.arguments[0] for block in BLOCKS if block.kind.startswith("refused")}
    assert examples == rules
    assert set(re.findall(r"^([RB]\d+): ", DOCUMENT, re.MULTILINE)) == rules


def test_the_limits_are_the_codes() -> None:
    stated = dict(re.findall(r"^\| `(MAX_\w+)` \| (\d+) \|", DOCUMENT, re.MULTILINE))
    known = {name: str(value) for name, value in vars(limits).items() if name.isupper()}
    assert stated == known


def test_the_flag_bits_are_the_codes() -> None:
    stated = re.findall(r"^\| [\dto, ]+ \| `(0x\w\w)` \| `(\w+)` \|", DOCUMENT, re.MULTILINE)
    assert len(stated) == 5
    assert {name: int(mask, 16) for mask, name in stated} == {
        name: getattr(header, name) for _, name in stated
    }
