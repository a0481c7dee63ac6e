"""Reports as people and tools read them."""

from __future__ import annotations

from ipcrt.fidl.diagnostics import MAX_KEPT, Reporter, Severity
from ipcrt.fidl.source import SourceFile, Span


def test_a_report_shows_the_place_the_line_and_the_advice() -> None:
    file = SourceFile("a.fidl", "library a;\n\ttype Foo_ = 1;")
    reporter = Reporter()
    reporter.error("fi-0010", Span(file, 17, 21), "Foo_")
    (found,) = reporter.diagnostics
    assert found.severity is Severity.ERROR
    first, line, caret, hint = found.render().splitlines()
    assert first.startswith("a.fidl:2:7: error: 'Foo_'")
    assert first.endswith("[fi-0010]")
    assert line == "      type Foo_ = 1;"
    assert caret == "           ^~~~"
    assert hint.startswith("  hint: ")
    assert found.as_json()["line"] == 2
    assert found.as_json()["end_column"] == 11


def test_the_same_report_is_made_once_and_warnings_do_not_count() -> None:
    file = SourceFile("a.fidl", "x")
    reporter = Reporter()
    for _ in range(2):
        reporter.error("fi-0145", Span(file, 0, 1), "a", "b")
    assert len(reporter.diagnostics) == 1
    assert reporter.errors == 0


def test_a_hint_takes_what_the_message_leaves() -> None:
    reporter = Reporter()
    reporter.error("fi-0201", None, "library 'a'", "p", "p")
    assert "'p'" in reporter.diagnostics[0].message
    assert "--available p:N" in reporter.diagnostics[0].hint


def test_a_flood_of_warnings_hides_no_error_and_the_rest_is_counted() -> None:
    file = SourceFile("a.fidl", "x" * 2 * MAX_KEPT)
    reporter = Reporter()
    for at in range(MAX_KEPT + 3):
        reporter.error("fi-0145", Span(file, at, at + 1), "a", "b")
    reporter.error("fi-0010", Span(file, 0, 1), "x")
    assert len(reporter.diagnostics) == MAX_KEPT + 1
    assert reporter.diagnostics[-1].id == "fi-0010"
    assert (reporter.errors, reporter.warnings, reporter.left_out) == (1, MAX_KEPT + 3, 3)
    for at in range(1, MAX_KEPT + 2):
        reporter.error("fi-0010", Span(file, at, at + 1), "x")
    assert len(reporter.diagnostics) == 2 * MAX_KEPT
    assert (reporter.errors, reporter.left_out) == (MAX_KEPT + 2, 5)
