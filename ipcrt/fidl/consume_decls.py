"""From the parser's trees to one library's elements: the declarations of whole files."""

from __future__ import annotations

from ipcrt.fidl import ast
from ipcrt.fidl.consume import Consumer
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Alias,
    Compose,
    ConstDecl,
    FieldLayout,
    FieldMember,
    Kind,
    Method,
    Modifier,
    NewType,
    Protocol,
    Resource,
    Service,
)
from ipcrt.fidl.library import Import, Library, Session
from ipcrt.fidl.naming import NamingContext
from ipcrt.fidl.source import Span
from ipcrt.fidl.types import TypeCtor


def consume_files(
    files: list[ast.File], session: Session, reporter: Reporter
) -> tuple[Library, Span]:
    """Make a library of its files; answer it, and where it is named first."""
    library = Library(files[0].library.text)
    consumer = FileConsumer(library, session, reporter)
    for file in files:
        if file.library.text != library.name:
            reporter.error("fi-0040", file.library.span)
            continue
        library.element.attributes += consumer.attributes(file.attributes)
        for using in file.usings:
            consumer.using(using)
    for file in files:
        if file.library.text == library.name:
            for declaration in file.declarations:
                consumer.declaration(declaration)
    library.sort()
    return library, files[0].library.span


class FileConsumer(Consumer):
    """The part that knows declarations."""

    def using(self, raw: ast.Using) -> None:
        """Import a library into a file."""
        name = raw.library.text
        found = self.session.imported(name)
        if found is None:
            self.reporter.error("fi-0046", raw.library.span, name)
            return
        imports = self.library.imports.setdefault(raw.span.file, {})
        alias = name if raw.alias is None else raw.alias.name
        if any(other.library is found for other in imports.values()):
            self.reporter.error("fi-0042", raw.span, name)
        elif alias not in imports:
            imports[alias] = Import(raw.library.span, found)
            if found not in self.library.dependencies:
                self.library.dependencies.append(found)
        elif raw.alias is not None:
            self.reporter.error("fi-0044", raw.span, name, alias)
        else:
            self.reporter.error("fi-0043", raw.span, name)

    def declaration(self, raw: ast.Declaration) -> None:
        """Take a declaration over."""
        if isinstance(raw, ast.TypeDecl):
            self._type_decl(raw)
        elif isinstance(raw, ast.ProtocolDecl):
            self._protocol(raw)
        elif isinstance(raw, ast.ConstDecl):
            self._const(raw)
        elif isinstance(raw, ast.AliasDecl):
            self._alias(raw)
        elif isinstance(raw, ast.ServiceDecl):
            self._service(raw)
        else:
            self._resource(raw)

    def _context(self, name: ast.Identifier) -> NamingContext:
        return NamingContext(name.name, span=name.span)

    def _const(self, raw: ast.ConstDecl) -> None:
        own = self.attributes(raw.attributes)
        ctor = self.type(raw.type, self._context(raw.name))
        value = self.constant(raw.value)
        name, span = raw.name.name, raw.name.span
        self.register(ConstDecl(Kind.CONST, name, span, own, self.library.name, ctor, value))

    def _alias(self, raw: ast.AliasDecl) -> None:
        own = self.attributes(raw.attributes)
        ctor = self.type(raw.type, self._context(raw.name))
        name, span = raw.name.name, raw.name.span
        self.register(Alias(Kind.ALIAS, name, span, own, self.library.name, ctor))

    def _type_decl(self, raw: ast.TypeDecl) -> None:
        context = self._context(raw.name)
        if isinstance(raw.type.layout, ast.Layout):
            self.layout(raw.type.layout, raw.attributes, context)
            return
        if "allow_new_types" not in self.session.flags:
            self.reporter.error("fi-0062", raw.span, raw.name.name, raw.type.layout.text)
            return
        own = self.attributes(raw.attributes)
        ctor = self.type(raw.type, context)
        name, span = raw.name.name, raw.name.span
        self.register(NewType(Kind.NEW_TYPE, name, span, own, self.library.name, ctor))

    def _service(self, raw: ast.ServiceDecl) -> None:
        own = self.attributes(raw.attributes)
        members = self._fields(raw.members, Kind.SERVICE_MEMBER, self._context(raw.name))
        name, span = raw.name.name, raw.name.span
        self.register(Service(Kind.SERVICE, name, span, own, self.library.name, members))

    def _fields(
        self, raw: list[ast.StructMember], kind: Kind, context: NamingContext
    ) -> list[FieldMember]:
        return [self.field(member, kind, context) for member in raw]

    def _resource(self, raw: ast.ResourceDecl) -> None:
        context = self._context(raw.name)
        own = self.attributes(raw.attributes)
        name, span = raw.name.name, raw.name.span
        if raw.subtype is not None:
            subtype = self.type(raw.subtype, context)
        else:
            subtype = self.synthetic(self.session.builtin("uint32"), span)
        members = self._fields(raw.properties, Kind.PROPERTY, context)
        self.register(Resource(Kind.RESOURCE, name, span, own, self.library.name, subtype, members))

    # ---- protocols

    def _protocol(self, raw: ast.ProtocolDecl) -> None:
        context = self._context(raw.name)
        composed: list[Compose] = []
        methods: list[Method] = []
        for member in raw.members:
            own = self.attributes(member.attributes)
            if isinstance(member, ast.Compose):
                ref = self.ref(member.protocol)
                composed.append(Compose(Kind.COMPOSE, ref.text, ref.span, own, ref))
            else:
                method = self._method(member, context)
                method.attributes = own
                methods.append(method)
        name, span = raw.name.name, raw.name.span
        decl = Protocol(
            Kind.PROTOCOL,
            name,
            span,
            self.attributes(raw.attributes),
            self.library.name,
            composed,
            methods,
        )
        decl.modifiers = self.modifiers(raw.modifiers)
        self.register(decl)

    def _method(self, raw: ast.Method, context: NamingContext) -> Method:
        name = raw.name.name
        request = response = None
        result = ""
        if raw.request is None:
            kind = "event"
        else:
            kind = "oneway" if raw.response is None else "twoway"
            if raw.request.type is not None:
                request = self.type(raw.request.type, context.payload(name, "Request"))
        if raw.response is not None:
            if self._needs_result(raw, kind):
                response = self._result(raw, raw.response, context)
                result = response.layout.name
            elif raw.response.type is not None:
                suffix = "Request" if kind == "event" else "Response"
                response = self.type(raw.response.type, context.payload(name, suffix))
        modifiers: list[Modifier] = self.modifiers(raw.modifiers)
        return Method(
            Kind.METHOD,
            name,
            raw.name.span,
            [],
            kind,
            request,
            response,
            result,
            raw.error is not None,
            modifiers=modifiers,
        )

    def _needs_result(self, raw: ast.Method, kind: str) -> bool:
        """True where the response may be an error, and so is wrapped in a union."""
        if kind != "twoway":
            return False
        if raw.error is not None or not raw.modifiers:
            return True
        if len(raw.modifiers) == 1 and raw.modifiers[0].availability is None:
            return raw.modifiers[0].name == "flexible"
        span = raw.modifiers[0].span.to(raw.modifiers[-1].span)
        self.reporter.error("fi-0219", span)
        return True

    def _result(self, raw: ast.Method, payload: ast.Payload, protocol: NamingContext) -> TypeCtor:
        """Make the union of a method's outcomes; answer a type that refers to it."""
        prefix = f"{protocol.name}_{raw.name.name}"
        context = protocol.payload(raw.name.name, "Response")
        context.override = f"{prefix}_Result"
        success = context.member("response")
        success.override = f"{prefix}_Response"
        if payload.type is not None:
            ctors = [(1, "response", self.type(payload.type, success))]
        else:
            empty = FieldLayout(
                Kind.STRUCT, success.flattened, payload.span, [], self.library.name, []
            )
            empty.context, empty.provenance = success, "empty success"
            self.register(empty)
            ctors = [(1, "response", self.synthetic(empty, payload.span))]
        if raw.error is not None:
            error = context.member("err")
            error.override = f"{prefix}_Error"
            ctors.append((2, "err", self.type(raw.error, error)))
        framework = self.synthetic(self.session.builtin("FrameworkErr"), payload.span)
        ctors.append((3, "framework_err", framework))
        return self._result_union(ctors, context, payload.span)

    def _result_union(
        self, ctors: list[tuple[int, str, TypeCtor]], context: NamingContext, span: Span
    ) -> TypeCtor:
        members = [
            FieldMember(Kind.UNION_MEMBER, name, span, [], ctor, ordinal, span)
            for ordinal, name, ctor in ctors
        ]
        union = FieldLayout(Kind.UNION, context.flattened, span, [], self.library.name, members)
        union.modifiers = [Modifier(Kind.MODIFIER, "strict", span, [])]
        union.context, union.provenance = context, "result"
        self.register(union)
        return self.synthetic(union, span)
