"""docs/resources.md is the truth: its bytes are encoded and decoded, its tables compared."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.tables import Method
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.resources import limits
from ipcrt.resources.messages import Connect, Control, Data, Listen
from ipcrt.wire.frames import encode, split
from tests.resources.raw import null
from tests.support.fidl import HANDLES, compile_text

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/resources.md").read_text("utf-8")
METHODS: dict[str, Method[Any, Any]] = {
    method.selector.rpartition(".")[2]: method
    for protocol in (Listen, Control, Data)
    for method in protocol.TABLE.by_ordinal.values()
}
BLOCKS = re.findall(r"^```resource\n((?:.*\n)*?)-> (\w+)\((.*)\)\n```$", DOCUMENT, re.MULTILINE)


def test_each_message_has_an_example_and_a_row() -> None:
    assert {name for _, name, _ in BLOCKS} == set(METHODS)
    assert len(BLOCKS) == DOCUMENT.count("```resource\n") == len(METHODS) == 11
    rows = re.findall(r"^\| ([A-Z]\w+) \| ([\w: ,0-9]+) \| (\w+), ", DOCUMENT, re.MULTILINE)
    assert {name for name, *_ in rows} == set(METHODS)
    for name, parameters, channel in rows:
        fields = tuple(each.partition(":")[0].strip() for each in parameters.split(","))
        assert fields == METHODS[name].request.type.__struct_fields__
        assert METHODS[name].selector.startswith(f"ipcrt.resources/{channel.capitalize()}.")


@pytest.mark.parametrize("text, name, values", BLOCKS, ids=[name for _, name, _ in BLOCKS])
def test_messages_are_encoded_and_decoded_as_documented(text: str, name: str, values: str) -> None:
    method = METHODS[name]
    data = bytes.fromhex(text)
    count = values.count("handle(")
    names: dict[str, Any] = {"__builtins__": {}, "handle": functools.partial(_handle, name)}
    arguments = eval(f"({values},)", names)  # noqa: S307  the document is ours
    value = method.request.type(*arguments)
    try:
        body, handles = method.request.encode(value)
        assert encode(0, method.ordinal, method.flags, body, len(handles)) == data
        [(txid, ordinal, flags, found, _, claimed)] = split(memoryview(data), count)
        assert (txid, ordinal, flags & 0x1F, claimed) == (0, method.ordinal, 0, count)
        decoded = method.request.decode(bytes(found), handles)
        for field, given in zip(decoded.__struct_fields__, arguments, strict=True):
            if not isinstance(given, Handle):
                assert getattr(decoded, field) == given
        method.request.discard(decoded)
    finally:
        method.request.discard(value)


def _handle(name: str, index: int) -> Handle:
    assert index == 0
    if name != Connect.__name__:
        return null()
    near, far = Channel.create()
    far.close()
    return near


def test_the_ordinals_are_the_codes() -> None:
    [block] = re.findall(r"```resource-ordinals\n((?:.*\n)*?)```", DOCUMENT)
    stated = dict(line.split() for line in block.splitlines())
    known = {each.selector: f"0x{each.ordinal:016x}" for each in METHODS.values()}
    assert stated == known


def test_the_contract_in_fidl_means_the_same_messages() -> None:
    [text] = re.findall(r"```fidl\n((?:.*\n)*?)```", DOCUMENT)
    ir = compile_text(HANDLES, text).ir
    found = {
        method["name"]: method["ordinal"]
        for protocol in ir["protocol_declarations"]
        for method in protocol["methods"]
    }
    assert found == {name: method.ordinal for name, method in METHODS.items()}
    for number in re.findall(r"(?:string|>):(\d+)", text):
        assert int(number) in vars(limits).values()


def test_the_limits_are_the_codes() -> None:
    stated = dict(re.findall(r"^\| `(MAX_\w+)` \| (\d+) \|", DOCUMENT, re.MULTILINE))
    known = {
        name: str(value)
        for name, value in vars(limits).items()
        if name.startswith("MAX_") and name != "MAX_INLINE_BODY_BYTES"
    }
    assert stated == known
