"""Availability: what each element's `@available` says, and what it inherits.

1. An element without the attribute is there as long as its parent; a library without it is there
   at HEAD, on the platform "unversioned".
2. A child's versions lie within its parent's. An anonymous layout's parent is the member or
   method in whose type it stands.
3. What contradicts itself is reported here; then the element is FAILED and left out of what
   follows.
"""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.attributes import compile_early, string_arg
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import Arg, Attr, Element, FieldLayout, Kind, Protocol, Resource
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.overlaps import check_overlaps
from ipcrt.fidl.types import TypeCtor
from ipcrt.fidl.versions import ALWAYS, HEAD, LEGACY, UNVERSIONED, State, is_platform, is_version

_RENAMABLE: Final = frozenset(
    (
        Kind.BITS_MEMBER,
        Kind.ENUM_MEMBER,
        Kind.OVERLAY_MEMBER,
        Kind.METHOD,
        Kind.PROPERTY,
        Kind.SERVICE_MEMBER,
        Kind.STRUCT_MEMBER,
        Kind.TABLE_MEMBER,
        Kind.UNION_MEMBER,
    )
)


def check_availability(library: Library, session: Session, reporter: Reporter) -> None:
    """Give every element of a library its availability; report contradictions and overlaps."""
    step = _Step(library, session, reporter)
    for element in library.each_element():
        step.compile(element)
    if library.platform is not None:
        check_overlaps(library, reporter)


