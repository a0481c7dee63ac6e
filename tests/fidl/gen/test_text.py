from __future__ import annotations

import ast

import pytest

from ipcrt.fidl.gen.text import WIDTH, Group, alternatives, clean, docstring, opening, quote


def test_a_group_fits_in_one_line_in_three_or_in_one_for_each_item() -> None:
    assert Group("f(", ["a", "b"], ")").lines(4) == ["    f(a, b)"]
    middling = Group("function(", ["a" * 50, "b" * 43], ")").lines()
    assert middling == ["function(", f"    {'a' * 50}, {'b' * 43}", ")"]
    long = Group("function(", ["a" * 50, Group("g(", ["b" * 50], ")")], ")").lines()
    assert long == ["function(", f"    {'a' * 50},", f"    g({'b' * 50}),", ")"]


def test_a_lone_item_of_a_tuple_keeps_its_comma() -> None:
    assert Group("(", ["a"], ")", is_tuple=True).lines() == ["(a,)"]
    assert Group("(", ["a" * WIDTH], ")", is_tuple=True).lines()[1].endswith(",")


def test_alternatives_wrap_in_parentheses() -> None:
    assert alternatives("A", ["B", "C"]) == ["A = B | C"]
    assert alternatives("A", ["B" * 50, "C" * 45])[0] == "A = ("
    assert alternatives("A", ["B" * 50, "C" * 60])[2] == f"    | {'C' * 60}"


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        'in "quotes"',
        'has """three""" of them',
        "back\\slash \\n",
        "nul\0\r\x1b",
        "x\\",
    ],
)
def test_a_docstring_cannot_end_itself(text: str) -> None:
    lines = docstring(text, 4)
    source = "\n".join(["class A:", *lines])
    tree = ast.parse(source)
    assert isinstance(tree.body[0], ast.ClassDef)
    assert len(tree.body[0].body) == 1
    found = ast.get_docstring(tree.body[0])
    assert found is not None
    assert found.strip() == clean(text)


def test_doc_comments_lose_their_first_space_and_keep_their_shape() -> None:
    text = " One.\n\n Two:\n     code\n"
    assert clean(text) == "One.\n\nTwo:\n    code"
    assert docstring("", 4) == []


@pytest.mark.parametrize(
    "text",
    [
        "a",
        'a"b',
        "a'b\"c",
        "\\'\"\\\\'",
        "tab\t",
        "\ud800",
        "\U0001f600\n",
        "\u2028ü",
        "\\",
        "\n",
        "{x}%s",
    ],
)
def test_a_literal_means_its_text(text: str) -> None:
    assert ast.literal_eval(quote(text)) == text


def test_a_literal_has_double_quotes_where_that_takes_no_escapes() -> None:
    assert [quote(text) for text in ("a'b", 'a"b', "\n")] == ['"a\'b"', "'a\"b'", '"\\n"']


def test_a_class_is_documented_once() -> None:
    assert opening("class A:", "About.") == ["class A:", '    """About."""', ""]
    assert opening("class A:", "") == ["class A:"]
    assert opening("class A:", "", alone="Alone.") == ["class A:", '    """Alone."""']
    assert opening("class A:", "About.", alone="Alone.") == ["class A:", '    """About."""']


def test_a_space_parts_quotes_from_quotes() -> None:
    assert docstring('"a"') == ['""" "a" """']
    assert docstring('a\n"b"') == ['"""a', '"b"', '"""']
