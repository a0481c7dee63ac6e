"""URIs on the command line: what they are, and how they are opened to be written."""

from __future__ import annotations

import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.resources import check_uri, explained, for_writing, server_of, writes
from ipcrt.errors import AccessDenied, NotFound


def test_a_uri_has_a_scheme() -> None:
    assert check_uri("tcp-listen://a:1") == "tcp-listen"
    assert server_of("tcp-listen") == "ipcrt.resources/TcpListen"
    for text in ("file", "a b://x", "", "File:///x"):
        with pytest.raises(Misused, match="is no URI, such as file:///etc/motd"):
            check_uri(text)


@pytest.mark.parametrize(
    "uri, append, opened",
    [
        ("file:///a", False, "file:///a?write&create&truncate"),
        ("file:///a", True, "file:///a?append&create"),
        ("kv:///a?sync", False, "kv:///a?sync&write&create&truncate"),
        ("file:///a?write&offset=3", False, "file:///a?write&offset=3"),
        ("file:///a?write=0", False, "file:///a?write=0&write&create&truncate"),
        ("tcp://a:1", True, "tcp://a:1"),
        ("process:///a?arg=b", False, "process:///a?arg=b"),
    ],
)
def test_what_is_written_says_so(uri: str, append: bool, opened: str) -> None:
    assert for_writing(uri, append=append) == opened
    assert writes(opened) == ("write" in opened or "append" in opened)


def test_a_uri_that_says_otherwise() -> None:
    with pytest.raises(Misused, match="says itself how it is written: leave out --append"):
        for_writing("file:///a?write", append=True)


def test_a_refusal_is_the_locators_where_the_channel_is_closed() -> None:
    for error in (NotFound("x"), AccessDenied("x")):
        assert explained(error, "file:///a", closed=False) is error
        assert "ipcrt.resources/File: " in str(explained(error, "file:///a", closed=True))
