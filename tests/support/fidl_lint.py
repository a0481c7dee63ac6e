"""For each check of the linter: text it must speak about, and text it must not."""

from __future__ import annotations

from typing import NamedTuple

from ipcrt.fidl.lint import lint_files


class Case(NamedTuple):
    """What a check must find, `§` before the place; and what it must let pass.

    Each text stands behind `library t.u;`, unless it names a library itself.
    """

    bad: tuple[str, ...]
    good: tuple[str, ...]


def members(*texts: str) -> tuple[str, ...]:
    """Each text as the members of a struct."""
    return tuple(f"type T = struct {{ {text} }};" for text in texts)


def methods(*texts: str) -> tuple[str, ...]:
    """Each text as the methods of a protocol."""
    return tuple(f"open protocol P {{ {text} }};" for text in texts)


def bad_texts(cases: dict[str, Case]) -> list[tuple[str, str]]:
    """Every check with each text it must speak about."""
    return [(id_, text) for id_, case in cases.items() for text in case.bad]


def good_texts(cases: dict[str, Case]) -> list[tuple[str, str]]:
    """Every check with each text it must let pass."""
    return [(id_, text) for id_, case in cases.items() for text in case.good]


def assert_found(id_: str, text: str) -> None:
    """The check speaks about the marked place, and about no other."""
    marked = _framed(text)
    assert _places(id_, marked.replace("§", "")) == [marked.index("§")]


def assert_passed(id_: str, text: str) -> None:
    """The check has nothing to say."""
    assert _places(id_, _framed(text)) == []


def _framed(text: str) -> str:
    return text if text.startswith("library") else f"library t.u;\n{text}"


def _places(id_: str, text: str) -> list[int]:
    found = lint_files([("a.fidl", text)])
    return [finding.span.start for finding in found if finding.check.id == id_]
