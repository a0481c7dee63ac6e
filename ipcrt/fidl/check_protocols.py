"""Protocols: selectors and ordinals, payloads, errors, openness, and composed methods."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from ipcrt.fidl.attributes import string_arg
from ipcrt.fidl.canonical import canonical, is_identifier, is_selector
from ipcrt.fidl.elements import (
    Compose,
    FieldLayout,
    Kind,
    Method,
    MethodInfo,
    Protocol,
    ValueLayout,
)
from ipcrt.fidl.types import IdentifierType, PrimitiveType, TypeCtor

if TYPE_CHECKING:
    from ipcrt.fidl.check import Checker

_OPENNESS: Final = {"closed": 0, "ajar": 1, "open": 2}
_ORDINAL_MASK: Final = (1 << 63) - 1
_EXPLICIT_ORDINALS: Final = "fuchsia.io"
"""The library whose names changed under its users: it says its selectors, save in the closed
protocols that are older than this rule."""
_METHOD_WORDS: Final = {"event": "event", "oneway": "one-way method"}


def method_ordinal(selector: str) -> int:
    """Answer the ordinal of `library/Protocol.Method`."""
    digest = hashlib.sha256(selector.encode()).digest()
    return int.from_bytes(digest[:8], "little") & _ORDINAL_MASK


class ProtocolChecker:
    """Checks one protocol."""

    def __init__(self, checker: Checker, decl: Protocol) -> None:
        self.checker = checker
        self.reporter = checker.reporter
        self.decl = decl

    def check(self) -> None:
        """Check it, and gather its methods with those that it composes."""
        decl = self.decl
        for name in self.checker.modifiers(decl.modifiers):
            decl.openness = name
        forbids = bool(decl.attributes) and decl.attribute("no_resource") is not None
        for composed in decl.composed:
            self._compose(composed, forbids)
        for method in decl.methods:
            self._method(method)
            if forbids:
                self._check_no_resource(method)
        _Gatherer(self.checker, decl).gather()

    def _check_no_resource(self, method: Method) -> None:
        """Report `resource` on the layouts that stand in a method itself."""
        waiting = [method.request, method.response]
        while waiting:
            ctor = waiting.pop()
            decl = None if ctor is None else ctor.layout.target
            if ctor is not None:
                waiting += [parameter.ctor for parameter in ctor.parameters]
            if not isinstance(decl, FieldLayout) or not decl.is_anonymous_layout:
                continue
            for modifier in decl.modifiers:
                if modifier.name == "resource":
                    self.reporter.error("fi-0221", modifier.span)
            waiting += [member.ctor for member in decl.members]

    def _compose(self, composed: Compose, forbids: bool) -> None:
        self.checker.attributes(composed)
        other = composed.ref.target
        decl, span = self.decl, composed.ref.span
        if not isinstance(other, Protocol):
            self.reporter.error("fi-0073", span)
            return
        if forbids and other.attribute("no_resource") is None:
            self.reporter.error("fi-0223", span, decl.name, other.name)
        if _OPENNESS[decl.openness] < _OPENNESS[other.openness]:
            self.reporter.error(
                "fi-0114", span, decl.openness, decl.name, other.openness, other.name
            )

    def _method(self, method: Method) -> None:
        self.checker.attributes(method)
        method.strict = "strict" in self.checker.modifiers(method.modifiers)
        self._find_ordinal(method)
        for ctor in (method.request, method.response):
            if ctor is not None:
                self.checker.type(ctor)
        self._open_result(method)
        if method.request is not None:
            self._check_payload(method.request)
        response = method.response if method.success is None else method.success
        if response is not None:
            self._check_payload(response)
        if method.error is not None:
            self._check_error(method.error)
        self._check_strictness(method)

    def _check_strictness(self, method: Method) -> None:
        if method.strict:
            return
        openness = self.decl.openness
        if method.method_kind == "twoway":
            if openness != "open":
                self.reporter.error("fi-0115", method.span, openness)
        elif openness == "closed":
            self.reporter.error("fi-0116", method.span, _METHOD_WORDS[method.method_kind])

    # ---- ordinals

    def _find_ordinal(self, method: Method) -> None:
        name = method.name
        library = self.checker.library.name
        found = string_arg(method.attribute("selector"), "value") if method.attributes else None
        if found is not None:
            if is_selector(found[0]):
                method.selector = found[0]
            elif is_identifier(found[0]):
                name = found[0]
            else:
                self.reporter.error("fi-0082", found[1])
                return
        if not method.selector:
            if library == _EXPLICIT_ORDINALS and self.decl.openness != "closed":
                self.reporter.error("fi-0083", method.span)
                return
            method.selector = f"{library}/{self.decl.name}.{name}"
        method.ordinal = method_ordinal(method.selector)
        if method.ordinal == 0:
            self.reporter.error("fi-0080", method.span)

    # ---- payloads

    def _open_result(self, method: Method) -> None:
        """Find what a result union holds; a strict method's has no framework error."""
        if not method.result or method.response is None:
            return
        if method.strict and not method.has_error:
            return
        type_ = method.response.type
        if not isinstance(type_, IdentifierType) or not isinstance(type_.decl, FieldLayout):
            return
        union = type_.decl
        method.result_union = union
        method.success = union.members[0].ctor
        if method.has_error:
            method.error = union.members[1].ctor
        if method.strict and union.members[-1].name == "framework_err":
            union.members.pop()

    def _check_payload(self, ctor: TypeCtor) -> None:
        type_ = ctor.type
        if type_ is None:
            return
        if not isinstance(type_, IdentifierType):
            if isinstance(type_, PrimitiveType):
                self.reporter.error("fi-0074", ctor.span, type_.name)
            self.reporter.error("fi-0075", ctor.span, type_.name)
            return
        decl = type_.decl
        if decl.kind not in (Kind.STRUCT, Kind.TABLE, Kind.UNION):
            self.reporter.error("fi-0074", ctor.span, decl.kind.value)
        elif decl.kind is Kind.STRUCT and isinstance(decl, FieldLayout):
            if not decl.members and decl.provenance != "empty success":
                self.reporter.error("fi-0077", ctor.span)
            for member in decl.members:
                if member.default is not None:
                    self.reporter.error("fi-0084", member.span)
                    break

    def _check_error(self, ctor: TypeCtor) -> None:
        type_ = ctor.type
        if type_ is None or "allow_arbitrary_error_types" in self.checker.session.flags:
            return
        if isinstance(type_, IdentifierType) and isinstance(type_.decl, ValueLayout):
            found = type_.decl.subtype.type if type_.decl.kind is Kind.ENUM else None
            if found is None and type_.decl.kind is Kind.ENUM:
                return
        else:
            found = type_
        if not isinstance(found, PrimitiveType) or found.subtype not in ("int32", "uint32"):
            self.reporter.error("fi-0141", ctor.span)


