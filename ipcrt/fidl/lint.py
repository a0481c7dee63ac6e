"""`ipcrt fidl-lint`: advice on libraries that compile."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Final

from ipcrt.fidl.ast import File
from ipcrt.fidl.lint_catalogue import Level
from ipcrt.fidl.lint_finding import Checker, Finding, Findings
from ipcrt.fidl.lint_layouts import check_layouts
from ipcrt.fidl.lint_library import check_library
from ipcrt.fidl.lint_members import check_members
from ipcrt.fidl.lint_names import check_names
from ipcrt.fidl.lint_protocols import check_protocols
from ipcrt.fidl.lint_silence import silence
from ipcrt.fidl.lint_survey import survey
from ipcrt.fidl.lint_types import check_types
from ipcrt.fidl.parsed import parse_source
from ipcrt.fidl.source import SourceFile

_CHECKERS: Final[tuple[Checker, ...]] = (
    check_types,
    check_members,
    check_layouts,
    check_names,
    check_protocols,
    check_library,
)


def lint_files(
    files: Iterable[tuple[str, str]], *, disabled: Collection[str] = (), advice: bool = True
) -> list[Finding]:
    """Answer what there is to say about files, given as names and texts, in the order of places.

    Files of one library are looked at together, whatever their order. `disabled` names checks to
    leave out; `advice=False` leaves warnings alone.

    Raises: Unparsable: a file has a mistake.
    """
    libraries: dict[str, list[tuple[SourceFile, File]]] = {}
    for name, text in files:
        source = SourceFile(name, text)
        tree = parse_source(source)
        libraries.setdefault(tree.library.text, []).append((source, tree))
    found: list[Finding] = []
    for members in libraries.values():
        found += _lint_library(members)
    return sorted(
        (
            finding
            for finding in found
            if finding.check.id not in disabled and (advice or finding.check.level is Level.WARNING)
        ),
        key=lambda finding: finding.sort_key,
    )


def _lint_library(members: list[tuple[SourceFile, File]]) -> list[Finding]:
    findings = Findings()
    library = survey(members)
    for check in _CHECKERS:
        check(library, findings)
    by_file: dict[str, list[Finding]] = {}
    for finding in findings.found:
        by_file.setdefault(finding.span.file.name, []).append(finding)
    left: list[Finding] = []
    for source, _ in members:
        left += silence(source, by_file.get(source.name, []))
    return left


def findings_text(findings: list[Finding]) -> str:
    """Write findings for a person; nothing for none."""
    return "".join(finding.render() + "\n" for finding in findings)


def findings_json(findings: list[Finding]) -> str:
    """Write findings for a tool: a JSON list."""
    return json.dumps([finding.as_json() for finding in findings], indent=2) + "\n"
