"""What is checked before what; cycles."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text",
    [
        "type A = struct { a A; };",
        "type A = struct { b B; }; type B = struct { a A; };",
        "type A = struct { a array<A, 2>; };",
        "type A = struct { a vector<A>; };",
        "type A = table { 1: a A; };",
        "type A = union { 1: a vector<A>; };",
        "protocol A { compose A; };",
        "alias A = B; alias B = A;",
        "const A uint8 = B; const B uint8 = A;",
        "type E = enum { A = E.B; B = 1; };",
        "@foo(A) const A bool = true;",
    ],
)
def test_cycles(text: str) -> None:
    assert "fi-0057" in compile_text(text).ids


@pytest.mark.parametrize(
    "text",
    [
        "type A = struct { a box<A>; };",
        "type A = struct { a vector<A>:optional; };",
        "type A = union { 1: b struct { a A:optional; }; };",
        "type A = union { 1: a array<A:optional, 2>; };",
        "type A = resource struct { p client_end:P; }; protocol P { M(A); };",
    ],
)
def test_what_may_be_absent_breaks_a_cycle(text: str) -> None:
    assert compile_text(text).ok


def test_declaration_order_is_topological() -> None:
    ir = compile_text("type A = struct { b C; }; type C = struct { d B; }; type B = enum {};").ir
    assert ir["declaration_order"] == ["example/B", "example/C", "example/A"]
