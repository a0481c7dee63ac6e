"""Constraints, in their order and once."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type S = struct { a string:<8, optional>; };", []),
        ("type S = struct { a string:<optional, 8>; };", ["fi-0166"]),
        ("type S = struct { a string:<8, optional, 1>; };", ["fi-0164"]),
        ("type S = struct { a uint8:optional; };", ["fi-0156"]),
        ("type S = struct { a uint8:3; };", ["fi-0164"]),
        ("type S = struct { a array<uint8, 3>:optional; };", ["fi-0156"]),
        ("alias A = string:<4, optional>; type S = struct { a A:5; };", ["fi-0158"]),
        ("alias A = string; type S = struct { a A:<5, optional>; };", []),
        ("type S = struct { a T:optional; }; type T = table {};", ["fi-0156"]),
        ("protocol P {}; type S = resource struct { a client_end:<P, optional>; };", []),
        ("type S = resource struct { a client_end:optional; };", ["fi-0168"]),
        ("type S = resource struct { a server_end:3; };", ["fi-0157"]),
    ],
)
def test_constraints(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids
