from __future__ import annotations

from typing import Final

import pytest

from tests.support.fidl_lint import (
    Case,
    assert_found,
    assert_passed,
    bad_texts,
    good_texts,
    members,
)

CASES: Final = {
    "handle-without-subtype": Case(
        ("using zx; type T = struct { a §zx.Handle; };",),
        ("using zx; type T = struct { a zx.Handle:VMO; };",),
    ),
    "handle-without-rights": Case(
        (
            "using zx as z; type T = struct { a §z.Handle:<VMO, optional>; };",
            (
                "resource_definition H : uint32 { properties { subtype S; }; };"
                " type T = struct { a §H:X; };"
            ),
        ),
        ("using zx; type T = struct { a zx.Handle:<VMO, zx.Rights.READ, optional>; };",),
    ),
    "same-rights": Case(
        ("using zx; type T = struct { a zx.Handle:<VMO, §zx.Rights.SAME_RIGHTS>; };",),
        ("using zx; type T = struct { a zx.Handle:<VMO, zx.Rights.READ>; };",),
    ),
    "uint8-for-bytes": Case(
        members("a vector<§uint8>:3;", "a array<§uint8, 3>;"),
        members("a vector<byte>:3;", "a uint8;", "a vector<uint16>:3;"),
    ),
    "bound-beyond-message": Case(
        members("a §string:65537;", "a §vector<byte>:0x100000;"),
        members("a string:65536;", "a vector<uint64>:100000;", "a string:MAX;"),
    ),
    "unbounded-vector": Case(
        (
            *members("a §vector<bool>;", "a §bytes;", "a array<§vector<bool>, 3>;"),
            "type T = struct { a §vector<bool>:optional; };",
            "alias V = vector<bool>; type T = struct { a §V; };",
        ),
        (
            "alias V = vector<bool>;",
            *members("a vector<bool>:MAX;", "a vector<bool>:<3, optional>;", "a fidl.bytes:3;"),
            "alias V = vector<bool>; type T = struct { a V:3; };",
            "type vector = struct {}; type T = struct { a vector; };",
        ),
    ),
    "unbounded-string": Case(
        (*members("a §string;", "a §string:optional;", "a vector<§string>:3;", "a §fidl.string;"),),
        (*members("a string:MAX;", "a string:<N, optional>;"), 'const C string = "x";'),
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)
