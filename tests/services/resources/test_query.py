from __future__ import annotations

import pytest

from ipcrt.errors import InvalidArgs
from ipcrt_services.resources.query import MAX_FIELDS, MAX_NUMBER, Query

KNOWN = frozenset(("append", "offset", "arg"))


def query(text: str) -> Query:
    return Query(f"file:///a?{text}", KNOWN)


@pytest.mark.parametrize(
    "text", ["append", "append=", "append=1", "offset=2&append", "append=0&append"]
)
def test_a_flag_is_on_where_it_stands(text: str) -> None:
    assert query(text).flag("append")


@pytest.mark.parametrize("text", ["", "append=0", "append&append=0"])
def test_a_flag_is_off_otherwise(text: str) -> None:
    assert not query(text).flag("append")


def test_numbers_and_lists() -> None:
    found = query("arg=a&offset=12&arg=%20b+c")
    assert found.number("offset") == 12
    assert found.all("arg") == ["a", " b c"]
    assert query("").number("offset") is None


@pytest.mark.parametrize(
    "value", ["", "-1", "1.5", "0x10", "1_0", "٣", str(MAX_NUMBER + 1), "9" * 5000]
)
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgs):
        query(f"offset={value}").number("offset")


def test_what_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidArgs, match="appnd"):
        query("appnd")


@pytest.mark.parametrize("text", ["arg=%00", "&".join(["arg=1"] * (MAX_FIELDS + 1))])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgs):
        query(text)


def test_a_flag_is_neither_yes_nor_no() -> None:
    with pytest.raises(InvalidArgs, match="append=yes"):
        query("append=yes").flag("append")
