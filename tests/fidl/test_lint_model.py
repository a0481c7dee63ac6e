from __future__ import annotations

import pytest

from ipcrt.fidl.lint_model import Resolved, text_of
from ipcrt.fidl.lint_survey import survey
from ipcrt.fidl.parsed import parse_source
from ipcrt.fidl.source import SourceFile


def resolved(type_: str) -> Resolved:
    text = (
        "library t; using zx as z; alias V = vector<bool>; alias W = V:3; alias bool = uint8;"
        f"type T = struct {{ x {type_}; }};"
    )
    source = SourceFile("a.fidl", text)
    library = survey([(source, parse_source(source))])
    return library.resolve(library.units[0], library.members[0].member.type)


@pytest.mark.parametrize(
    "type_, name, bounds, optional",
    [
        ("string:3", "string", ["3"], False),
        ("W:optional", "vector", ["3"], True),
        ("V", "vector", [], False),
        ("bytes:<optional, N>", "vector", ["N"], True),
        ("z.Handle:VMO", "zx.Handle", ["VMO"], False),
        ("fidl.string", "string", [], False),
        ("bool", "uint8", [], False),
        ("other.Name", "other.Name", [], False),
        ("struct {}", "", [], False),
    ],
)
def test_types_are_resolved(type_: str, name: str, bounds: list[str], optional: bool) -> None:
    found = resolved(type_)
    assert (found.name, found.is_optional) == (name, optional)
    assert [text_of(bound) for bound in found.bounds] == bounds


def test_a_long_chain_of_aliases_is_not_walked_to_its_end_by_each() -> None:
    links = "".join(f"alias A{each} = A{each + 1};" for each in range(100))
    source = SourceFile("a.fidl", f"library t; {links} alias A100 = uint8;")
    library = survey([(source, parse_source(source))])
    unit = library.units[0]
    names = [library.resolve(unit, use.type).name for use in library.types]
    assert set(names) == {"uint8", *(f"t.A{each}" for each in range(65, 101))}
