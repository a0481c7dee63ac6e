"""Names that two elements share at some version, and modifiers that contradict each other."""

from __future__ import annotations

from ipcrt.fidl.canonical import canonical
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Element, Modifier
from ipcrt.fidl.library import Library
from ipcrt.fidl.versions import Range, State, range_name, shared

_OPPOSITES = {
    "strict": "strictness",
    "flexible": "strictness",
    "resource": "resourceness",
    "open": "openness",
    "ajar": "openness",
    "closed": "openness",
}


def check_overlaps(library: Library, reporter: Reporter) -> None:
    """Report names and modifiers of a library that get in each other's way."""
    scope = _Scope(library.platform or "", reporter)
    for decl in library.decls:
        scope.insert(decl)
    for decl in library.decls:
        members = _Scope(library.platform or "", reporter)
        for member in decl.each_member():
            members.insert(member)
            if len(member.modifiers) > 1:
                _check_modifiers(member.modifiers, reporter, library)
        if len(decl.modifiers) > 1:
            _check_modifiers(decl.modifiers, reporter, library)


class _Scope:
    """Elements that need names of their own."""

    def __init__(self, platform: str, reporter: Reporter) -> None:
        self._platform = platform
        self._reporter = reporter
        self._names: dict[str, list[Element]] = {}

    def insert(self, element: Element) -> None:
        """Add an element; report the first that has its name at the same time."""
        if element.availability.state is not State.INHERITED:
            return
        form = canonical(element.name)
        others = self._names.get(form)
        if others is None:
            self._names[form] = [element]
            return
        for other in others:
            overlap = shared(element.availability, other.availability)
            if overlap is not None:
                self._report(element, other, overlap, form)
                break
        others.append(element)

    def _report(self, element: Element, other: Element, overlap: Range, form: str) -> None:
        kind, theirs = element.kind.value, other.kind.value
        same_name = element.name == other.name
        error, span = self._reporter.error, element.span
        if element.availability.ranges == other.availability.ranges:
            if same_name:
                error("fi-0034", span, kind, element.name, theirs, other.span)
            else:
                error("fi-0035", span, kind, element.name, theirs, other.name, other.span, form)
            return
        when = (range_name(overlap), self._platform)
        if same_name:
            error("fi-0036", span, kind, element.name, theirs, other.span, *when)
        else:
            error("fi-0037", span, kind, element.name, theirs, other.name, other.span, form, *when)


def _check_modifiers(modifiers: list[Modifier], reporter: Reporter, library: Library) -> None:
    seen: list[Modifier] = []
    for modifier in modifiers:
        if modifier.availability.state is not State.INHERITED:
            continue
        for other in seen:
            if _OPPOSITES[other.name] != _OPPOSITES[modifier.name]:
                continue
            if shared(modifier.availability, other.availability) is None:
                continue
            if library.element.attribute("available") is not None:
                _report_versioned(modifier, other, reporter, library)
            if other.name == modifier.name:
                reporter.error("fi-0032", modifier.span, modifier.name)
            else:
                reporter.error("fi-0033", modifier.span, modifier.name, other.name)
            break
        seen.append(modifier)


def _report_versioned(
    modifier: Modifier, other: Modifier, reporter: Reporter, library: Library
) -> None:
    """Say at which versions two modifiers compete: on a timeline, a name for each place."""
    kind = modifier.kind.value
    if modifier.availability.ranges == other.availability.ranges:
        reporter.error("fi-0034", modifier.span, kind, modifier.name, kind, other.span)
        return
    overlap = shared(modifier.availability, other.availability)
    if overlap is not None:
        when = (range_name(overlap), library.platform)
        reporter.error("fi-0036", modifier.span, kind, modifier.name, kind, other.span, *when)
