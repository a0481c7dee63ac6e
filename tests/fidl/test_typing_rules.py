"""Types made of what was written."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, ids",
    [
        ("type S = struct { a vector; };", ["fi-0162"]),
        ("type S = struct { a uint8<1>; };", ["fi-0162"]),
        ("type S = struct { a vector<1>; };", ["fi-0165"]),
        ("type S = struct { a array<uint8, uint8>; };", ["fi-0063"]),
        ('type S = struct { a array<uint8, "1">; };', ["fi-0065", "fi-0101"]),
        ("type S = struct { a array<uint8, 0>; };", ["fi-0161"]),
        ("const N uint32 = 2; type S = struct { a array<uint8, N>; };", []),
        ("type S = struct { a box<uint8>; };", ["fi-0193"]),
        ("type S = struct { a box<string>; };", ["fi-0171"]),
        ("protocol P {}; type S = struct { a P; };", ["fi-0165"]),
        ("alias A = vector;", ["fi-0162"]),
        ("alias A = vector<A>;", ["fi-0057"]),
        ("const N uint8 = 1; type S = struct { a vector<N>; };", ["fi-0165"]),
        ("alias A = B<string>; alias B = vector<string>;", ["fi-0162"]),
        ("alias A = usize64;", ["fi-0180"]),
        ("type S = struct { a bytes:4; b byte; };", []),
    ],
)
def test_types(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids


def test_new_types_are_an_experiment() -> None:
    text = "type N = uint8; type S = struct { n N; };"
    assert compile_text(text).ids == ["fi-0062"]
    assert compile_text(text, flags=["allow_new_types"]).ok
