"""Attributes and constants as they are parsed."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text


@pytest.mark.parametrize(
    "text, id_",
    [
        ('@a("b"="c") type A = struct {};', "fi-0010"),
        ('@a("b" "c") type A = struct {};', "fi-0007"),
        ("@a() type A = struct {};", "fi-0014"),
        ('@a("b", c="d") type A = struct {};', "fi-0015"),
        ("const A uint8 = ;", "fi-0007"),
        ("const A uint8 = (1;", "fi-0008"),
        ("const A uint8 = 1 | ;", "fi-0007"),
        ("@a /// doc\ntype A = struct {};", "fi-0006"),
        ('@a(b="c", d) type A = struct {};', "fi-0015"),
        ('@a(b="c", "d") type A = struct {};', "fi-0008"),
    ],
)
def test_what_is_wrong(text: str, id_: str) -> None:
    assert id_ in compile_text(text).ids


def test_parentheses_group() -> None:
    assert compile_text("const A uint8 = (1 | ((2))) | 4;").ok


def test_a_long_or_is_no_deep_tree() -> None:
    assert compile_text(f"const A uint8 = {' | '.join(['1'] * 5000)};").ok


@pytest.mark.parametrize(
    "between, ids",
    [
        ("", []),
        ("\n", ["fi-0027"]),
        ("// c\n", ["fi-0026"]),
        ("\n// c\n", ["fi-0026"]),
        ("// c\n\n", ["fi-0026", "fi-0027"]),
    ],
)
def test_what_stands_between_doc_comments(between: str, ids: list[str]) -> None:
    found = compile_text(f"/// a\n{between}/// b\ntype A = struct {{}};").diagnostics
    assert [diagnostic.id for diagnostic in found] == ids