class _Step:
    def __init__(self, library: Library, session: Session, reporter: Reporter) -> None:
        self.library = library
        self.selection = session.selection
        self.reporter = reporter
        self.parents: dict[Element, Element] = {}
        self._find_parents()

    # ---- who is whose parent

    def _find_parents(self) -> None:
        for decl in self.library.decls:
            for parent, child in decl.each_child():
                self.parents[child] = parent
        for decl in self.library.decls:
            if isinstance(decl, FieldLayout | Resource):
                for member in decl.members:
                    self._adopt(member, member.ctor)
            elif isinstance(decl, Protocol):
                for method in decl.methods:
                    for ctor in (method.request, method.response):
                        if ctor is not None:
                            self._adopt(method, ctor)

    def _adopt(self, member: Element, ctor: TypeCtor) -> None:
        """Make a member the parent of the layouts that stand in its type."""
        layout = ctor.layout.target if ctor.layout.synthetic else None
        if layout is not None and layout.is_anonymous_layout:
            self.parents.setdefault(layout, member)
        for parameter in ctor.parameters:
            if parameter.ctor is not None:
                self._adopt(member, parameter.ctor)

    def _parent(self, element: Element) -> Element | None:
        if element is self.library.element:
            return None
        return self.parents.get(element, self.library.element)

    # ---- compiling

    def compile(self, element: Element) -> None:
        """Give one element its availability, its ancestors first."""
        if element.availability.state is not State.UNSET:
            return
        parent = self._parent(element)
        if parent is not None:
            self.compile(parent)
        if element.attributes and not element.is_anonymous_layout:
            attribute = element.attribute("available")
            if attribute is not None:
                self._compile_attribute(element, attribute)
                return
        added = None
        if parent is None:
            self.library.platform = UNVERSIONED
            added = HEAD
        element.availability.init(added, None, None, False)
        self._inherit(element, parent, None)

    def _compile_attribute(self, element: Element, attribute: Attr) -> None:
        compile_early(attribute, self.reporter)
        is_library = element is self.library.element
        if not self._check_arguments(element, attribute, is_library):
            element.availability.state = State.FAILED
            return
        removed, replaced = attribute.arg("removed"), attribute.arg("replaced")
        added = self._version(attribute.arg("added"))
        if is_library:
            self._find_platform(attribute)
            if added is None:
                element.availability.state = State.FAILED
                return
        valid = element.availability.init(
            added,
            self._version(attribute.arg("deprecated")),
            self._version(removed or replaced),
            replaced is not None,
        )
        if not valid:
            self._report_order(attribute)
            return
        self._inherit(element, self._parent(element), attribute)
        self._keep_for_several(element, removed)

    def _check_arguments(self, element: Element, attribute: Attr, is_library: bool) -> bool:
        """Report arguments that are missing, or that do not go together."""
        report, span = self.reporter.error, attribute.span
        given = {arg.name: arg for arg in attribute.args}
        ends = "removed" in given or "replaced" in given
        if not is_library and not attribute.args:
            report("fi-0147", span)
        if "note" in given and not ends and "deprecated" not in given:
            report("fi-0148", span)
        before = self.reporter.errors
        self._check_place(attribute, given, is_library)
        if "removed" in given and "replaced" in given:
            report("fi-0203", span)
        if "renamed" in given:
            self._check_renamed(element, attribute, given["renamed"], ends)
        if element.kind is Kind.MODIFIER:
            for arg in attribute.args:
                if arg.name not in ("added", "removed"):
                    report("fi-0218", arg.span, arg.name)
        return self.reporter.errors == before

    def _check_place(self, attribute: Attr, given: dict[str | None, Arg], is_library: bool) -> None:
        """Report what only a library says, and what a library does not say."""
        report = self.reporter.error
        if is_library:
            if "added" not in given:
                report("fi-0150", attribute.span)
            if "replaced" in given:
                report("fi-0204", given["replaced"].span)
            return
        if "platform" in given:
            report("fi-0149", given["platform"].span)
        if self.library.element.attribute("available") is None:
            report("fi-0151", attribute.span, self.library.name)

    def _check_renamed(self, element: Element, attribute: Attr, arg: Arg, ends: bool) -> None:
        if element.kind not in _RENAMABLE:
            self.reporter.error("fi-0211", arg.span, element.kind.value)
        if not ends:
            self.reporter.error("fi-0212", arg.span)
        found = string_arg(attribute, "renamed")
        if found is not None and found[0] == element.name:
            self.reporter.error("fi-0213", arg.span, found[0])

    def _find_platform(self, attribute: Attr) -> None:
        platform = self.library.name.split(".", maxsplit=1)[0]
        found = string_arg(attribute, "platform")
        if found is not None:
            if is_platform(found[0]) or found[0] == UNVERSIONED:
                platform = found[0]
            else:
                self.reporter.error("fi-0152", found[1], found[0])
        self.library.platform = platform
        if platform == UNVERSIONED:
            self.reporter.error("fi-0208", attribute.span, platform)
        elif platform not in self.selection.platforms:
            self.reporter.error(
                "fi-0201", attribute.span, f"library '{self.library.name}'", platform, platform
            )

    def _version(self, arg: Arg | None) -> int | None:
        if arg is None or not isinstance(arg.value.value, int):
            return None
        if is_version(arg.value.value):
            return arg.value.value
        self.reporter.error("fi-0153", arg.value.span, arg.value.span.text)
        return None

    def _report_order(self, attribute: Attr) -> None:
        order = ""
        for name, relation in (
            ("added", ""),
            ("deprecated", " <= "),
            ("removed", " < "),
            ("replaced", " < "),
        ):
            if attribute.arg(name) is not None:
                order += f"{relation if order else ''}{name}"
        self.reporter.error("fi-0154", attribute.span, order)

    # ---- inheriting

    def _inherit(self, element: Element, parent: Element | None, attribute: Attr | None) -> None:
        source = ALWAYS if parent is None else parent.availability
        if source.state is not State.INHERITED:
            return
        conflicts = element.availability.inherit(source)
        if attribute is None or not conflicts.any:
            return
        for name, conflict in (
            ("added", conflicts.added),
            ("deprecated", conflicts.deprecated),
            ("removed", conflicts.removed),
        ):
            arg = attribute.arg(name)
            if name == "removed" and arg is None:
                arg = attribute.arg("replaced")
            if arg is not None and conflict is not None:
                self._report_conflict(element, arg, conflict)

    def _report_conflict(self, element: Element, arg: Arg, conflict: tuple[str, str]) -> None:
        when, which = conflict
        names = ("removed", "replaced") if which == "removed" else (which,)
        theirs = self._ancestors_argument(element, names)
        if theirs is None:
            return
        mine, other = arg.value.span.text, theirs.value.span.text
        self.reporter.error(
            "fi-0155",
            arg.span,
            arg.name,
            mine,
            theirs.name,
            other,
            theirs.span,
            arg.name,
            when,
            theirs.name,
        )

    def _ancestors_argument(self, element: Element, names: tuple[str, ...]) -> Arg | None:
        here = self._parent(element)
        while here is not None:
            attribute = here.attribute("available")
            for name in names if attribute is not None else ():
                arg = attribute.arg(name) if attribute is not None else None
                if arg is not None:
                    return arg
            here = self._parent(here)
        return None

    def _keep_for_several(self, element: Element, removed: Arg | None) -> None:
        """Where several versions are selected, keep what one of them still had."""
        availability = element.availability
        if (
            removed is None
            or availability.state is not State.INHERITED
            or element.kind is Kind.MODIFIER
        ):
            return
        versions = self.selection.platforms.get(self.library.platform or "", [])
        if len(versions) > 1 and availability.removed <= LEGACY:
            added, end = availability.added, availability.removed
            if any(added <= version < end for version in versions):
                availability.legacy = True
