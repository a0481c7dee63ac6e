"""Every diagnostic has its wording and its page; the pages' examples do as they say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ipcrt.fidl import check_protocols
from ipcrt.fidl.attribute_names import OFFICIAL
from ipcrt.fidl.catalogue import CATALOGUE, RETIRED, WARNINGS
from ipcrt.fidl.library import FLAGS
from ipcrt.fidl.source import SourceFile
from tests.support.fidl import (
    REFERENCE,
    ROOT,
    Compiled,
    compile_sources,
    compile_text,
    needs_reference,
)

PAGES = ROOT / "docs" / "errors"
FENCE = re.compile(r"^```fidl(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
SAYS = re.compile(r"^It says:\n\n```text\n((?:.*\n)*?)```$", re.MULTILINE)
LINE = re.compile(r"This has the (error|warning), on line (\d+):")
MEND = re.compile(r"^To mend it: (?:.+\n)*?.*\.\n\n", re.MULTILINE)


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
            libraries[-1].append(SourceFile("example.fidl", padded))
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


def _report(compiled: Compiled) -> str:
    """Answer what is said of an example, without the excerpts and the hints."""
    return "".join(f"{found.render().splitlines()[0]}\n" for found in compiled.diagnostics)


def test_no_id_is_both_in_use_and_retired() -> None:
    assert not RETIRED & set(CATALOGUE)
    assert set(CATALOGUE) >= WARNINGS
    assert all(re.fullmatch(r"fi-\d{4}", id_) for id_ in RETIRED | set(CATALOGUE))


@needs_reference
def test_each_published_id_is_known_as_what_it_is() -> None:
    rows = [line.split("\t") for line in (REFERENCE / "errors.tsv").read_text().splitlines()]
    published = {
        kind: {row[0] for row in rows if row[1] == kind} for kind in ("Error", "Warning", "Retired")
    }
    assert sum(map(len, published.values())) == len(rows)
    assert published["Retired"] == RETIRED
    assert published["Warning"] == WARNINGS
    assert published["Error"] == set(CATALOGUE) - WARNINGS


def test_each_diagnostic_has_its_page_and_each_page_its_diagnostic() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(CATALOGUE)


@pytest.mark.parametrize("id_", sorted(CATALOGUE))
def test_a_page_is_headed_by_the_wording_and_ends_with_what_is_right(id_: str) -> None:
    page = _page(id_)
    wording, _ = CATALOGUE[id_]
    title = wording.replace("'{}'", "…").replace("{}", "…")
    assert page.startswith(f"# {id_}: {title}\n")
    assert MEND.search(page)
    good = _compile(*FENCE.findall(page)[-1])
    assert good.ok, [found.render() for found in good.diagnostics]
    assert not good.diagnostics


@pytest.mark.parametrize("id_", sorted(CATALOGUE))
def test_a_pages_bad_example_has_what_it_says_where_it_says(id_: str) -> None:
    page = _page(id_)
    if id_ in NEVER_RAISED:
        assert "It is not reported today" in page
        assert len(FENCE.findall(page)) == 1
        return
    line = LINE.search(page)
    quoted = SAYS.search(page)
    assert line
    assert quoted
    bad = _compile(*FENCE.findall(page)[0])
    assert quoted[1] == _report(bad), f"{id_}: the page should quote\n{_report(bad)}"
    found = next(found for found in bad.diagnostics if found.id == id_)
    assert found.severity.value == line[1]
    assert bad.ok == (line[1] == "warning")
    assert found.span is not None
    assert found.span.line == int(line[2])


def _no_selector_hashes_to_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find one takes 2^63 tries of SHA-256; with another hash the rule does bite."""

    def zero(_selector: str) -> int:
        return 0

    monkeypatch.setattr(check_protocols, "method_ordinal", zero)
    assert compile_text("protocol P { Method(); };").ids == ["fi-0080"]


def _no_official_attribute_has_an_argument_of_several_that_must_be_given(
    _monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its one argument that must be given is called "value"; fi-0128 asks for that."""
    assert all(len(schema.args) == 1 for schema in OFFICIAL.values() if schema.takes_value)


def _no_flag_asks_for_what_is_the_default(_monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag that did so is gone, and every one that there is lets the word be left out."""
    text = "protocol P { Method(); -> Event(); TwoWay() -> (); };"
    for flags in ((), *((flag,) for flag in FLAGS), FLAGS):
        assert not compile_text(text, flags=flags).diagnostics


NEVER_RAISED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "fi-0080": _no_selector_hashes_to_0,
    "fi-0127": _no_official_attribute_has_an_argument_of_several_that_must_be_given,
    "fi-0191": _no_flag_asks_for_what_is_the_default,
    "fi-0192": _no_flag_asks_for_what_is_the_default,
}
"""Published, and never to be seen: no example can have them, and this is why."""


@pytest.mark.parametrize("id_", sorted(NEVER_RAISED))
def test_what_no_example_can_have_has_a_reason_that_holds(
    id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    NEVER_RAISED[id_](monkeypatch)


def test_the_rooms_code_reports_only_what_is_catalogued() -> None:
    used: set[str] = set()
    for path in (ROOT / "ipcrt" / "fidl").glob("*.py"):
        if not path.name.startswith("catalogue"):
            used |= set(re.findall(r'"(fi-\d{4})"', path.read_text()))
    assert used <= set(CATALOGUE)
    assert set(CATALOGUE) - used == {"fi-0127", "fi-0191", "fi-0192"}
