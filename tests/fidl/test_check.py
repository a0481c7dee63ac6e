"""Declarations that are no layouts."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("service S { a client_end:P; }; protocol P {};", []),
        ("service S { a server_end:P; }; protocol P {};", ["fi-0112"]),
        ("service S { a string; };", ["fi-0112"]),
        ("service S { a client_end:<P, optional>; }; protocol P {};", ["fi-0088"]),
        ("const A vector<uint8> = 1;", ["fi-0059"]),
        ("resource_definition H : uint32 { properties { subtype H; }; };", ["fi-0057", "fi-0175"]),
    ],
)
def test_declarations(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids
