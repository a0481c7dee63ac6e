from __future__ import annotations

from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.source import SourceFile, Span


def test_a_finding_says_where_what_and_why() -> None:
    findings = Findings()
    findings.add("event-name", Span(SourceFile("a.fidl", "ab\ncd"), 3, 5), "event 'cd'")
    (found,) = findings.found
    assert found.render() == (
        f"a.fidl:2:1: warning: event 'cd' [event-name]\n  why: {found.check.reason}"
    )
    assert found.as_json() | {"reason": ""} == {
        "id": "event-name",
        "level": "warning",
        "message": "event 'cd'",
        "reason": "",
        "file": "a.fidl",
        "line": 2,
        "column": 1,
        "end_line": 2,
        "end_column": 3,
    }
