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
    "name-case": Case(
        (
            "type §foo = struct {};",
            "type §HTTPServer = struct {};",
            "type §ReadURI = struct {};",
            "const §Foo bool = true;",
            "const §kFoo bool = true;",
            *members("§fooBar bool;"),
            "type T = strict enum { §Foo = 1; };",
            *methods("flexible §doIt();"),
            "service S { §theEnd client_end:P; };",
            "alias §foo_bar = string:3;",
        ),
        (
            "type HttpServer = struct { a_1 bool; };",
            "type UIView = struct {};",
            "const MAX_2 bool = true;",
            "type T = strict enum { FOO_1 = 1; };",
            "alias koid = uint64; alias Koid = uint64;",
        ),
    ),
    "name-repeats-library": Case(
        ("library a.mouse; type §MouseEvent = struct {};",),
        ("library a.mouse; type Mouse = struct {}; type EventOfMouse = struct {};",),
    ),
    "name-repeats-type": Case(
        ("type PlugState = struct { §plug_state_time bool; };",),
        ("type PlugState = struct { plug_time bool; plug_state bool; };",),
    ),
    "reserved-word": Case(members("§class bool;", "§yield bool;"), members("klass bool;")),
    "vague-protocol-name": Case(
        ("open protocol §FooManager {};", "open protocol §IFoo {};"), ("open protocol Foo {};",)
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)
