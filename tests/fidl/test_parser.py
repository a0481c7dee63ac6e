"""Declarations as they are parsed."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_text

WORDS = [
    "alias",
    "array",
    "as",
    "ajar",
    "bits",
    "box",
    "bytes",
    "client_end",
    "closed",
    "compose",
    "const",
    "enum",
    "error",
    "flexible",
    "library",
    "open",
    "optional",
    "overlay",
    "properties",
    "protocol",
    "request",
    "reserved",
    "resource",
    "resource_definition",
    "server_end",
    "service",
    "strict",
    "string",
    "struct",
    "table",
    "type",
    "union",
    "using",
    "vector",
]


@pytest.mark.parametrize("word", WORDS)
def test_keywords_are_names_where_names_stand(word: str) -> None:
    text = f"""
    type S = struct {{ {word} bool; }};
    type U = union {{ 1: {word} bool; }};
    type E = enum {{ {word} = 1; }};
    protocol P {{
        {word}(struct {{ {word} bool; }}) -> (struct {{ {word} bool; }});
    }};
    protocol Q {{ -> {word}(S); }};
    protocol R {{ strict {word}() -> (); }};
    """
    assert compile_text(text).ok


def test_types_may_be_called_like_modifiers() -> None:
    text = """
    type strict = union { 1: a bool; };
    type T = struct { a strict:optional; b strict; };
    """
    assert compile_text(text).ok


@pytest.mark.parametrize(
    "text, id_",
    [
        ("resource const A uint8 = 1;", "fi-0030"),
        ("closed Empty {};", "fi-0009"),
        ("protocol P { strict; };", "fi-0020"),
        ("protocol P { strict compose A; };", "fi-0030"),
        ("protocol P { compose; };", "fi-0008"),
        ("Foo = struct {};", "fi-0006"),
        ("protocol P { -> E() error int32; };", "fi-0008"),
        ("type A = struct { a bool; }; protocol P { M(@foo A); };", "fi-0022"),
    ],
)
def test_declarations_that_are_wrong(text: str, id_: str) -> None:
    assert id_ in compile_text(text).ids
