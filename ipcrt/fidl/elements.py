"""The checker's tree: every element of a library that can have attributes and availability.

The parser's tree says what was written; this one says what it means. Fields that a later step
fills are named so in their class.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ipcrt.fidl.versions import Availability

if TYPE_CHECKING:
    from ipcrt.fidl.constants import Const, Ref
    from ipcrt.fidl.naming import NamingContext
    from ipcrt.fidl.source import Span
    from ipcrt.fidl.types import Shape, TypeCtor


class Kind(enum.Enum):
    """What an element is, in words."""

    LIBRARY = "library"
    MODIFIER = "modifier"
    BUILTIN = "builtin"
    ALIAS = "alias"
    BITS = "bits"
    CONST = "const"
    ENUM = "enum"
    NEW_TYPE = "new type"
    OVERLAY = "overlay"
    PROTOCOL = "protocol"
    RESOURCE = "resource"
    SERVICE = "service"
    STRUCT = "struct"
    TABLE = "table"
    UNION = "union"
    BITS_MEMBER = "bits member"
    ENUM_MEMBER = "enum member"
    OVERLAY_MEMBER = "overlay member"
    COMPOSE = "protocol compose"
    METHOD = "protocol method"
    PROPERTY = "resource property"
    SERVICE_MEMBER = "service member"
    STRUCT_MEMBER = "struct member"
    TABLE_MEMBER = "table member"
    UNION_MEMBER = "union member"


LAYOUTS: Final = frozenset(
    (Kind.BITS, Kind.ENUM, Kind.STRUCT, Kind.TABLE, Kind.UNION, Kind.OVERLAY)
)
MEMBER_KINDS: Final = {
    Kind.BITS: Kind.BITS_MEMBER,
    Kind.ENUM: Kind.ENUM_MEMBER,
    Kind.STRUCT: Kind.STRUCT_MEMBER,
    Kind.TABLE: Kind.TABLE_MEMBER,
    Kind.UNION: Kind.UNION_MEMBER,
    Kind.OVERLAY: Kind.OVERLAY_MEMBER,
    Kind.SERVICE: Kind.SERVICE_MEMBER,
    Kind.RESOURCE: Kind.PROPERTY,
}


@dataclasses.dataclass(slots=True, eq=False)
class Arg:
    """An attribute's argument; `name` is None until the schema names it."""

    span: Span
    name: str | None
    name_span: Span | None
    value: Const


@dataclasses.dataclass(slots=True, eq=False)
class Attr:
    """An attribute. Filled later: `compiled`."""

    span: Span
    name: str
    name_span: Span
    args: list[Arg]
    is_doc: bool = False
    compiled: bool = False

    def arg(self, name: str) -> Arg | None:
        """The argument of that name, or None."""
        for arg in self.args:
            if arg.name == name:
                return arg
        return None

    @property
    def lone_arg(self) -> Arg | None:
        """The one argument that was given without a name, or None."""
        if len(self.args) == 1 and self.args[0].name in (None, "value"):
            return self.args[0]
        return None


def _no_modifiers() -> list[Modifier]:
    return []


