"""Checks of names: the case of each kind, repetition, words that are reserved or say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from ipcrt.fidl.ast import (
    AliasDecl,
    Compose,
    ConstDecl,
    Declaration,
    Identifier,
    Layout,
    LayoutKind,
    ProtocolDecl,
    ResourceDecl,
    ServiceDecl,
)
from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.lint_model import LayoutUse, Library, Role, identifiers_of


class _Case(NamedTuple):
    """How names of one kind look."""

    title: str
    pattern: re.Pattern[str]


_UPPER_CAMEL: Final = _Case(
    "UpperCamelCase", re.compile(r"(?!.*[A-Z]{4})(?!.*[A-Z]{3}$)[A-Z][A-Za-z0-9]*$")
)
_LOWER_SNAKE: Final = _Case("lower_snake_case", re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*$"))
_UPPER_SNAKE: Final = _Case("UPPER_SNAKE_CASE", re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$"))
_PRIMITIVES: Final = re.compile(r"(?:u?int(?:8|16|32|64)|float(?:32|64)|bool|byte)$")
_VAGUE: Final = re.compile(r"(?:.+(?:Manager|Service|Interface|Protocol)|I[A-Z][a-z].*)$")
_RESERVED: Final = frozenset(
    (
        *("and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del"),
        *("elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is"),
        *("lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with"),
        *("yield", "self", "super", "fn", "impl", "loop", "match", "mod", "move", "mut", "pub"),
        *("ref", "trait", "unsafe", "use", "where", "auto", "case", "catch", "char", "default"),
        *("delete", "do", "double", "float", "goto", "int", "long", "namespace", "new", "operator"),
        *("private", "protected", "public", "register", "short", "signed", "sizeof", "static"),
        *("switch", "template", "this", "throw", "typedef", "unsigned", "virtual", "void", "func"),
        *("defer", "map", "package", "range", "select", "var"),
    )
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def check_names(library: Library, findings: Findings) -> None:
    """Look at every name that the library gives."""
    for declaration in library.declarations.values():
        _check_case(declaration.name, _case_of(declaration), findings)
        _check_repeats_library(library, declaration, findings)
        if isinstance(declaration, ProtocolDecl | ServiceDecl):
            _check_protocol_name(declaration.name, findings)
        for name in _inner_names(declaration):
            _check_member(name, _LOWER_SNAKE, findings)
    for use in library.methods:
        _check_case(use.method.name, _UPPER_CAMEL, findings)
        _check_repeats(use.method.name, use.protocol.name.name, findings)
    for layout in library.layouts:
        _check_layout(layout, findings)


def _case_of(declaration: Declaration) -> _Case:
    if isinstance(declaration, ConstDecl):
        return _UPPER_SNAKE
    if isinstance(declaration, AliasDecl) and _is_primitive(declaration):
        is_lower = declaration.name.name[0].islower()
        return _LOWER_SNAKE if is_lower else _UPPER_CAMEL
    return _UPPER_CAMEL


def _is_primitive(alias: AliasDecl) -> bool:
    layout = alias.type.layout
    return not isinstance(layout, Layout) and _PRIMITIVES.match(layout.text) is not None


def _inner_names(declaration: Declaration) -> Iterator[Identifier]:
    if isinstance(declaration, ServiceDecl):
        yield from (member.name for member in declaration.members)
    elif isinstance(declaration, ResourceDecl):
        yield from (member.name for member in declaration.properties)
    elif isinstance(declaration, ProtocolDecl):
        yield from (
            part
            for member in declaration.members
            if isinstance(member, Compose)
            for part in member.protocol.parts[:-1]
        )


def _check_layout(use: LayoutUse, findings: Findings) -> None:
    is_value = use.layout.kind in (LayoutKind.ENUM, LayoutKind.BITS)
    for name in identifiers_of(use.layout):
        _check_member(name, _UPPER_SNAKE if is_value else _LOWER_SNAKE, findings)
        if use.role is Role.NAMED:
            _check_repeats(name, use.name, findings)


def _check_member(name: Identifier, case: _Case, findings: Findings) -> None:
    _check_case(name, case, findings)
    if name.name in _RESERVED:
        findings.add("reserved-word", name.span, f"'{name.name}' is a reserved word elsewhere")


def _check_case(name: Identifier, case: _Case, findings: Findings) -> None:
    if not case.pattern.match(name.name):
        findings.add("name-case", name.span, f"'{name.name}' is not in {case.title}")


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _check_repeats(name: Identifier, owner: str, findings: Findings) -> None:
    """A member that begins with the whole of a name of two words or more."""
    owner_words, words = _words(owner), _words(name.name)
    count = len(owner_words)
    if count > 1 and len(words) > count and words[:count] == owner_words:
        message = f"'{name.name}' repeats the name of '{owner}'"
        findings.add("name-repeats-type", name.span, message)


def _check_repeats_library(library: Library, declaration: Declaration, findings: Findings) -> None:
    last = library.name.rpartition(".")[2]
    words = _words(declaration.name.name)
    if len(words) > 1 and words[0] == last and not isinstance(declaration, ConstDecl):
        name = declaration.name
        message = f"'{name.name}' repeats the name of library '{library.name}'"
        findings.add("name-repeats-library", name.span, message)


def _check_protocol_name(name: Identifier, findings: Findings) -> None:
    if _VAGUE.match(name.name):
        findings.add("vague-protocol-name", name.span, f"'{name.name}' says little of what it does")
