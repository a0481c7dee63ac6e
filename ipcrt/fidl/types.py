"""Types as they are used: what was written, what it came to, and its shape on the wire."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipcrt.fidl.constants import Const, LiteralConst, Ref, RefConst
    from ipcrt.fidl.elements import Alias, Decl, Protocol, Resource
    from ipcrt.fidl.source import Span

MAX_SIZE: Final = 0xFFFF_FFFF
"""What `MAX` stands for, and the bound of what has none."""
SAME_RIGHTS: Final = 0x8000_0000
"""Rights of a handle for which none are named."""


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What a value takes on the wire, at most; MAX_SIZE stands for "no bound"."""

    inline_size: int = 0
    alignment: int = 1
    depth: int = 0
    max_handles: int = 0
    max_out_of_line: int = 0
    has_padding: bool = False
    has_flexible_envelope: bool = False


@dataclasses.dataclass(slots=True, eq=False)
class Type:
    """A type, its parameters and constraints applied."""

    shape: Shape | None = dataclasses.field(default=None, init=False)
    shaping: bool = dataclasses.field(default=False, init=False)
    nullable: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """How messages call it."""
        raise NotImplementedError


@dataclasses.dataclass(slots=True, eq=False)
class PrimitiveType(Type):
    """`bool`, an integer, or a floating point number."""

    subtype: str

    @property
    def name(self) -> str:
        return self.subtype


@dataclasses.dataclass(slots=True, eq=False)
class InternalType(Type):
    """What only the compiler may use."""

    @property
    def name(self) -> str:
        return "FrameworkErr"


@dataclasses.dataclass(slots=True, eq=False)
class UntypedNumeric(Type):
    """A number that nobody has asked for yet."""

    @property
    def name(self) -> str:
        return "number"


@dataclasses.dataclass(slots=True, eq=False)
class StringType(Type):
    """`string:size`."""

    size: int | None = None

    @property
    def name(self) -> str:
        bound = "" if self.size is None else f":{self.size}"
        return f"string{bound}{'?' if self.nullable else ''}"


@dataclasses.dataclass(slots=True, eq=False)
class VectorType(Type):
    """`vector<element>:size`."""

    element: Type
    size: int | None = None

    @property
    def name(self) -> str:
        return f"vector<{self.element.name}>"


@dataclasses.dataclass(slots=True, eq=False)
class ArrayType(Type):
    """`array<element, count>`, or `string_array<count>`."""

    element: Type
    count: int
    is_string: bool = False

    @property
    def name(self) -> str:
        if self.is_string:
            return f"string_array<{self.count}>"
        return f"array<{self.element.name}, {self.count}>"


@dataclasses.dataclass(slots=True, eq=False)
class PointerType(Type):
    """`experimental_pointer<T>`."""

    pointee: Type

    @property
    def name(self) -> str:
        return f"experimental_pointer<{self.pointee.name}>"


@dataclasses.dataclass(slots=True, eq=False)
class BoxType(Type):
    """`box<struct>`."""

    boxed: Type

    @property
    def name(self) -> str:
        return f"box<{self.boxed.name}>"


@dataclasses.dataclass(slots=True, eq=False)
class HandleType(Type):
    """A resource, perhaps of one subtype, with rights."""

    resource: Resource
    subtype: int = 0
    subtype_name: str = "handle"
    rights: int = SAME_RIGHTS

    @property
    def name(self) -> str:
        return self.resource.qualified


@dataclasses.dataclass(slots=True, eq=False)
class EndpointType(Type):
    """`client_end:P` or `server_end:P`."""

    role: str
    protocol: Protocol | None
    transport: str = "Channel"

    @property
    def name(self) -> str:
        protocol = "" if self.protocol is None else f":{self.protocol.name}"
        return f"{self.role}_end{protocol}"


@dataclasses.dataclass(slots=True, eq=False)
class IdentifierType(Type):
    """A layout or new type, by name."""

    decl: Decl

    @property
    def name(self) -> str:
        return self.decl.qualified


@dataclasses.dataclass(slots=True, eq=False)
class Invocation:
    """What the use of a type gave it, for the IR: the constants as written."""

    alias: Alias | None = None
    element: TypeCtor | None = None
    boxed: TypeCtor | None = None
    size: Const | None = None
    rights: Const | None = None
    protocol: Const | None = None
    nullable: bool = False


@dataclasses.dataclass(slots=True, eq=False)
class Param:
    """A layout parameter: a literal, a type, or a name that may be either."""

    span: Span
    literal: LiteralConst | None = None
    ctor: TypeCtor | None = None
    constant: RefConst | None = None

    def copy(self) -> Param:
        """The same, not yet compiled."""
        literal = None if self.literal is None else self.literal.copy()
        ctor = None if self.ctor is None else self.ctor.copy()
        constant = None if self.constant is None else self.constant.copy()
        if ctor is not None and constant is not None:
            constant.ref = ctor.layout
        return Param(self.span, literal, ctor, constant)


@dataclasses.dataclass(slots=True, eq=False)
class TypeCtor:
    """A type as written, and the type it came to."""

    span: Span
    layout: Ref
    parameters: list[Param]
    parameters_span: Span | None
    constraints: list[Const]
    constraints_span: Span | None
    tried: bool = False
    type: Type | None = None
    invocation: Invocation = dataclasses.field(default_factory=Invocation)

    def copy(self) -> TypeCtor:
        """The same, not yet compiled."""
        return TypeCtor(
            self.span,
            self.layout.copy(),
            [parameter.copy() for parameter in self.parameters],
            self.parameters_span,
            [constraint.copy() for constraint in self.constraints],
            self.constraints_span,
        )
