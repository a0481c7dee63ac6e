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
    ],
)
def test_what_is_wrong(text: str, id_: str) -> None:
    assert id_ in compile_text(text).ids


def test_parentheses_group() -> None:
    assert compile_text("const A uint8 = (1 | ((2))) | 4;").ok


def test_a_long_or_is_no_deep_tree() -> None:
    assert compile_text(f"const A uint8 = {' | '.join(['1'] * 5000)};").ok
