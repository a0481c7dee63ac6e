from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.bench.perf.chart import Bar, draw
from scripts.bench.perf.report import END, KEPT, check, write
from scripts.bench.perf.row import Kind
from tests.bench import given

SVG = "{http://www.w3.org/2000/svg}"


def test_the_page_tells_the_machine_the_targets_and_the_figures(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    written = write(page, given.results())
    text = page.read_text()
    assert "- Python: CPython 3.11" in text
    assert "- load average of a minute: 0.25 before, 1.50 after" in text
    assert (
        "| round trip, `def`, over uvloop echo, one core | pure | ≤ 1.6 | 1.50 | pass by 6% |"
        in (text)
    )
    assert "| 0.50 | FAIL by 29% |" in text
    assert "### Calls, 64 in flight, unpinned" in text
    assert "| uvloop echo | 2.0 | 500,000/s |" in text
    assert "| clients | private kib | 20.0 |" in text
    assert written[0] == page
    for picture in written[1:]:
        assert f"({page.stem}/{picture.name})" in text


def test_the_page_says_what_is_missing_and_why(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    write(page, given.results())
    text = page.read_text()
    assert "- missing: skipped: no module missing" in text
    assert "- broken: failed: server: OSError: no" in text
    assert "- no time for same events" in text
    assert "- odd.py: SyntaxError: odd" in text
    assert "| activation | failed | TimedOut: too late |" in text


def test_what_people_wrote_stays(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    prose = f"{KEPT}\n\nWhat we found: | 0.50 |.\n\n{END}"
    page.write_text(f"# Old\n\n{prose}\n\n## Old figures\n")
    write(page, given.results())
    write(page, given.results())
    text = page.read_text()
    assert text.count(prose) == 1
    assert "Old" not in text


def test_a_page_that_does_not_say_what_is_kept_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# By hand\n")
    for refuse in (lambda: check(page), lambda: write(page, given.results())):
        with pytest.raises(ValueError, match="kept by hand"):
            refuse()
    assert page.read_text() == "# By hand\n"


def test_a_page_that_has_no_place_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    check(tmp_path / "performance.md")
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        check(tmp_path / "nowhere" / "performance.md")


def test_plots_are_svg_with_a_bar_for_each_row(tmp_path: Path) -> None:
    write(tmp_path / "performance.md", given.results())
    root = ElementTree.parse(tmp_path / "performance" / "round-trip-one-core.svg").getroot()
    assert root.tag == f"{SVG}svg"
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "slow & <steady>" in texts
    assert "60.0 µs" in texts


def test_bars_are_as_long_as_their_values_are_large() -> None:
    bars = [Bar("a", Kind.FLOOR, 1.0, "1"), Bar("b", Kind.OWN, 4.0, "4")]
    root = ElementTree.fromstring(draw("Lengths", bars))
    first, second = (each for each in root.iter(f"{SVG}rect") if each.get("rx"))
    assert float(second.get("width", 0)) == 4 * float(first.get("width", 0))
    assert first.get("class") != second.get("class")


def test_a_chart_has_colours_for_dark_pages() -> None:
    assert "prefers-color-scheme: dark" in draw("Dark", [Bar("a", Kind.OWN, 1.0, "1")])
