"""Structs, tables, unions and overlays: their members' types, ordinals and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipcrt.fidl.elements import FieldLayout, FieldMember, Kind
from ipcrt.fidl.evaluate import can_be_const
from ipcrt.fidl.resourceness import is_resource
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import IdentifierType

if TYPE_CHECKING:
    from ipcrt.fidl.check import Checker

MAX_TABLE_ORDINAL: Final = 64


def check_struct(checker: Checker, decl: FieldLayout) -> None:
    """Check a struct's members and their defaults."""
    for member in decl.members:
        checker.attributes(member)
        type_ = checker.type(member.ctor)
        if type_ is None or member.default is None:
            continue
        if not can_be_const(type_):
            checker.reporter.error("fi-0091", decl.span, member.name, type_.name)
        elif not checker.evaluator.evaluate(member.default, type_):
            checker.reporter.error("fi-0103", member.span, member.name)


def _check_ordinal(checker: Checker, member: FieldMember, seen: dict[int, Span], id_: str) -> None:
    span = member.ordinal_span or member.span
    previous = seen.setdefault(member.ordinal, span)
    if previous is not span:
        checker.reporter.error(id_, span, previous)


def check_table(checker: Checker, decl: FieldLayout) -> None:
    """Check a table's members: each may be absent, so none is optional; the 64th is a table."""
    seen: dict[int, Span] = {}
    report = checker.reporter.error
    for member in decl.members:
        checker.attributes(member)
        _check_ordinal(checker, member, seen, "fi-0094")
        if member.ordinal > MAX_TABLE_ORDINAL:
            report("fi-0092", member.ordinal_span)
        type_ = checker.type(member.ctor)
        if type_ is None:
            continue
        if type_.nullable:
            report("fi-0048", member.span)
        if member.ordinal == MAX_TABLE_ORDINAL and not (
            isinstance(type_, IdentifierType) and type_.decl.kind is Kind.TABLE
        ):
            report("fi-0093", member.span)


def check_union(checker: Checker, decl: FieldLayout) -> None:
    """Check a union's members; a result union has handles where one of its members does."""
    seen: dict[int, Span] = {}
    resource = False
    for member in decl.members:
        checker.attributes(member)
        if decl.provenance != "result":
            _check_ordinal(checker, member, seen, "fi-0097")
        type_ = checker.type(member.ctor)
        if type_ is None:
            continue
        if type_.nullable:
            checker.reporter.error("fi-0049", member.span)
        resource = resource or (decl.provenance == "result" and is_resource(type_))
    decl.resource = decl.resource or resource
    if decl.strict and not decl.members:
        checker.reporter.error("fi-0019", decl.span)


def check_overlay(checker: Checker, decl: FieldLayout) -> None:
    """Check an overlay: strict, a value, and so its members."""
    report = checker.reporter.error
    if not decl.strict:
        report("fi-0197", decl.span)
    if decl.resource:
        report("fi-0198", decl.span)
    seen: dict[int, Span] = {}
    for member in decl.members:
        checker.attributes(member)
        _check_ordinal(checker, member, seen, "fi-0097")
        type_ = checker.type(member.ctor)
        if type_ is not None and not decl.resource and is_resource(type_):
            report("fi-0199", member.span)
