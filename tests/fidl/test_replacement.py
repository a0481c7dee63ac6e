"""Removed, replaced, renamed."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_versioned

_LATER = "protocol Q { @available(added=2) M(); };"


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type T = table { @available(removed=2) 1: a bool; };", []),
        ("type T = table { @available(removed=2) 1: a bool; @available(added=3) 1: a bool; };", []),
        (
            "type T = table { @available(replaced=2) 1: a bool; @available(added=2) 1: a int8; };",
            [],
        ),
        (
            "type T = table { @available(removed=2) 1: a bool; @available(added=2) 1: a string; };",
            ["fi-0205"],
        ),
        ("type T = table { @available(replaced=2) 1: a bool; };", ["fi-0206"]),
        (
            "type E = enum { @available(replaced=2) A = 1; @available(added=2) A = 2; };",
            ["fi-0217"],
        ),
        ("type S = struct { @available(replaced=2) a uint8; @available(added=2) a int8; };", []),
        (
            "protocol P { @available(removed=2) M(); compose Q; };" + _LATER,
            ["fi-0205"],
        ),
        ("@available(replaced=2) type A = struct {}; @available(added=2) alias A = bool;", []),
    ],
)
def test_endings(text: str, ids: list[str]) -> None:
    for version in ("1", "2", "3", "HEAD"):
        assert compile_versioned(text, version).ids == ids


@pytest.mark.parametrize(
    "text, place",
    [
        ("@available(removed=2) alias A = int8; @available(added=2) alias A = bool;", "removed"),
        ("@available(added=1, replaced=2) type A = enum {};", "replaced"),
        ("protocol P { @available(replaced=2) compose Q; }; protocol Q { M(); };", "replaced"),
    ],
)
def test_the_report_is_on_the_end(text: str, place: str) -> None:
    (found,) = compile_versioned(text).diagnostics
    assert found.span is not None
    assert found.span.text == f"{place}=2"
