"""Removed and replaced elements: whether something took their place, as they say.

1. `removed=N` says that nothing with the same identity is added at N; `replaced=N` that something
   is. A declaration's identity is its name; a member's also its place on the wire: a value, an
   offset, an ordinal or a selector (whose last name may be spelled in another case).
2. A member that is renamed as it goes leaves its new name behind, and is compared by that.
3. Members are compared between the two pieces into which their end cuts their declaration; those
   that a protocol has through `compose` end as the compose does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from ipcrt.fidl.attributes import string_arg
from ipcrt.fidl.canonical import canonical
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Attr,
    Decl,
    Element,
    FieldMember,
    Kind,
    Method,
    MethodInfo,
    Protocol,
    ValueMember,
)
from ipcrt.fidl.library import Library
from ipcrt.fidl.source import Span
from ipcrt.fidl.versions import UNVERSIONED, Ending, version_name

Place: TypeAlias = int | str | None
"""Where a member is on the wire."""


@dataclasses.dataclass(slots=True)
class _Member:
    """A member, and the element whose `@available` ends it."""

    element: Element
    source: Element

    @property
    def ending(self) -> Ending:
        return self.source.availability.ending

    @property
    def renamed(self) -> str | None:
        found = string_arg(self.element.attribute("available"), "renamed")
        return None if found is None else found[0]

    @property
    def span(self) -> Span:
        """Where it says that it ends."""
        attribute = self.source.attribute("available")
        return self.element.span if attribute is None else _end_span(attribute)


def check_replacements(library: Library, reporter: Reporter) -> None:
    """Report what is removed but has a replacement, and what is replaced but has none."""
    if library.platform == UNVERSIONED:
        return
    for decls in library.by_name.values():
        _check_decls(decls, reporter)
        for old, new in pairwise(decls):
            if old.availability.ending is Ending.SPLIT:
                _MemberCheck(old, new, reporter).check()


def _check_decls(decls: list[Decl], reporter: Reporter) -> None:
    for old in decls:
        ending, version = old.availability.ending, old.availability.removed
        new = next((decl for decl in decls if decl.availability.added == version), None)
        attribute = old.attribute("available")
        if attribute is None:
            continue
        what = f"{old.kind.value} '{old.name}'"
        if ending is Ending.REMOVED and new is not None:
            _report_removed(attribute, what, version, new, reporter)
        elif ending is Ending.REPLACED and new is None:
            _report_replaced(attribute, what, version, reporter)


def _report_removed(
    attribute: Attr, what: str, version: int, new: Element, reporter: Reporter
) -> None:
    name = version_name(version)
    span = _end_span(attribute)
    reporter.error("fi-0205", span, what, name, name, new.span, name, name)


def _report_replaced(attribute: Attr, what: str, version: int, reporter: Reporter) -> None:
    name = version_name(version)
    reporter.error("fi-0206", _end_span(attribute), what, name, name, name, name)


def _end_span(attribute: Attr) -> Span:
    """Where an `@available` says `removed` or `replaced`."""
    arg = attribute.arg("removed") or attribute.arg("replaced")
    return attribute.span if arg is None else arg.span


_PLACES = {
    Kind.BITS_MEMBER: "value",
    Kind.ENUM_MEMBER: "value",
    Kind.STRUCT_MEMBER: "offset",
    Kind.TABLE_MEMBER: "ordinal",
    Kind.UNION_MEMBER: "ordinal",
    Kind.OVERLAY_MEMBER: "ordinal",
    Kind.METHOD: "selector",
}


def _place(element: Element) -> Place:
    if isinstance(element, ValueMember):
        value = element.value.value
        return value if isinstance(value, int) else None
    if isinstance(element, Method):
        path, _, name = element.selector.rpartition(".")
        return f"{path}.{canonical(name)}"
    if isinstance(element, FieldMember) and element.kind in _PLACES:
        return element.offset if element.kind is Kind.STRUCT_MEMBER else element.ordinal
    return None


def _members(decl: Decl) -> Iterator[_Member]:
    if isinstance(decl, Protocol):
        for info in decl.all_methods:
            yield _Member(info.method, _source(info))
    else:
        for element in decl.each_member():
            yield _Member(element, element)


def _source(info: MethodInfo) -> Element:
    if info.composed is None:
        return info.method
    end = info.composed.availability
    if end.ending is Ending.SPLIT and end.removed == info.method.availability.removed:
        return info.method
    return info.composed


class _MemberCheck:
    """Compares the members of two pieces of a declaration that meet at a version."""

    def __init__(self, old: Decl, new: Decl, reporter: Reporter) -> None:
        self._old, self._new = old, new
        self._reporter = reporter
        self._version = version_name(old.availability.removed)
        self._removed_names: dict[str, _Member] = {}
        self._removed_places: dict[Place, _Member] = {}
        self._replaced: dict[tuple[str, Place], _Member] = {}

    def check(self) -> None:
        """Report the members that do not end as they say."""
        for member in _members(self._old):
            self._note(member)
        if not (self._removed_names or self._replaced):
            return
        others: dict[str, Element] = {}
        for member in _members(self._new):
            name, place = member.element.name, _place(member.element)
            self._check_removed(member.element, name, place)
            if self._replaced.pop((name, place), None) is None:
                others.setdefault(name, member.element)
        for (name, _), member in self._replaced.items():
            self._report_replaced(member, others.get(name))

    def _note(self, member: _Member) -> None:
        name, place = member.renamed or member.element.name, _place(member.element)
        if member.ending is Ending.REMOVED:
            self._removed_names.setdefault(name, member)
            if place is not None:
                self._removed_places.setdefault(place, member)
        elif member.ending is Ending.REPLACED:
            self._replaced.setdefault((name, place), member)

    def _check_removed(self, new: Element, name: str, place: Place) -> None:
        old = self._removed_names.get(name)
        version = self._version
        if old is not None:
            what = _describe(old)
            if old.renamed is not None:
                self._report("fi-0214", old, what, version, old.renamed, old.renamed, new.span)
            self._report("fi-0205", old, what, version, version, new.span, version, version)
            return
        old = None if place is None else self._removed_places.get(place)
        if old is not None:
            what, kind = _describe(old), _PLACES[new.kind]
            self._report(
                "fi-0216", old, what, version, kind, place, new.span, version, name, version, kind
            )
            self._report("fi-0205", old, what, version, version, new.span, version, version)

    def _report_replaced(self, member: _Member, other: Element | None) -> None:
        what, version = _describe(member), self._version
        if other is not None and other.kind in _PLACES:
            kind = _PLACES[other.kind]
            mine, theirs = _place(member.element), _place(other)
            self._report(
                "fi-0217",
                member,
                what,
                version,
                kind,
                mine,
                kind,
                theirs,
                other.span,
                version,
                kind,
            )
        elif member.renamed is not None:
            renamed = member.renamed
            self._report("fi-0215", member, what, version, renamed, renamed, version)
        else:
            self._report("fi-0206", member, what, version, version, version, version)

    def _report(self, id_: str, member: _Member, *arguments: object) -> None:
        self._reporter.error(id_, member.span, *arguments)


def _describe(member: _Member) -> str:
    return f"{member.element.kind.value} '{member.element.name}'"
