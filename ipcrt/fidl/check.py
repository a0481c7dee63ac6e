"""Declarations checked, each after what it is made of; that order is the declaration order."""

from __future__ import annotations

from ipcrt.fidl.attributes import compile_attributes
from ipcrt.fidl.check_layouts import check_overlay, check_struct, check_table, check_union
from ipcrt.fidl.check_protocols import ProtocolChecker
from ipcrt.fidl.check_values import check_bits, check_enum
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Alias,
    ConstDecl,
    Decl,
    Element,
    FieldLayout,
    Kind,
    Modifier,
    NewType,
    Protocol,
    Resource,
    Service,
    ValueLayout,
)
from ipcrt.fidl.evaluate import Evaluator, can_be_const, underlying
from ipcrt.fidl.library import Library, Session
from ipcrt.fidl.order import in_order
from ipcrt.fidl.types import EndpointType, IdentifierType, PrimitiveType, Type, TypeCtor
from ipcrt.fidl.typing_rules import TypeMaker


def check_library(library: Library, session: Session, reporter: Reporter) -> None:
    """Check every declaration of a library whose names are resolved."""
    checker = Checker(library, session, reporter)
    checker.attributes(library.element)
    for decl in in_order(library.decls, reporter):
        checker.compile_decl(decl)


class Checker:
    """Checks declarations, and whatever they need before them."""

    def __init__(self, library: Library, session: Session, reporter: Reporter) -> None:
        self.library = library
        self.session = session
        self.reporter = reporter
        self.evaluator = Evaluator(reporter)
        self.types = TypeMaker(self.evaluator, reporter, session.flags)

    def compile_decl(self, decl: Decl) -> None:
        """Check a declaration; what it needs was checked before it."""
        decl.state = 1
        self.attributes(decl)
        self._compile(decl)
        decl.state = 2
        self.library.order.append(decl)

    def _compile(self, decl: Decl) -> None:
        if isinstance(decl, FieldLayout):
            self._field_layout(decl)
        elif isinstance(decl, ValueLayout):
            self._value_layout(decl)
        elif isinstance(decl, Protocol):
            ProtocolChecker(self, decl).check()
        elif isinstance(decl, ConstDecl):
            self._const(decl)
        elif isinstance(decl, Alias | NewType):
            self.types.compile(decl.ctor)
        elif isinstance(decl, Service):
            self._service(decl)
        elif isinstance(decl, Resource):
            self._resource(decl)

    # ---- what declarations share

    def attributes(self, element: Element) -> None:
        """Compile an element's attributes."""
        if element.attributes:
            compile_attributes(element, self.evaluator.attribute_arg, self.reporter)

    def type(self, ctor: TypeCtor) -> Type | None:
        """Make a type."""
        return self.types.compile(ctor)

    def modifiers(self, modifiers: list[Modifier]) -> dict[str, Modifier]:
        """Compile modifiers; answer them by name, where two exclude each other the last."""
        found: dict[str, Modifier] = {}
        for modifier in modifiers:
            self.attributes(modifier)
            found[modifier.name] = modifier
        return found

    # ---- layouts

    def _field_layout(self, decl: FieldLayout) -> None:
        modifiers = self.modifiers(decl.modifiers)
        decl.resource = "resource" in modifiers
        decl.strict = decl.kind is Kind.STRUCT or "strict" in modifiers
        if decl.kind is Kind.STRUCT:
            check_struct(self, decl)
        elif decl.kind is Kind.TABLE:
            check_table(self, decl)
        elif decl.kind is Kind.UNION:
            check_union(self, decl)
        else:
            check_overlay(self, decl)

    def _value_layout(self, decl: ValueLayout) -> None:
        for member in decl.members:
            self.attributes(member)
        decl.strict = "strict" in self.modifiers(decl.modifiers)
        type_ = self.type(decl.subtype)
        if type_ is None:
            return
        if decl.kind is Kind.BITS:
            check_bits(self, decl, type_)
        else:
            check_enum(self, decl, type_)

    # ---- the others

    def _const(self, decl: ConstDecl) -> None:
        type_ = self.type(decl.ctor)
        if type_ is None:
            return
        if not can_be_const(type_):
            self.reporter.error("fi-0059", decl.span, type_.name)
        elif not self.evaluator.evaluate(decl.value, type_):
            self.reporter.error("fi-0060", decl.span)

    def _service(self, decl: Service) -> None:
        first: tuple[str, str] | None = None
        report = self.reporter.error
        for member in decl.members:
            self.attributes(member)
            type_ = self.type(member.ctor)
            if type_ is None:
                continue
            if not isinstance(type_, EndpointType):
                report("fi-0112", member.span)
                continue
            if type_.role != "client":
                report("fi-0112", member.span)
            if type_.nullable:
                report("fi-0088", member.span)
            if first is None:
                first = (member.name, type_.transport)
            elif first[1] != type_.transport:
                report("fi-0113", member.span, member.name, type_.transport, *first)

    def _resource(self, decl: Resource) -> None:
        subtype = self.type(decl.subtype)
        if subtype is None:
            return
        report = self.reporter.error
        if not isinstance(subtype, PrimitiveType) or subtype.subtype != "uint32":
            report("fi-0172", decl.span, decl.name)
        for member in decl.members:
            self.attributes(member)
            self.type(member.ctor)
        found = decl.member("subtype")
        if found is None:
            report("fi-0173", decl.span, decl.name)
        else:
            type_ = found.ctor.type
            if not isinstance(type_, IdentifierType) or type_.decl.kind is not Kind.ENUM:
                report("fi-0175", found.span, decl.name)
        rights = decl.member("rights")
        if rights is not None and rights.ctor.type is not None:
            primitive = underlying(rights.ctor.type)
            if not isinstance(primitive, PrimitiveType) or primitive.subtype != "uint32":
                report("fi-0177", rights.span, decl.name)
