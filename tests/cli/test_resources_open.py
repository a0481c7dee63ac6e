"""What `ipcrt open` shows of frames; `test_open` has the whole of it."""

from __future__ import annotations

import msgspec
import pytest

from ipcrt.cli.resources_open import entry_line


@pytest.mark.parametrize(
    "entry, line",
    [
        ({"name": "a", "type": "file", "size": 3}, b"a\n"),
        ({"name": "d", "type": "directory"}, b"d/\n"),
        ({"name": b"\xff", "type": "link"}, b"\xff\n"),
    ],
)
def test_an_entry_is_a_line(entry: dict[str, object], line: bytes) -> None:
    assert entry_line(msgspec.msgpack.encode(entry), escaped=False) == line


def test_a_terminal_obeys_no_name() -> None:
    entry = {"name": b"\x1b[2J\xff", "type": "file"}
    assert entry_line(msgspec.msgpack.encode(entry), escaped=True) == b"\\x1b[2J\\xff\n"


@pytest.mark.parametrize("frame", [b"\xc1", b"", b"\x81\xa4name\x01", b"\x80"])
def test_what_is_no_entry_is_shown_as_it_is(frame: bytes) -> None:
    assert entry_line(frame, escaped=False) == frame
