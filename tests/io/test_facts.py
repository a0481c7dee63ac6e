from __future__ import annotations

import msgspec
import pytest

from ipcrt.errors import RemoteProtocolError
from ipcrt.io.facts import Entry, Stat, parse_entry, parse_stat, size_args
from ipcrt.resources.messages import FramedData, StreamData

encode = msgspec.msgpack.encode


def test_facts_are_read_and_more_is_passed_over() -> None:
    told = {"type": "file", "size": 7, "mode": 0o644, "mtime_ns": 5, "owner": "me"}
    assert parse_stat(encode(told)) == Stat("file", 7, 0o644, 5)
    entry = parse_entry(FramedData(encode({"name": b"\xff", "type": "file", "size": 1})))
    assert entry == Entry("\udcff", "file", 1)
    assert size_args(300) == b"\xcd\x01\x2c"


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"\xc1",
        encode(7),
        encode({"type": "file"}),
        encode({"type": "file", "size": -1}),
        encode({"type": "file", "size": 1 << 63}),
        encode({"type": 1, "size": 1}),
        b"\x91" * 5000,
    ],
)
def test_what_is_no_stat_is_refused(told: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_stat(told)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", b"..", 3])
def test_a_name_that_climbs_is_refused(name: object) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_entry(FramedData(encode({"name": name, "type": "file"})))


def test_a_stream_is_no_directory() -> None:
    with pytest.raises(NotADirectoryError):
        parse_entry(StreamData(b"x"))
