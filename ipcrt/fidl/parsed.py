"""Text that parses, for tools that must not touch text that does not."""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.ast import File
from ipcrt.fidl.diagnostics import Diagnostic, Reporter
from ipcrt.fidl.parser import parse
from ipcrt.fidl.source import SourceFile

_SHOWN: Final = 20
_EXPERIMENTS: Final = frozenset({"zx_c_types", "allow_new_types"})
"""What a tool lets pass, since it does not know what the library is compiled with."""


class Unparsable(Exception):
    """A file does not parse; `diagnostics` say why. A tool leaves such a file alone."""

    def __init__(self, name: str, diagnostics: list[Diagnostic]) -> None:
        self.name = name
        self.diagnostics = diagnostics
        super().__init__("\n".join(found.render() for found in diagnostics[:_SHOWN]))


def parse_source(file: SourceFile) -> File:
    """Parse one file; warnings are let pass.

    Raises: Unparsable: the file has a mistake.
    """
    reporter = Reporter()
    tree = parse(file, reporter, _EXPERIMENTS)
    if tree is None or reporter.errors:
        raise Unparsable(file.name, reporter.diagnostics)
    return tree
