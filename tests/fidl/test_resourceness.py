"""Who may carry handles."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "member",
    ["client_end:P", "vector<server_end:P>", "array<R, 2>", "box<R>", "A", "T", "U:optional"],
)
def test_a_value_type_carries_no_handles(member: str) -> None:
    rest = """
    protocol P {};
    type R = resource struct {};
    type T = resource table {};
    type U = resource union {};
    alias A = client_end:P;
    """
    assert compile_text(f"type S = struct {{ a {member}; }};{rest}").ids == ["fi-0110"]
    assert compile_text(f"type S = resource struct {{ a {member}; }};{rest}").ok


def test_a_result_union_is_what_it_holds() -> None:
    text = "protocol P { M() -> (resource struct { p client_end:P; }); N() -> (); };"
    unions = compile_text(text).ir["union_declarations"]
    assert [union["resource"] for union in unions] == [True, False]
