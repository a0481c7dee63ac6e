"""Every name in a library: first made a key, later led to the element it means.

The steps visit the same places in the same order; what they do there is theirs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from ipcrt.fidl.attribute_names import OFFICIAL
from ipcrt.fidl.constants import Const, LiteralConst, Ref, RefConst, RefState
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Alias,
    Compose,
    ConstDecl,
    Element,
    FieldMember,
    Kind,
    Method,
    NewType,
    Resource,
    ValueLayout,
    ValueMember,
)
from ipcrt.fidl.library import FRAMEWORK_ERR, Library, Session
from ipcrt.fidl.types import TypeCtor

_MAX_GUESSES: Final = 8
"""How many of the names that are not found are compared with those that exist: it is slow."""


def type_ctors(element: Element) -> Iterator[TypeCtor]:
    """The types that stand in an element itself."""
    if isinstance(element, FieldMember | Alias | NewType | ConstDecl):
        yield element.ctor
    elif isinstance(element, Method):
        if element.request is not None:
            yield element.request
        if element.response is not None:
            yield element.response
    elif isinstance(element, ValueLayout | Resource):
        yield element.subtype


def constants(element: Element) -> Iterator[Const]:
    """The constants that stand in an element itself, outside of types."""
    for attribute in element.attributes:
        schema = OFFICIAL.get(attribute.name)
        if schema is None or not schema.early:
            for arg in attribute.args:
                yield arg.value
    if isinstance(element, ValueMember | ConstDecl):
        yield element.value
    elif isinstance(element, FieldMember) and element.default is not None:
        yield element.default


def refs_of(constant: Const) -> Iterator[Ref]:
    """The references in a constant."""
    if isinstance(constant, RefConst):
        yield constant.ref
    elif not isinstance(constant, LiteralConst):
        yield from refs_of(constant.left)
        yield from refs_of(constant.right)


def refs_in_type(ctor: TypeCtor) -> Iterator[tuple[Ref, TypeCtor | None]]:
    """The references in a type; with each that is a constraint, the type it constrains."""
    yield ctor.layout, None
    for parameter in ctor.parameters:
        if parameter.ctor is not None:
            yield from refs_in_type(parameter.ctor)
    for constraint in ctor.constraints:
        for ref in refs_of(constraint):
            yield ref, ctor


def refs_in_element(element: Element) -> Iterator[tuple[Ref, TypeCtor | None]]:
    """The references in an element itself."""
    if element.attributes or element.kind is not Kind.MODIFIER:
        for constant in constants(element):
            for ref in refs_of(constant):
                yield ref, None
    if isinstance(element, Compose):
        yield element.ref, None
    for ctor in type_ctors(element):
        yield from refs_in_type(ctor)


class KeyFinder:
    """Makes a key of each name: the library and the declaration that it must mean."""

    def __init__(self, library: Library, session: Session, reporter: Reporter) -> None:
        self.library = library
        self.session = session
        self.reporter = reporter
        self.guesses = _MAX_GUESSES

    def visit(self, element: Element) -> None:
        """Make keys of an element's references."""
        for ref, constrained in refs_in_element(element):
            if ref.state is not RefState.RAW:
                continue
            if ref.synthetic:
                ref.state = RefState.KEY
                continue
            self._find(ref, constrained is not None)
            self._settle(ref, element)

    def _settle(self, ref: Ref, element: Element) -> None:
        if ref.state is RefState.RAW:
            ref.state = RefState.FAILED
        elif element is self.library.element:
            self.reporter.error("fi-0181", ref.span)
            ref.state = RefState.FAILED

    def _find(self, ref: Ref, may_be_subtype: bool) -> None:
        parts = ref.parts
        if len(parts) == 1:
            self._find_simple(ref, may_be_subtype)
        elif len(parts) == 2 and self._set(ref, self.library, parts[0], parts[1]):
            pass
        elif len(parts) == 2:
            library = self._library(ref, parts[0])
            if library is None:
                self._not_found(ref, parts[0], self.library)
            elif not self._set(ref, library, parts[1]):
                self._not_found(ref, parts[1], library)
        else:
            self._find_long(ref)

    def _find_simple(self, ref: Ref, may_be_subtype: bool) -> None:
        name = ref.parts[0]
        if self._set(ref, self.library, name) or self._set(ref, self.session.root, name):
            return
        if may_be_subtype:
            ref.state = RefState.CONTEXTUAL
        else:
            self._not_found(ref, name, self.library)

    def _find_long(self, ref: Ref) -> None:
        """`library.name.Decl`, or `library.Decl.member`."""
        parts = ref.parts
        long, short = ".".join(parts[:-1]), ".".join(parts[:-2])
        library = self._library(ref, long)
        if library is not None:
            if not self._set(ref, library, parts[-1]):
                self._not_found(ref, parts[-1], library)
            return
        library = self._library(ref, short)
        if library is None:
            self.reporter.error("fi-0051", ref.span, long, short)
        elif not self._set(ref, library, parts[-2], parts[-1]):
            self._not_found(ref, parts[-2], library)

    def _library(self, ref: Ref, name: str) -> Library | None:
        if name == self.session.root.name:
            return self.session.root
        return self.library.use(ref.span.file, name)

    def _set(self, ref: Ref, library: Library, name: str, member: str | None = None) -> bool:
        if name not in library.by_name or (library is self.session.root and name == FRAMEWORK_ERR):
            return False
        ref.library, ref.name, ref.member, ref.state = library.name, name, member, RefState.KEY
        return True

    def _not_found(self, ref: Ref, name: str, library: Library) -> None:
        hint = ""
        if self.guesses:
            self.guesses -= 1
            known = [*library.by_name, *self.session.root.by_name]
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
            hint = f"did you mean '{near[0]}'?" if near else ""
        self.reporter.error("fi-0052", ref.span, name, f"library '{library.name}'", hint=hint)
