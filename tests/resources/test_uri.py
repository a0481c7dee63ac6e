"""Templates, queries and methods' names."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcrt.errors import InvalidArgs
from ipcrt.resources.limits import MAX_URI_BYTES
from ipcrt.resources.uri import Template, check_uri, join_method, query_of, split_method


@pytest.mark.parametrize(
    "template, uri, found",
    [
        ("file:///{path:path}", "file:///etc/motd", {"path": "etc/motd"}),
        ("file:///{path:path}", "file:///", {"path": ""}),
        ("file:///{path:path}", "file:///a?mode=write", {"path": "a"}),
        ("file:///{path:path}", "file:///../a//b/./c", {"path": "../a//b/./c"}),
        ("file:///{path:path}", "file:///a%20b%3Fc%2Fd", {"path": "a b?c/d"}),
        ("file:///{path:path}", "file:///%00", None),
        ("file:///{path:path}", "file://host/etc", None),
        ("file:///{path:path}", "file:///a#b", None),
        ("file:///{path:path}", "file:///a\nb", {"path": "a\nb"}),
        ("kv://{store}/{key}", "kv://s/k", {"store": "s", "key": "k"}),
        ("kv://{store}/{key}", "kv://s/k/l", None),
        ("kv://{store}/{key}", "kv:///k", None),
        ("kv://{store}/{key}", "kv://s/", None),
        ("kv://{store}/{key}", "kv://s/a%2Fb", None),
        ("kv://{store}/{key}", "kv://s/%00", None),
        ("tcp://{host}:{port:int}", "tcp://a.b:80", {"host": "a.b", "port": 80}),
        ("tcp://{host}:{port:int}", "tcp://a.b:http", None),
        ("tcp://{host}:{port:int}", "tcp://a:-1", None),
        ("tcp://{host}:{port:int}", "tcp://a:٣", None),
        ("tcp://{host}:{port:int}", "tcp://a:" + "1" * 19, None),
        ("null:", "null:", {}),
        ("null:", "null:x", None),
        ("a.c:", "abc:", None),
    ],
)
def test_a_uri_matches_or_not(template: str, uri: str, found: object) -> None:
    assert Template(template).match(uri) == found


def test_a_name_of_any_bytes_comes_through() -> None:
    found = Template("file:///{path:path}").match("file:///%ff%C3%A9")
    assert found is not None
    assert os.fsencode(str(found["path"])) == b"\xff\xc3\xa9"


@pytest.mark.parametrize(
    "text",
    [
        "x://{a}{b}",
        "x://{a:path}/b",
        "x://{a}/{a}",
        "x://{a:float}",
        "x://{A}",
        "x://{a",
        "x://a}",
        "x://a?b={c}",
        "x://a#b",
        "x://{}",
    ],
)
def test_what_is_no_template_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="x://"):
        Template(text)


@given(st.text(max_size=200))
def test_no_text_breaks_a_template(uri: str) -> None:
    for template in ("file:///{path:path}", "{a}:{b}", "kv://{store}/{key}"):
        Template(template).match(uri)


def test_a_name_ends_at_the_first_of_what_stands_behind_it() -> None:
    """So no URI has two ways to match, and none is tried again and again."""
    template = Template("{a}-{b}:{c:int}")
    assert template.match("x-y:1") == {"a": "x", "b": "y", "c": 1}
    assert template.match("x-y-z:1") == {"a": "x", "b": "y-z", "c": 1}
    assert template.match("x-y:z:1") is None
    assert template.match("-a" * (MAX_URI_BYTES // 2)) is None


def test_a_query_has_fields() -> None:
    assert query_of("x:") == {}
    assert query_of("x:?") == {}
    assert query_of("x:?a=1&b=&a=2%26") == {"a": "2&", "b": ""}
    for bad in ("x:?a", "x:?a=1&b", "x:?" + "a=1&" * 70 + "a=1"):
        with pytest.raises(InvalidArgs):
            query_of(bad)


def test_a_method_is_named_behind_its_uri() -> None:
    assert join_method("file:///a", "size") == "file:///a#size"
    assert join_method(None, "size") == "size"
    assert split_method("file:///a#size") == ("file:///a", "size")
    assert split_method("size") == (None, "size")
    assert split_method("a#b#c") == ("a#b", "c")
    for uri, name in ((None, ""), (None, "a#b"), ("x:#y", "a"), (None, "a" * 257)):
        with pytest.raises(InvalidArgs):
            join_method(uri, name)


def test_a_uri_is_checked_before_it_is_sent() -> None:
    assert check_uri("x" * MAX_URI_BYTES)
    for bad in ("x" * (MAX_URI_BYTES + 1), "é" * 2049, "x:#y", "\ud800"):
        with pytest.raises(InvalidArgs):
            check_uri(bad)
