"""Types made of what was written: parameters counted and compiled, constraints applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipcrt.fidl.attributes import string_arg
from ipcrt.fidl.constants import LiteralConst
from ipcrt.fidl.constraints import ConstraintResolver, Found
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.elements import (
    Alias,
    Builtin,
    ConstDecl,
    Decl,
    Kind,
    Protocol,
    Resource,
    Service,
)
from ipcrt.fidl.evaluate import Evaluator
from ipcrt.fidl.library import C_TYPES, FRAMEWORK_ERR, PRIMITIVES
from ipcrt.fidl.numbers import string_value
from ipcrt.fidl.types import (
    SAME_RIGHTS,
    ArrayType,
    BoxType,
    EndpointType,
    HandleType,
    IdentifierType,
    InternalType,
    Param,
    PointerType,
    PrimitiveType,
    StringType,
    Type,
    TypeCtor,
    VectorType,
)

if TYPE_CHECKING:
    from ipcrt.fidl.constants import Ref

_VECTOR: Final = ("size", "optional")
_HANDLE: Final = ("subtype", "rights", "optional")
_ENDPOINT: Final = ("protocol", "optional")
_PARAMETERS: Final = {
    "array": 2,
    "string_array": 1,
    "vector": 1,
    "experimental_pointer": 1,
    "box": 1,
}
_NEVER_OPTIONAL: Final = frozenset((Kind.BITS, Kind.ENUM, Kind.TABLE, Kind.OVERLAY))


class TypeMaker:
    """Makes types; the aliases, resources and constants in them must have been checked."""

    def __init__(self, evaluator: Evaluator, reporter: Reporter, flags: frozenset[str]) -> None:
        self.evaluator = evaluator
        self.reporter = reporter
        self.flags = flags

    def compile(self, ctor: TypeCtor) -> Type | None:
        """Make the type of a constructor, once; None where it is wrong, which was reported."""
        if not ctor.tried:
            ctor.tried = True
            ctor.type = self._make(ctor, ctor.layout)
        return ctor.type

    def _make(self, ctor: TypeCtor, ref: Ref) -> Type | None:
        decl = ref.target
        if not isinstance(decl, Decl):
            if decl is not None:
                self.reporter.error("fi-0165", ref.span)
            return None
        if isinstance(decl, Builtin):
            return self._make_builtin(ctor, decl)
        if isinstance(decl, Resource):
            return self._make_handle(ctor, decl)
        if isinstance(decl, Alias):
            return self._make_from_alias(ctor, decl)
        if isinstance(decl, ConstDecl | Protocol | Service):
            self.reporter.error("fi-0165", ref.span)
            return None
        if not self._counts(ctor, decl.qualified, 0):
            return None
        return self._constrain(ctor, IdentifierType(decl), decl.qualified)

    def _counts(self, ctor: TypeCtor, name: str, wanted: int) -> bool:
        given = len(ctor.parameters)
        if given == wanted:
            return True
        span = ctor.layout.span if ctor.parameters_span is None else ctor.parameters_span
        self.reporter.error("fi-0162", span, name, wanted, given)
        return False

    # ---- what can be made

    def _make_builtin(self, ctor: TypeCtor, decl: Builtin) -> Type | None:
        name = decl.name
        if name in ("optional", "MAX", "NEXT", "HEAD"):
            self.reporter.error("fi-0165", ctor.layout.span)
            return None
        if not self._counts(ctor, name, _PARAMETERS.get(name, 0)):
            return None
        made: Type | None
        if name in PRIMITIVES or name == "byte":
            made = PrimitiveType("uint8" if name == "byte" else name)
        elif name == "string":
            made = StringType()
        elif name in ("client_end", "server_end"):
            made = EndpointType(name.removesuffix("_end"), None)
        elif name == FRAMEWORK_ERR:
            made = InternalType()
        else:
            made = self._make_container(ctor, name)
        if made is None:
            return None
        applied = self._constrain(ctor, made, name)
        if applied is not None and name in C_TYPES and "zx_c_types" not in self.flags:
            self.reporter.error("fi-0180", ctor.layout.span, name)
            return None
        return applied

    def _make_container(self, ctor: TypeCtor, name: str) -> Type | None:
        if name == "bytes":
            return VectorType(PrimitiveType("uint8"))
        if name == "string_array":
            count = self._size_parameter(ctor, ctor.parameters[0], name)
            return None if count is None else ArrayType(PrimitiveType("uint8"), count, True)
        element = self._type_parameter(ctor.parameters[0])
        if element is None:
            return None
        if name == "box":
            return self._make_box(ctor, element)
        ctor.invocation.element = ctor.parameters[0].ctor
        if name == "array":
            count = self._size_parameter(ctor, ctor.parameters[1], name)
            return None if count is None else ArrayType(element, count)
        return PointerType(element) if name == "experimental_pointer" else VectorType(element)

    def _make_box(self, ctor: TypeCtor, boxed: Type) -> Type | None:
        kind = boxed.decl.kind if isinstance(boxed, IdentifierType) else None
        if kind is Kind.STRUCT:
            ctor.invocation.boxed = ctor.parameters[0].ctor
            boxed.nullable = True
            return BoxType(boxed, nullable=True)
        never = isinstance(boxed, ArrayType | BoxType | PrimitiveType) or kind in _NEVER_OPTIONAL
        id_ = "fi-0193" if never or kind is Kind.NEW_TYPE else "fi-0171"
        self.reporter.error(id_, ctor.parameters[0].span, boxed.name)
        return None

    def _make_handle(self, ctor: TypeCtor, decl: Resource) -> Type | None:
        if not self._counts(ctor, decl.qualified, 0):
            return None
        if decl.state < 2:
            return None
        return self._constrain(ctor, HandleType(decl), decl.qualified)

    def _make_from_alias(self, ctor: TypeCtor, alias: Alias) -> Type | None:
        if alias.state < 2:
            return None
        if not self._counts(ctor, alias.name, 0):
            return None
        aliased = alias.ctor.type
        if aliased is None:
            return None
        ctor.invocation.alias = alias
        return self._constrain(ctor, aliased, alias.name)

    # ---- parameters

    def _type_parameter(self, param: Param) -> Type | None:
        if param.ctor is None:
            self.reporter.error("fi-0165", param.span)
            return None
        return self.compile(param.ctor)

    def _size_parameter(self, ctor: TypeCtor, param: Param, name: str) -> int | None:
        size: int | None
        if param.literal is not None:
            ctor.invocation.size = param.literal
            size = self.evaluator.size(param.literal)
            if size is None:
                self.reporter.error("fi-0101", param.span)
        else:
            size = self._named_size(ctor, param)
        if size == 0:
            self.reporter.error("fi-0161", param.span, name)
            return None
        return size

    def _named_size(self, ctor: TypeCtor, param: Param) -> int | None:
        target = None if param.ctor is None else param.ctor.layout.target
        is_type = isinstance(target, Decl) and not isinstance(target, ConstDecl)
        is_max = isinstance(target, Builtin) and target.name in ("MAX", "optional", "NEXT", "HEAD")
        if param.constant is None or (is_type and not is_max):
            name = target.name if target is not None else ""
            self.reporter.error("fi-0063", param.span, name)
            return None
        ctor.invocation.size = param.constant
        size = self.evaluator.size(param.constant)
        if size is None:
            self.reporter.error("fi-0060", param.span)
        return size

    # ---- constraints

    def _constrain(self, ctor: TypeCtor, base: Type, name: str) -> Type | None:
        """Answer the type with the constraints of its use."""
        resolver = ConstraintResolver(self.evaluator, self.reporter, ctor, name)
        errors = self.reporter.errors
        if isinstance(base, IdentifierType):
            return self._constrain_identifier(ctor, base, resolver, name)
        if isinstance(base, StringType | VectorType):
            return self._constrain_vector(ctor, base, resolver)
        if isinstance(base, HandleType):
            found = resolver.resolve(_HANDLE, base.resource)
            if found is None:
                return None
            made = resolver.merge_handle(base, found, SAME_RIGHTS)
            self._note(ctor, found)
            return made if self.reporter.errors == errors else None
        if isinstance(base, EndpointType):
            return self._constrain_endpoint(ctor, base, resolver, name)
        if isinstance(base, BoxType):
            name = "box"
            resolver = ConstraintResolver(self.evaluator, self.reporter, ctor, name)
        if resolver.resolve(()) is None:
            return None
        if isinstance(base, ArrayType):
            return ArrayType(base.element, base.count, base.is_string)
        return base

    def _note(self, ctor: TypeCtor, found: Found) -> None:
        """Keep the constants as written, for the IR."""
        invocation = ctor.invocation
        invocation.nullable = found.nullable
        invocation.size = found.raw.get("size", invocation.size)
        invocation.rights = found.raw.get("rights")
        invocation.protocol = found.raw.get("protocol")

    def _constrain_vector(
        self, ctor: TypeCtor, base: StringType | VectorType, resolver: ConstraintResolver
    ) -> Type | None:
        found = resolver.resolve(_VECTOR)
        if found is None:
            return None
        errors = self.reporter.errors
        size = resolver.merge_size(base.size, found)
        nullable = resolver.merge_optional(base.nullable, found)
        self._note(ctor, found)
        if self.reporter.errors != errors:
            return None
        if isinstance(base, StringType):
            return StringType(size, nullable=nullable)
        return VectorType(base.element, size, nullable=nullable)

    def _constrain_endpoint(
        self, ctor: TypeCtor, base: EndpointType, resolver: ConstraintResolver, name: str
    ) -> Type | None:
        found = resolver.resolve(_ENDPOINT)
        if found is None:
            return None
        errors = self.reporter.errors
        protocol = resolver.merge_protocol(base.protocol, found)
        nullable = resolver.merge_optional(base.nullable, found)
        self._note(ctor, found)
        if protocol is None:
            self.reporter.error("fi-0168", ctor.layout.span, name)
        if self.reporter.errors != errors or protocol is None:
            return None
        return EndpointType(base.role, protocol, transport_of(protocol), nullable=nullable)

    def _constrain_identifier(
        self, ctor: TypeCtor, base: IdentifierType, resolver: ConstraintResolver, name: str
    ) -> Type | None:
        kind = base.decl.kind
        if kind is Kind.NEW_TYPE and ctor.constraints:
            self.reporter.error("fi-0179", ctor.constraints_span, name)
            return None
        found = resolver.resolve(("optional",))
        if found is None:
            return None
        errors = self.reporter.errors
        nullable = resolver.merge_optional(base.nullable, found)
        self._note(ctor, found)
        if nullable and kind in _NEVER_OPTIONAL:
            self.reporter.error("fi-0156", ctor.constraints_span, name)
        elif found.nullable and kind is Kind.STRUCT:
            self.reporter.error("fi-0159", ctor.constraints_span, name)
        if self.reporter.errors != errors:
            return None
        return IdentifierType(base.decl, nullable=nullable)


def transport_of(protocol: Protocol) -> str:
    """Answer the transport that a protocol is written for."""
    attribute = protocol.attribute("transport")
    if attribute is None:
        return "Channel"
    found = string_arg(attribute, "value")
    if found is not None:
        return found[0]
    arg = attribute.lone_arg
    if arg is not None and isinstance(arg.value, LiteralConst):
        return string_value(arg.value.text)
    return "Channel"
