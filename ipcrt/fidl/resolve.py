"""Names led to the elements that they mean, each for the time in which its place exists."""

from __future__ import annotations

from ipcrt.fidl.constants import Ref, RefState
from ipcrt.fidl.decompose import decompose
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Alias,
    ConstDecl,
    Decl,
    Element,
    FieldMember,
    Kind,
    Resource,
    ValueLayout,
)
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.references import KeyFinder, refs_in_element, refs_of
from ipcrt.fidl.types import TypeCtor
from ipcrt.fidl.versions import Range, overlap, range_name


def resolve_names(library: Library, session: Session, reporter: Reporter) -> None:
    """Resolve every reference in a library; report what does not exist or may not be used."""
    finder = KeyFinder(library, session, reporter)
    for element in library.each_element():
        finder.visit(element)
    decompose(library, session)
    resolver = _Resolver(library, session, reporter)
    for element in library.each_element():
        for ref, constrained in refs_in_element(element):
            resolver.resolve(ref, element, constrained)
            resolver.validate(ref, element)
        resolver.report_values(element)


class _Resolver:
    def __init__(self, library: Library, session: Session, reporter: Reporter) -> None:
        self.library = library
        self.session = session
        self.reporter = reporter

    def resolve(self, ref: Ref, element: Element, constrained: TypeCtor | None) -> None:
        """Find what a reference means, unless that was tried."""
        if ref.state is RefState.CONTEXTUAL:
            self._resolve_subtype(ref, element, constrained)
        elif ref.state is RefState.KEY:
            self._resolve_key(ref, element)
        if ref.state not in (RefState.RESOLVED, RefState.FAILED):
            ref.state = RefState.FAILED

    def _resolve_subtype(self, ref: Ref, element: Element, constrained: TypeCtor | None) -> None:
        """A name alone among a handle's constraints is a member of its subtype."""
        assert constrained is not None
        resource = constrained.layout.target
        if isinstance(resource, Resource):
            subtype = resource.member("subtype")
            if subtype is not None:
                self.resolve(subtype.ctor.layout, subtype, None)
                enum = subtype.ctor.layout.target
                if isinstance(enum, ValueLayout) and enum.kind is Kind.ENUM:
                    for member in enum.members:
                        if member.name == ref.parts[0]:
                            ref.resolve(member, enum)
                            return
        self._not_found(ref, ref.parts[0], self.library)
        if isinstance(resource, Alias):
            self.reporter.error(
                "fi-0164",
                constrained.constraints_span,
                resource.name,
                0,
                len(constrained.constraints),
                hint="a subtype alone is understood only behind the resource itself",
            )

    def _resolve_key(self, ref: Ref, element: Element) -> None:
        library = self.library
        if ref.library != library.name:
            found = self.session.library(ref.library)
            assert found is not None
            library = found
        decl = self._find_decl(library, ref, element)
        if decl is None:
            self._not_found(ref, ref.name, library, _times(library, ref.name))
        elif ref.member is None:
            ref.resolve(decl)
        elif isinstance(decl, ValueLayout):
            for member in decl.members:
                if member.name == ref.member:
                    ref.resolve(member, decl)
                    return
            self.reporter.error("fi-0054", ref.span, f"'{decl.name}'", ref.member)
        else:
            self.reporter.error("fi-0053", ref.span, f"{decl.kind.value} '{decl.name}'")

    def _find_decl(self, library: Library, ref: Ref, element: Element) -> Decl | None:
        found = library.by_name[ref.name]
        if library is self.session.root:
            return found[0]
        if library.platform == self.library.platform:
            if element is self.library.element:
                return found[0]
            mine = element.availability.range
            for decl in found:
                if overlap(mine, decl.availability.range) is not None:
                    return decl
            return None
        version = self.session.selection.lookup(library.platform or "")
        for decl in found:
            start, end = decl.availability.range
            if start <= version < end:
                return decl
        return None

    def _not_found(self, ref: Ref, name: str, library: Library, hint: str = "") -> None:
        self.reporter.error("fi-0052", ref.span, name, f"library '{library.name}'", hint=hint)

    def report_values(self, element: Element) -> None:
        """Say which values are missing, where names in them, not members, were not found."""
        value = element.default if isinstance(element, FieldMember) else None
        if isinstance(element, ConstDecl):
            value = element.value
        if value is None:
            return
        if any(ref.state is RefState.FAILED and ref.member is None for ref in refs_of(value)):
            self.reporter.error("fi-0060", value.span)

    def validate(self, ref: Ref, element: Element) -> None:
        """Report a reference to what may not be named, or not from there."""
        target, decl = ref.target, ref.decl
        if ref.state is not RefState.RESOLVED or target is None or decl is None:
            return
        if not ref.synthetic and decl.is_anonymous_layout:
            self.reporter.error("fi-0058", ref.span, decl.name)
        if not target.availability.is_deprecated or element.availability.is_deprecated:
            return
        if element.attribute("deprecated") is not None:
            return
        theirs, mine = (
            f"{target.kind.value} '{target.name}'",
            f"{element.kind.value} '{element.name}'",
        )
        library = self.library if decl.library == self.library.name else None
        library = library or self.session.library(decl.library)
        platform = "" if library is None else library.platform
        when = range_name(target.availability.range)
        if platform == self.library.platform:
            when = range_name(element.availability.range)
            self.reporter.error("fi-0055", ref.span, theirs, when, platform, mine, mine)
        else:
            own = range_name(element.availability.range)
            self.reporter.error(
                "fi-0056",
                ref.span,
                theirs,
                when,
                platform,
                mine,
                own,
                self.library.platform,
                mine,
            )


def _times(library: Library, name: str) -> str:
    """Say when something of that name exists, which it does at other versions."""
    joined: list[Range] = []
    for start, end in sorted(decl.availability.range for decl in library.by_name[name]):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    times = ", and ".join(range_name(piece) for piece in joined)
    return f"'{name}' exists {times} of platform '{library.platform}'"
