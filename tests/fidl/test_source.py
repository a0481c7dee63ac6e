"""Offsets to lines and columns."""

from __future__ import annotations

from ipcrt.fidl.source import SourceFile, Span


def test_positions_count_from_one() -> None:
    file = SourceFile("a.fidl", "one\ntwo\r\n\nend")
    assert file.position(0) == (1, 1)
    assert file.position(5) == (2, 2)
    assert file.position(len(file.text)) == (4, 4)
    assert [file.line_text(line) for line in (1, 2, 3, 4)] == ["one", "two", "", "end"]


def test_a_span_knows_its_text_and_place() -> None:
    file = SourceFile("a.fidl", "one\ntwo")
    span = Span(file, 4, 7)
    assert (span.text, span.line, span.column, str(span)) == ("two", 2, 1, "a.fidl:2:1")
    assert Span(file, 0, 3).to(span).text == file.text
