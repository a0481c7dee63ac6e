"""What methods are given and answer."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.resources_values import arguments_of, shown
from ipcrt.resources.limits import MAX_ARGS_BYTES


def test_arguments_are_text_or_a_files_bytes(tmp_path: Path) -> None:
    assert arguments_of(None, None) == b""
    assert arguments_of("\udcff é", None) == b"\xff \xc3\xa9"
    (tmp_path / "a").write_bytes(bytes(MAX_ARGS_BYTES))
    assert arguments_of(f"@{tmp_path / 'a'}", None) == bytes(MAX_ARGS_BYTES)
    (tmp_path / "a").write_bytes(bytes(MAX_ARGS_BYTES + 1))
    with pytest.raises(Misused, match="exceeds the 1048576 bytes that a method takes"):
        arguments_of(f"@{tmp_path / 'a'}", None)


def test_messagepack_is_said_in_json() -> None:
    packed = arguments_of(None, '[1, "a", {"base64": "/w=="}, {"b": [null]}]')
    assert msgspec.msgpack.decode(packed) == [1, "a", b"\xff", {"b": [None]}]


@pytest.mark.parametrize(
    "text", ["{", "", '{"base64": "?"}', str(1 << 64), "[" * 5000 + "]" * 5000]
)
def test_what_cannot_be_said_in_messagepack(text: str) -> None:
    with pytest.raises(Misused, match="--msgpack: "):
        arguments_of(None, text)


def test_messagepack_excludes_arguments() -> None:
    with pytest.raises(Misused, match="exclude each other"):
        arguments_of("a", "1")


def test_a_result_is_shown_as_what_it_is() -> None:
    assert shown(b"") is None
    assert shown(msgspec.msgpack.encode([1, b"\xff"])) == [1, {"base64": "/w=="}]
    assert shown(b"no messagepack") == "no messagepack"
    assert shown(b"\xc1\xff") == {"base64": "wf8="}
