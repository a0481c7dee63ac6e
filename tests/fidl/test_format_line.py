from __future__ import annotations

import pytest

from ipcrt.fidl.format_line import MAX_WIDTH, Line, break_line
from ipcrt.fidl.format_trivia import pieces_of
from ipcrt.fidl.source import SourceFile


def lines_of(text: str) -> list[str]:
    line = Line()
    for piece in pieces_of(SourceFile("a.fidl", text))[:-1]:
        line.add(piece)
    return break_line(line.atoms, 0, 8)


@pytest.mark.parametrize(
    "text",
    [
        "const A uint32 = B | (C | -1);",
        "1: a vector<string:MAX>:<10, optional>;",
        "type E = strict enum : uint8",
        "type enum = a.enum:5",
        "resource_definition Handle : uint32",
        '@available(added=1, note="x = y") type T = resource(added=2) struct',
        "flexible -> OnX() error",
        "flexible Do(a.B) -> (C) error zx.Status;",
        "using a.b as c;",
        "x uint32 = 5;",
        "a array<uint8, 3>;",
        "strict M(@generated_name(X) struct",
    ],
)
def test_spaces_follow_from_the_tokens(text: str) -> None:
    assert lines_of(text) == [text]
    spread = text.replace('"x = y"', '"x=y"').replace(" ", "  ")
    assert lines_of(spread) == [text.replace('"x = y"', '"x=y"')]


def test_a_long_line_breaks_at_its_weakest_bond() -> None:
    name = "n" * 50
    assert lines_of(f"flexible {name}(some.Request) -> (some.other.Response) error zx.Status;") == [
        f"flexible {name}(some.Request)",
        "        -> (some.other.Response) error zx.Status;",
    ]
    assert lines_of(f"const {name} uint64 = {'0' * 60};") == [
        f"const {name} uint64 =",
        f"        {'0' * 60};",
    ]


def test_a_line_may_be_full() -> None:
    line = f"const A uint32 = {'1' * (MAX_WIDTH - 18)};"
    assert len(line) == MAX_WIDTH == 100
    assert lines_of(line) == [line]
    assert lines_of(line.replace("const A", "const AB")) == [
        "const AB uint32 =",
        f"        {'1' * (MAX_WIDTH - 18)};",
    ]


def test_bars_and_commas_fill_lines() -> None:
    lines = lines_of("const A uint32 = " + " | ".join(f"NAME_{number:03}" for number in range(60)))
    assert len(lines) > 3
    assert all(len(line) <= MAX_WIDTH for line in lines)
    assert all(line.endswith(" |") for line in lines[1:-1])


def test_what_cannot_be_broken_stays() -> None:
    assert lines_of("n" * 200) == ["n" * 200]
