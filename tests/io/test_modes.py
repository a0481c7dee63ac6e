from __future__ import annotations

import pytest

from ipcrt.io.modes import Mode, with_fields


@pytest.mark.parametrize("mode", ["", "b", "rw", "rr", "r++", "rbt", "rU", "+", "r b"])
def test_what_is_no_mode_is_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="mode"):
        Mode.parse(mode)


@pytest.mark.parametrize(
    "mode, raw, reading, writing",
    [
        ("r", "rb", True, False),
        ("br+", "rb+", True, True),
        ("wb", "wb", False, True),
        ("+at", "ab+", True, True),
        ("x", "xb", False, True),
    ],
)
def test_a_mode_is_taken_apart(mode: str, raw: str, reading: bool, writing: bool) -> None:
    parsed = Mode.parse(mode)
    assert (parsed.raw, parsed.reading, parsed.writing) == (raw, reading, writing)
    assert parsed.text is ("b" not in mode)
    assert parsed.appending is ("a" in mode)


def test_a_mode_tells_the_server_by_flags() -> None:
    assert Mode.parse("r").uri("f:///x") == "f:///x"
    assert Mode.parse("r+").uri("f:///x?fd") == "f:///x?fd"
    assert Mode.parse("w+").uri("f:///x") == "f:///x?write&create&truncate"
    assert Mode.parse("x").uri("f:///x?sync") == "f:///x?sync&write&create&exclusive"
    assert Mode.parse("a").uri("f:///x?create=0") == "f:///x?create=0&append"


def test_fields_are_added_once() -> None:
    assert with_fields("u", "offset=3") == "u?offset=3"
    assert with_fields("u?offset=1&a", "offset=3", "b") == "u?offset=1&a&b"
    assert with_fields("u?") == "u?"
