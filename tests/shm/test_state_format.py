from __future__ import annotations

import pytest

from ipcrt.errors import NotSupported, ProtocolError
from ipcrt.shm.layout import LINE_BYTES
from ipcrt.shm.state_format import Flags, read_header, write_header
from tests.shm.state_scene import LAYOUT


def _header(flags: Flags = Flags.NONE) -> bytearray:
    line = bytearray(LINE_BYTES)
    write_header(memoryview(line), LAYOUT, flags)
    return line


@pytest.mark.parametrize("flags", [Flags.NONE, Flags.CHECKED])
def test_a_header_comes_back(flags: Flags) -> None:
    line = _header(flags)
    assert line[:8] == b"IPCRTSHS"
    assert read_header(memoryview(line), LAYOUT) == flags


@pytest.mark.parametrize(
    "at, error, match",
    [
        (0, ProtocolError, "magic"),
        (8, NotSupported, "version 254; this library knows 1"),
        (16, ProtocolError, "layout hash .* of scene"),
        (24, ProtocolError, "size .* of scene"),
    ],
)
def test_each_word_is_checked(at: int, error: type[Exception], match: str) -> None:
    line = _header()
    line[at] ^= 0xFF
    with pytest.raises(error, match=match):
        read_header(memoryview(line), LAYOUT)


def test_flags_that_nobody_knows_mean_nothing() -> None:
    line = _header()
    line[12:16] = b"\xfe\xff\xff\xff"
    assert read_header(memoryview(line), LAYOUT) == Flags.NONE
