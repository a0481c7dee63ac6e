"""Parsing declarations: from tokens to the tree of one file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipcrt.fidl.ast import (
    AliasDecl,
    Attribute,
    Compose,
    CompoundIdentifier,
    ConstDecl,
    Declaration,
    File,
    Identifier,
    Layout,
    Method,
    Modifier,
    Payload,
    ProtocolDecl,
    ResourceDecl,
    ServiceDecl,
    StructMember,
    TypeConstructor,
    TypeDecl,
    Using,
)
from ipcrt.fidl.canonical import is_library_component
from ipcrt.fidl.cursor import Recover, only_docs
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.lexer import Kind, lex
from ipcrt.fidl.parse_types import TypeParser
from ipcrt.fidl.source import SourceFile

_OPENNESS: Final = frozenset(("open", "ajar", "closed"))
_PROTOCOL_MODIFIERS: Final = _OPENNESS | {"strict", "flexible", "resource"}
_METHOD_MODIFIERS: Final = frozenset(("strict", "flexible", "open", "ajar", "closed", "resource"))


def parse(file: SourceFile, reporter: Reporter, flags: frozenset[str] = frozenset()) -> File | None:
    """Parse one file; None where not even its library header could be read.

    Mistakes go to the reporter; a tree that had some lacks the parts that were wrong.
    """
    parser = Parser(file, lex(file, reporter), reporter)
    parser.flags = flags
    return parser.parse_file()


class Parser(TypeParser):
    """The part of the parser that knows declarations."""

    modifiers: list[Modifier]
    """Those before the declaration's keyword."""

    def parse_file(self) -> File | None:
        """Parse the whole file."""
        attributes: list[Attribute] = []
        library = None
        try:
            attributes = self.parse_attributes()
            library = self._library()
        except Recover:
            pass
        nothing = CompoundIdentifier(self.since(self.token.start), [])
        file = File(attributes, library or nothing, [], [])
        while not self.at_end:
            before = self.token.start
            try:
                self._top_level(file)
            except Recover:
                self._skip_declaration(before)
        return None if library is None else file

    def _library(self) -> CompoundIdentifier:
        self.expect_word("library")
        name = self.expect_compound("the library's name")
        for part in name.parts:
            if not is_library_component(part.name):
                self.report("fi-0011", part.span, part.name)
        self.expect(";")
        return name

    def _skip_declaration(self, before: int) -> None:
        """Go on behind the declaration that has the mistake."""
        self.skip_member()
        while self.sees("}") or (self.token.start == before and not self.at_end):
            self.take()
            self.takes(";")

    def _top_level(self, file: File) -> None:
        start = self.token.start
        attributes = self.parse_attributes()
        if self.at_end:
            if not only_docs(attributes):
                self.unexpected("a declaration")
            return
        if self.sees("using"):
            if attributes:
                self.report("fi-0045", attributes[0].span)
            using = self._using()
            if file.declarations:
                self.report("fi-0025", using.span)
            file.usings.append(using)
        else:
            file.declarations.append(self._declaration(start, attributes))
        self.expect_semicolon()

    def _using(self) -> Using:
        start = self.take().start
        library = self.expect_compound("a library's name")
        alias = self.expect_identifier() if self.takes("as") else None
        return Using(self.since(start), library, alias)

    def _declaration(self, start: int, attributes: list[Attribute]) -> Declaration:
        parsers: dict[str, Callable[[int, list[Attribute]], Declaration]] = {
            "const": self._const,
            "type": self._type_decl,
            "alias": self._alias,
            "protocol": self._protocol,
            "service": self._service,
            "resource_definition": self._resource,
        }
        modifiers = self.parse_modifiers(_PROTOCOL_MODIFIERS)
        word = self.token.text
        parse_declaration = parsers.get(word)
        if parse_declaration is None and (modifiers or word in _OPENNESS):
            if word in _OPENNESS:
                self.take()
            self.expect_word("protocol")
        if parse_declaration is None or not self.sees_kind(Kind.IDENTIFIER):
            self.fail("fi-0006", self.span_of(self.token), f"'{word[:40]}'")
        allowed = _OPENNESS if word == "protocol" else ()
        for modifier in modifiers:
            if modifier.name not in allowed:
                self.report("fi-0030", modifier.span, modifier.name, word)
        self.modifiers = modifiers
        return parse_declaration(start, attributes)

    def _const(self, start: int, attributes: list[Attribute]) -> ConstDecl:
        self.take()
        name = self.expect_identifier("the constant's name")
        type_ = self.parse_type()
        self.expect("=")
        value = self.parse_constant()
        return ConstDecl(self.since(start), attributes, name, type_, value)

    def _type_decl(self, start: int, attributes: list[Attribute]) -> TypeDecl:
        self.take()
        name = self.expect_identifier("the type's name")
        self.expect("=")
        errors = self.reporter.errors
        type_ = self.parse_type()
        if isinstance(type_.layout, Layout):
            if type_.layout.attributes:
                self.report("fi-0023", type_.layout.attributes[0].span)
        elif "allow_new_types" not in self.flags and self.reporter.errors != errors:
            self.report("fi-0062", self.since(start), name.name, type_.layout.text)
        return TypeDecl(self.since(start), attributes, name, type_)

    def _alias(self, start: int, attributes: list[Attribute]) -> AliasDecl:
        self.take()
        name = self.expect_identifier("the alias's name")
        self.expect("=")
        return AliasDecl(self.since(start), attributes, name, self.parse_type())

    def _service(self, start: int, attributes: list[Attribute]) -> ServiceDecl:
        self.take()
        name = self.expect_identifier("the service's name")
        members = self.parse_members(self.parse_field)
        return ServiceDecl(self.since(start), attributes, name, members)

    def _resource(self, start: int, attributes: list[Attribute]) -> ResourceDecl:
        self.take()
        name = self.expect_identifier("the resource's name")
        subtype = None
        if self.takes(":"):
            found = self.expect_compound("the resource's type")
            subtype = TypeConstructor(found.span, found, [], None, [], None)
        properties: list[StructMember] = []
        self.expect("{")
        opening = self.expect_word("properties")
        properties = self.parse_members(self.parse_field)
        self.expect(";")
        self.expect("}")
        if not properties:
            self.report("fi-0029", self.span_of(opening))
        return ResourceDecl(self.since(start), attributes, name, subtype, properties)

    # ---- protocols

    def _protocol(self, start: int, attributes: list[Attribute]) -> ProtocolDecl:
        modifiers = self.modifiers
        self.take()
        name = self.expect_identifier("the protocol's name")
        members = self.parse_members(self._protocol_member)
        return ProtocolDecl(self.since(start), attributes, modifiers, name, members)

    def _protocol_member(self) -> Method | Compose:
        start = self.token.start
        attributes = self.parse_attributes()
        modifiers = self.parse_modifiers(_METHOD_MODIFIERS)
        if self.sees("compose") and self.after.text != "(":
            self.take()
            for modifier in modifiers:
                self.report("fi-0030", modifier.span, modifier.name, "compose")
            return Compose(self.since(start), attributes, self.expect_compound("a protocol"))
        for modifier in modifiers:
            if modifier.name not in ("strict", "flexible"):
                self.report("fi-0030", modifier.span, modifier.name, "method")
        if self.takes("->"):
            name = self.expect_identifier("the event's name")
            response = self._payload()
            return Method(self.since(start), attributes, modifiers, name, None, response, None)
        if not self.sees_kind(Kind.IDENTIFIER) or self.after.text != "(":
            self.fail("fi-0020", self.span_of(self.token))
        return self._method(start, attributes, modifiers, self.expect_identifier())

    def _method(
        self, start: int, attributes: list[Attribute], modifiers: list[Modifier], name: Identifier
    ) -> Method:
        request = self._payload()
        response = error = None
        if self.takes("->"):
            response = self._payload()
            error = self._error()
        return Method(self.since(start), attributes, modifiers, name, request, response, error)

    def _error(self) -> TypeConstructor | None:
        return self.parse_type() if self.takes("error") else None

    def _payload(self) -> Payload:
        start = self.expect("(").start
        type_ = None
        if not self.sees(")"):
            attributes = self.parse_attributes()
            if attributes and attributes[0].doc is not None:
                self.report("fi-0024", attributes[0].span)
            type_ = self.parse_type(attributes)
        self.expect(")")
        return Payload(self.since(start), type_)
