"""Every diagnostic has its wording and its page; the pages' examples do as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ipcrt.fidl.catalogue import CATALOGUE, RETIRED, WARNINGS
from ipcrt.fidl.source import SourceFile
from tests.support.fidl import ROOT, Compiled, compile_sources

PAGES = ROOT / "docs" / "errors"
FENCE = re.compile(r"^```fidl(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
LINE = re.compile(r"This has the (error|warning), on line (\d+):")


def _page(id_: str) -> str:
    return (PAGES / f"{id_}.md").read_text()


def _libraries(text: str) -> list[list[SourceFile]]:
    """Cut an example at its `// library` and `// file` lines; lines keep their numbers."""
    libraries: list[list[SourceFile]] = [[]]
    start = 0
    lines = text.splitlines(keepends=True)
    for number, line in enumerate([*lines, "// library\n"]):
        if line in ("// library\n", "// file\n"):
            padded = "\n" * start + "".join(lines[start:number])
            libraries[-1].append(SourceFile(f"part{number}.fidl", padded))
            start = number + 1
            if line == "// library\n" and number < len(lines):
                libraries.append([])
    return libraries


def _compile(options: str, text: str) -> Compiled:
    available: dict[str, str] = {}
    flags: list[str] = []
    for word in options.split():
        name, _, value = word.partition("=")
        if name == "available":
            platform, _, version = value.partition(":")
            available[platform] = version
        else:
            flags.append(value)
    return compile_sources(_libraries(text), available, flags)


def test_no_id_is_both_in_use_and_retired() -> None:
    assert not RETIRED & set(CATALOGUE)
    assert set(CATALOGUE) >= WARNINGS
    assert all(re.fullmatch(r"fi-\d{4}", id_) for id_ in RETIRED | set(CATALOGUE))


def test_each_diagnostic_has_its_page_and_each_page_its_diagnostic() -> None:
    assert {path.stem for path in PAGES.glob("fi-*.md")} == set(CATALOGUE)


@pytest.mark.parametrize("id_", sorted(CATALOGUE))
def test_a_pages_examples_do_as_they_say(id_: str) -> None:
    page = _page(id_)
    assert page.startswith(f"# {id_}: ")
    fences = FENCE.findall(page)
    good = _compile(*fences[-1])
    assert good.ok, [found.render() for found in good.diagnostics]
    assert not good.diagnostics
    line = LINE.search(page)
    if line is None:
        assert "It is not reported today" in page
        assert len(fences) == 1
        return
    bad = _compile(*fences[0])
    found = next(found for found in bad.diagnostics if found.id == id_)
    assert found.severity.value == line[1]
    assert bad.ok == (line[1] == "warning")
    assert found.span is not None
    assert found.span.line == int(line[2])


def test_the_rooms_code_reports_only_what_is_catalogued() -> None:
    used: set[str] = set()
    for path in (ROOT / "ipcrt" / "fidl").glob("*.py"):
        if not path.name.startswith("catalogue"):
            used |= set(re.findall(r'"(fi-\d{4})"', Path(path).read_text()))
    assert used <= set(CATALOGUE)
    assert set(CATALOGUE) - used == {"fi-0127", "fi-0191", "fi-0192"}
