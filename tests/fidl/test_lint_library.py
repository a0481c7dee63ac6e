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
    methods,
)

CASES: Final = {
    "vague-library-name": Case(
        ("library a.§util;", "library a.§zxfoo.b;"), ("library a.utility;", "library zx;")
    ),
    "library-too-deep": Case(("library §a.b.c.d.e;",), ("library a.b.c.d;",)),
    "several-library-versions": Case(("library a2.§b3;",), ("library a.b3;",)),
    "dependency-on-specific": Case(
        ("library a.b; using §a.b.c;",),
        ("library a.b; using a.bc;", "library a.b.c; using a.b;"),
    ),
    "undocumented": Case(
        (
            "type §T = struct {};",
            "@internal open protocol P { flexible §M(); };",
            "const §C bool = true;",
        ),
        (
            "/// It.\ntype T = struct {};",
            "@internal type T = struct {};",
            "@no_doc\nconst C bool = true;",
        ),
    ),
    "todo-in-doc": Case(
        ("/// What.\n/// §TODO: more\ntype T = struct {};",),
        ("// TODO: more\n/// What.\ntype T = struct {};",),
    ),
    "repeated-anonymous-type": Case(
        (
            "type T = struct { a struct { x bool; }; b §struct {\n  x bool; // same\n }; };",
            "type T = table { 1: a strict enum { A = 1; }; 2: b §strict enum { A = 1; }; };",
        ),
        (
            "type T = struct { a struct { x bool; }; b struct { y bool; }; };",
            *methods("flexible M(struct { a bool; }) -> (struct { a bool; });"),
        ),
    ),
    "undocumented-member": Case(
        (*members("§a bool;"), "type T = strict enum { §A = 1; };"),
        (*members("/// What.\na bool;"), *methods("flexible M(struct { a bool; });")),
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)
