"""The libraries that a reader needs."""

from __future__ import annotations

from tests.support.fidl import compile_text


def _needed(text: str) -> list[str]:
    dep2 = "library dep2;\ntype Foo = struct {}; const N uint32 = 3; protocol Q {};"
    dep1 = """library dep1;
    using dep2;
    alias Bar = dep2.Foo;
    type Sent = struct { a bool; };
    protocol P { M(struct { f vector<dep2.Foo>:4; }); N(Sent); };
    """
    compiled = compile_text(dep2, dep1, f"library example;\nusing dep1;\n{text}")
    return [found["name"] for found in compiled.ir["library_dependencies"]]


def test_aliases_are_not_followed_and_composed_methods_are() -> None:
    assert _needed("type S = struct { a dep1.Bar; };") == ["dep1"]
    assert _needed("protocol R { compose dep1.P; };") == ["dep1", "dep2"]


def test_whoever_owns_a_composed_method_is_needed() -> None:
    owner = "library owner;\nprotocol O { M(); };"
    between = "library between;\nusing owner;\nprotocol B { compose owner.O; };"
    text = "library example;\nusing between;\nprotocol P { compose between.B; };"
    ir = compile_text(owner, between, text).ir
    assert [found["name"] for found in ir["library_dependencies"]] == ["between", "owner"]


def test_structs_of_others_that_are_sent() -> None:
    dep = "library dep;\ntype Sent = struct { a bool; };"
    text = "library example;\nusing dep;\nprotocol P { M(dep.Sent) -> (dep.Sent) error int32; };"
    ir = compile_text(dep, text).ir
    assert [found["name"] for found in ir["external_struct_declarations"]] == ["dep/Sent"]