@dataclasses.dataclass(slots=True, eq=False)
class Element:
    """Whatever has a name, attributes and availability; `span` is that of the name."""

    kind: Kind
    name: str
    span: Span
    attributes: list[Attr]
    modifiers: list[Modifier] = dataclasses.field(default_factory=_no_modifiers, kw_only=True)
    availability: Availability = dataclasses.field(default_factory=Availability, kw_only=True)

    def attribute(self, name: str) -> Attr | None:
        """The attribute of that name, or None."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        return None

    @property
    def is_anonymous_layout(self) -> bool:
        """True for a layout that was written where a type is used."""
        return False


@dataclasses.dataclass(slots=True, eq=False)
class Modifier(Element):
    """`strict`, `flexible`, `resource`, `open`, `ajar` or `closed`."""


@dataclasses.dataclass(slots=True, eq=False)
class ValueMember(Element):
    """A member of bits or enum."""

    value: Const


@dataclasses.dataclass(slots=True, eq=False)
class FieldMember(Element):
    """A member of another layout, a service, or a resource. Filled later: offset, padding."""

    ctor: TypeCtor
    ordinal: int = 0
    ordinal_span: Span | None = None
    default: Const | None = None
    offset: int = 0
    padding: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class Compose(Element):
    """`compose P`."""

    ref: Ref


@dataclasses.dataclass(slots=True, eq=False)
class Method(Element):
    """A method or event; `result` names its result union, if it has one.

    Filled later: what follows `has_error`.
    """

    method_kind: str
    request: TypeCtor | None
    response: TypeCtor | None
    result: str
    has_error: bool
    strict: bool = False
    selector: str = ""
    ordinal: int = 0
    result_union: FieldLayout | None = None
    success: TypeCtor | None = None
    error: TypeCtor | None = None


@dataclasses.dataclass(slots=True, eq=False)
class Decl(Element):
    """A declaration.

    Filled later: `shape`, and `state` (0 new, 1 in work, 2 done, 3 of another library).
    """

    library: str
    context: NamingContext | None = dataclasses.field(default=None, kw_only=True)
    provenance: str = dataclasses.field(default="", kw_only=True)
    state: int = dataclasses.field(default=0, kw_only=True)
    shape: Shape | None = dataclasses.field(default=None, kw_only=True)
    shaping: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def qualified(self) -> str:
        """`library/Name`; a built-in's name alone."""
        return self.name if self.kind is Kind.BUILTIN else f"{self.library}/{self.name}"

    @property
    def is_anonymous_layout(self) -> bool:
        return self.context is not None and self.kind in LAYOUTS

    def each_member(self) -> Iterator[Element]:
        """The members, in their order."""
        return iter(())

    def each_child(self) -> Iterator[tuple[Element, Element]]:
        """Pairs of parent and child: modifiers, members, and members' modifiers."""
        for modifier in self.modifiers:
            yield self, modifier
        for member in self.each_member():
            yield self, member
            for modifier in member.modifiers:
                yield member, modifier


@dataclasses.dataclass(slots=True, eq=False)
class Builtin(Decl):
    """What library `fidl` has."""


@dataclasses.dataclass(slots=True, eq=False)
class ValueLayout(Decl):
    """Bits or enum. Filled later: what follows `members`."""

    subtype: TypeCtor
    members: list[ValueMember]
    strict: bool = False
    mask: int = 0
    unknown: int | None = None

    def each_member(self) -> Iterator[Element]:
        return iter(self.members)


@dataclasses.dataclass(slots=True, eq=False)
class FieldLayout(Decl):
    """Struct, table, union or overlay. Filled later: what follows `members`."""

    members: list[FieldMember]
    strict: bool = False
    resource: bool = False

    def each_member(self) -> Iterator[Element]:
        return iter(self.members)


@dataclasses.dataclass(slots=True, eq=False)
class Alias(Decl):
    """`alias Name = type`."""

    ctor: TypeCtor


@dataclasses.dataclass(slots=True, eq=False)
class NewType(Decl):
    """`type Name = other type`."""

    ctor: TypeCtor


@dataclasses.dataclass(slots=True, eq=False)
class ConstDecl(Decl):
    """`const NAME type = value`."""

    ctor: TypeCtor
    value: Const


@dataclasses.dataclass(slots=True, eq=False)
class MethodInfo:
    """A method as a protocol has it: its own, or through `composed`."""

    method: Method
    owner: Protocol
    composed: Compose | None


@dataclasses.dataclass(slots=True, eq=False)
class Protocol(Decl):
    """A protocol. Filled later: what follows `methods`."""

    composed: list[Compose]
    methods: list[Method]
    openness: str = "open"
    all_methods: list[MethodInfo] = dataclasses.field(default_factory=list[MethodInfo])

    def each_member(self) -> Iterator[Element]:
        yield from self.composed
        yield from self.methods


@dataclasses.dataclass(slots=True, eq=False)
class Service(Decl):
    """A service."""

    members: list[FieldMember]

    def each_member(self) -> Iterator[Element]:
        return iter(self.members)


@dataclasses.dataclass(slots=True, eq=False)
class Resource(Decl):
    """A resource definition."""

    subtype: TypeCtor
    members: list[FieldMember]

    def each_member(self) -> Iterator[Element]:
        return iter(self.members)

    def member(self, name: str) -> FieldMember | None:
        """The property of that name, or None."""
        for member in self.members:
            if member.name == name:
                return member
        return None
