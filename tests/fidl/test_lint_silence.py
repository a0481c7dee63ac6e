from __future__ import annotations

from typing import Final

import pytest

from ipcrt.fidl.lint import lint_files
from tests.support.fidl_lint import Case, assert_found, assert_passed, bad_texts, good_texts

CASES: Final = {
    "unknown-check": Case(
        ("// fidl-lint: disable=§no-such-check\ntype T = struct {};",),
        ("// fidl-lint: disable=undocumented\ntype T = struct {};",),
    ),
    "unused-silence": Case(
        ("// fidl-lint: disable=§event-name\ntype T = struct {};",),
        ("type T = struct {}; // fidl-lint: disable=undocumented",),
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)


HEAD = "library t;\n"


def ids(text: str) -> list[str]:
    ignored = ("undocumented", "undocumented-member")
    return [f.check.id for f in lint_files([("a.fidl", HEAD + text)], disabled=ignored)]


@pytest.mark.parametrize(
    "text",
    [
        "type T = struct { a string; }; // fidl-lint: disable=unbounded-string",
        "type T = struct {\n  // fidl-lint: disable=unbounded-string\n  a string;\n};",
        "type T = struct {\n//fidl-lint:disable = event-case, unbounded-string\n  a string;\n};",
        "// fidl-lint: disable=unbounded-string\n\n/// D\n/// e\n@a(b=(c))\ntype T = string;",
        "type T = struct { a string; };\n\n// fidl-lint: disable-file=unbounded-string",
        "type T = struct { a string; }; // fidl-lint: disable=all",
    ],
)
def test_a_comment_silences(text: str) -> None:
    assert [id_ for id_ in ids(text) if id_ != "unknown-check"] == []


@pytest.mark.parametrize(
    "text",
    [
        "// fidl-lint: disable=unbounded-string\ntype T = struct {\n  a string;\n};",
        "type T = struct { // fidl-lint: disable=unbounded-string\n  a string;\n};",
        "type T = struct {\n  a string;\n  // fidl-lint: disable=unbounded-string\n};",
        "type T = struct {\n  a string; // fidl-lint: disable=unbounded-vector\n};",
    ],
)
def test_a_comment_elsewhere_does_not(text: str) -> None:
    assert sorted(ids(text)) == ["unbounded-string", "unused-silence"]


def test_mistakes_in_comments_are_reported_and_never_silenced() -> None:
    assert ids("/// T\ntype T = struct {}; // fidl-lint: disable=all, nonsense") == [
        "unused-silence",
        "unknown-check",
    ]
