from __future__ import annotations

import pytest

from ipcrt.fidl.parsed import Unparsable, parse_source
from ipcrt.fidl.source import SourceFile


def test_what_parses_comes_back_as_a_tree() -> None:
    assert parse_source(SourceFile("a.fidl", "library a.b;")).library.text == "a.b"


@pytest.mark.parametrize(
    "text", ["", "library a", 'library a; const A string = "', "library a; type T = struct {"]
)
def test_what_does_not_parse_says_why(text: str) -> None:
    with pytest.raises(Unparsable, match=r"a\.fidl:1:\d+: error") as caught:
        parse_source(SourceFile("a.fidl", text))
    assert caught.value.name == "a.fidl"
    assert caught.value.diagnostics


def test_what_needs_an_experiment_parses() -> None:
    parse_source(SourceFile("a.fidl", "library a; type T = strict overlay { 1: a uint32; };"))