class _Gatherer:
    """Gathers a protocol's methods, those of composed protocols first, each protocol once."""

    def __init__(self, checker: Checker, decl: Protocol) -> None:
        self._reporter = checker.reporter
        self._decl = decl
        self._names: dict[str, Method] = {}
        self._ordinals: dict[int, Method] = {}
        self._seen: set[Protocol] = set()

    def gather(self) -> None:
        """Fill the protocol's `all_methods`; those that it composes have theirs."""
        infos = self._decl.all_methods
        for member in self._decl.composed:
            other = member.ref.target
            if not isinstance(other, Protocol) or other in self._seen:
                continue
            new = [info for info in other.all_methods if info.owner not in self._seen]
            infos += [MethodInfo(info.method, info.owner, member) for info in new]
            self._seen.add(other)
            self._seen.update(info.owner for info in new)
        infos += [MethodInfo(method, self._decl, None) for method in self._decl.methods]
        for info in infos:
            self._check(info.method)

    def _check(self, method: Method) -> None:
        form = canonical(method.name)
        other = self._names.setdefault(form, method)
        kind, error = Kind.METHOD.value, self._reporter.error
        if other is not method and other.name == method.name:
            error("fi-0034", method.span, kind, method.name, kind, other.span)
        elif other is not method:
            error("fi-0035", method.span, kind, method.name, kind, other.name, other.span, form)
        if method.ordinal:
            other = self._ordinals.setdefault(method.ordinal, method)
            if other is not method:
                error("fi-0081", method.span, other.span)
