"""Checks of the library as a whole: its name, what it needs, what it says of itself."""

from __future__ import annotations

import re
from typing import Final

from ipcrt.fidl.ast import Attribute, Declaration, Identifier
from ipcrt.fidl.format import words_of
from ipcrt.fidl.lexer import Kind
from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.lint_model import LayoutUse, Library, MemberUse, Role, has_attribute, value_members
from ipcrt.fidl.source import Span

_MAX_COMPONENTS: Final = 4
_VAGUE: Final = re.compile(r"(?:common|service|util|utils|base|misc|f[a-z]l|zx.+)$")
_TODO: Final = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
_DOC: Final = Kind.DOC_COMMENT
_UNDOCUMENTED: Final = ("doc", "no_doc", "internal")


def check_library(library: Library, findings: Findings) -> None:
    """Look at library names and imports, at docs, and for types that come twice."""
    _check_name(library, findings)
    _check_imports(library, findings)
    _check_docs(library, findings)
    _check_repeated(library, findings)


def _check_name(library: Library, findings: Findings) -> None:
    name = library.units[0].tree.library
    if len(name.parts) > _MAX_COMPONENTS:
        message = f"'{library.name}' has {len(name.parts)} components"
        findings.add("library-too-deep", name.span, message)
    for part in name.parts:
        if len(name.parts) > 1 and _VAGUE.match(part.name):
            findings.add("vague-library-name", part.span, f"'{part.name}' says little")
    versions = [part for part in name.parts if part.name[-1].isdigit()]
    if len(versions) > 1:
        message = f"'{library.name}' carries {len(versions)} versions"
        findings.add("several-library-versions", versions[-1].span, message)


def _check_imports(library: Library, findings: Findings) -> None:
    for unit in library.units:
        for using in unit.tree.usings:
            if using.library.text.startswith(library.name + "."):
                message = f"'{library.name}' needs the more specific '{using.library.text}'"
                findings.add("dependency-on-specific", using.library.span, message)


# ---- docs


def _check_docs(library: Library, findings: Findings) -> None:
    for unit in library.units:
        _check_todos(unit.tree.attributes, findings)
    for declaration in library.declarations.values():
        _check_documented(_what(declaration), declaration.name, declaration.attributes, findings)
    for use in library.methods:
        what = "event" if use.is_event else "method"
        _check_documented(what, use.method.name, use.method.attributes, findings)
    for member in library.members:
        _check_todos(member.member.attributes, findings)
        if member.owner.role in (Role.NAMED, Role.ANONYMOUS) and not _is_plain(member):
            _check_member(member.member.name, member.member.attributes, findings)
    for layout in library.layouts:
        for value in value_members(layout.layout):
            _check_todos(value.attributes, findings)
            _check_member(value.name, value.attributes, findings)


def _what(declaration: Declaration) -> str:
    return type(declaration).__name__.removesuffix("Decl").lower()


def _is_plain(member: MemberUse) -> bool:
    """A member whose type is a layout in its place, documented there."""
    return has_attribute(getattr(member.member.type.layout, "attributes", []), "doc")


def _check_documented(
    what: str, name: Identifier, attributes: list[Attribute], findings: Findings
) -> None:
    if not has_attribute(attributes, *_UNDOCUMENTED):
        findings.add("undocumented", name.span, f"{what} '{name.name}' has no doc comment")
    _check_todos(attributes, findings)


def _check_member(name: Identifier, attributes: list[Attribute], findings: Findings) -> None:
    if not has_attribute(attributes, *_UNDOCUMENTED):
        findings.add("undocumented-member", name.span, f"'{name.name}' has no doc comment")


def _check_todos(attributes: list[Attribute], findings: Findings) -> None:
    for attribute in attributes:
        if attribute.doc is None:
            continue
        found = _TODO.search(attribute.span.text)
        if found is not None:
            start = attribute.span.start + found.start()
            span = Span(attribute.span.file, start, start + len(found[0]))
            findings.add("todo-in-doc", span, f"{found[0]} in a doc comment")


# ---- types that come twice


def _check_repeated(library: Library, findings: Findings) -> None:
    seen: dict[str, LayoutUse] = {}
    for use in library.layouts:
        if use.role is not Role.ANONYMOUS or not use.layout.members:
            continue
        shape = " ".join(text for kind, text in words_of(use.layout.span.text) if kind is not _DOC)
        first = seen.setdefault(shape, use)
        if first is not use:
            message = f"the same members as at {first.layout.span}"
            findings.add("repeated-anonymous-type", use.layout.span, message)
