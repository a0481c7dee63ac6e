"""Compiling a library: a list of steps, each of which fails on its own diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ipcrt.fidl.ast import File
from ipcrt.fidl.availability import check_availability
from ipcrt.fidl.check import check_library
from ipcrt.fidl.consume_decls import consume_files
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.order import DONE_BEFORE
from ipcrt.fidl.parser import parse
from ipcrt.fidl.replacement import check_replacements
from ipcrt.fidl.resolve import resolve_names
from ipcrt.fidl.resourceness import check_resourceness
from ipcrt.fidl.shapes import shape_library
from ipcrt.fidl.source import SourceFile
from ipcrt.fidl.transport import check_transports
from ipcrt.fidl.verify import check_attributes, check_imports


def parse_files(
    sources: Sequence[SourceFile], session: Session, reporter: Reporter
) -> list[File] | None:
    """Parse a library's files; None where one of them has a mistake."""
    errors = reporter.errors
    files = [parse(source, reporter, session.flags) for source in sources]
    if reporter.errors != errors:
        return None
    return [file for file in files if file is not None]


def compile_library(
    sources: Sequence[SourceFile], session: Session, reporter: Reporter
) -> Library | None:
    """Compile a library and add it to those of the session.

    Its dependencies must have been compiled in the same session. Mistakes go to the reporter; None
    where there was one.
    """
    errors = reporter.errors
    files = parse_files(sources, session, reporter)
    if not files:
        return None
    library, span = consume_files(files, session, reporter)
    steps: list[Callable[[], None]] = [
        lambda: check_availability(library, session, reporter),
        lambda: resolve_names(library, session, reporter),
        lambda: check_library(library, session, reporter),
        lambda: shape_library(library, reporter),
        lambda: check_replacements(library, reporter),
        lambda: check_resourceness(library, reporter),
        lambda: check_transports(library, reporter),
        lambda: check_attributes(library, session, reporter),
        lambda: check_imports(library, reporter),
    ]
    for step in steps:
        if reporter.errors != errors:
            return None
        step()
    if reporter.errors != errors:
        return None
    if library.name in session.libraries:
        reporter.error("fi-0041", span, library.name)
        return None
    for decl in library.decls:
        decl.state = DONE_BEFORE
    session.libraries[library.name] = library
    return library
