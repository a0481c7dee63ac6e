"""ipcrt fidl-lint: advice on FIDL libraries."""

from __future__ import annotations

from ipcrt.cli.fidl_files import FilesArgument, complain, read_text, say
from ipcrt.cli.options import JsonOption


def fidl_lint(files: FilesArgument, as_json: JsonOption = False) -> int:
    """Say what will be regretted in FIDL files, and why.

    Give all files of a library at once. `// fidl-lint: disable=CHECK` silences a check.
    Exit status: 1 where there is a warning or a mistake; advice alone is 0.
    """
    from ipcrt.fidl.lint import findings_json, findings_text, lint_files
    from ipcrt.fidl.lint_catalogue import Level
    from ipcrt.fidl.parsed import Unparsable

    texts = [(name, read_text(name)) for name in dict.fromkeys(files)]
    try:
        findings = lint_files(texts)
    except Unparsable as error:
        complain(f"{error}\n")
        return 1
    say(findings_json(findings) if as_json else findings_text(findings))
    return int(any(finding.check.level is Level.WARNING for finding in findings))
