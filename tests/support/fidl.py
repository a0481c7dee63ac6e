"""What the tests of the FIDL front end share: compiling texts, and the reference's samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ipcrt.fidl.compile import compile_library
from ipcrt.fidl.diagnostics import Diagnostic, Reporter, Severity
from ipcrt.fidl.elements import Decl
from ipcrt.fidl.json_ir import library_json
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.source import SourceFile
from ipcrt.fidl.versions import parse_version

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "reference" / "fidl"

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the FIDL reference does not lie beside the checkout"
)

_HEADER = re.compile(r"^library [a-z0-9.]+;", re.MULTILINE)

HANDLES = """\
library zx;
type ObjType = strict enum : uint32 { NONE = 0; VMO = 3; CHANNEL = 4; };
type Rights = strict bits : uint32 { TRANSFER = 2; READ = 4; };
resource_definition Handle : uint32 { properties { subtype ObjType; rights Rights; }; };
"""


class Compiled:
    """What came of compiling some libraries, one after the other."""

    def __init__(self, session: Session, reporter: Reporter, library: Library | None) -> None:
        self.session = session
        self.reporter = reporter
        self._library = library

    @property
    def ok(self) -> bool:
        """True where the last library compiled."""
        return self._library is not None

    @property
    def library(self) -> Library:
        """The last library, which must have compiled."""
        assert self._library is not None, "\n".join(
            found.render() for found in self.reporter.diagnostics
        )
        return self._library

    @property
    def ids(self) -> list[str]:
        """The ids of the errors, in their order."""
        return [found.id for found in self.reporter.diagnostics if found.severity is Severity.ERROR]

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Errors and warnings, in their order."""
        return self.reporter.diagnostics

    @property
    def ir(self) -> dict[str, Any]:
        """The IR, as plain values."""
        return library_json(self.library, self.session)

    def decl(self, name: str) -> Decl:
        """The one declaration of that name."""
        (found,) = self.library.by_name[name]
        return found


def compile_sources(
    libraries: Iterable[Sequence[SourceFile]],
    available: dict[str, str] | None = None,
    flags: Iterable[str] = (),
) -> Compiled:
    """Compile libraries, each given as its files, dependencies first."""
    session = Session(flags=frozenset(flags))
    for platform, versions in (available or {}).items():
        numbers = [parse_version(version) for version in versions.split(",")]
        assert session.selection.insert(platform, [number for number in numbers if number])
    reporter = Reporter()
    library = None
    for sources in libraries:
        library = compile_library(sources, session, reporter)
        if library is None:
            break
    return Compiled(session, reporter, library)


def compile_text(
    *texts: str, available: dict[str, str] | None = None, flags: Iterable[str] = ()
) -> Compiled:
    """Compile libraries of one file each; a text without a header is one of `library example`."""
    libraries = [
        [SourceFile("example.fidl", text if _HEADER.search(text) else f"library example;\n{text}")]
        for text in texts
    ]
    return compile_sources(libraries, available, flags)


def compile_versioned(text: str, version: str = "1") -> Compiled:
    """Compile declarations of a library that was added at version 1."""
    header = "@available(added=1)\nlibrary example;\n"
    return compile_text(header + text, available={"example": version})


def library_order(manifest: dict[str, Any]) -> list[str]:
    """Answer the libraries of the reference's manifest, each behind those that it uses."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for used in manifest[name]["uses"]:
                visit(used)
            order.append(name)

    for name in manifest:
        visit(name)
    return order
