"""What checks look at: one library's declarations, layouts, members, types and methods, in lists.

Names are looked up within the library alone; what another library declares is known by its name
only, and no check guesses what it is.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

from ipcrt.fidl.ast import (
    AliasDecl,
    Attribute,
    Constant,
    Declaration,
    File,
    Identifier,
    Layout,
    LayoutKind,
    Literal,
    Method,
    OrdinalMember,
    Parameter,
    ProtocolDecl,
    Reference,
    StructMember,
    TypeConstructor,
    ValueMember,
)
from ipcrt.fidl.source import SourceFile, Span


class Role(enum.Enum):
    """What a layout, or a type, is there for."""

    NAMED = "type"
    ANONYMOUS = "anonymous"
    REQUEST = "request"
    RESPONSE = "response"
    EVENT = "event"
    ERROR = "error"
    ALIAS = "alias"
    CONST = "const"
    OTHER = "other"


PAYLOADS = frozenset((Role.REQUEST, Role.RESPONSE, Role.EVENT))


@dataclasses.dataclass(slots=True)
class Unit:
    """One file of the library; `imports` gives the library for each name it is known by."""

    source: SourceFile
    tree: File
    imports: dict[str, str]


@dataclasses.dataclass(slots=True)
class MethodUse:
    """A method in its protocol."""

    unit: Unit
    protocol: ProtocolDecl
    method: Method

    @property
    def is_event(self) -> bool:
        return self.method.request is None

    @property
    def is_two_way(self) -> bool:
        return self.method.request is not None and self.method.response is not None


@dataclasses.dataclass(slots=True)
class LayoutUse:
    """A layout where it stands; `name` is the type's, the member's or the method's."""

    unit: Unit
    layout: Layout
    name: str
    span: Span
    role: Role
    attributes: list[Attribute]
    method: MethodUse | None = None


@dataclasses.dataclass(slots=True)
class MemberUse:
    """A member that has a type."""

    owner: LayoutUse
    member: StructMember | OrdinalMember

    @property
    def name(self) -> str:
        return self.member.name.name


_MAX_ALIASES: Final = 64
"""How many aliases, one of the other, are looked behind: each use of each looks again."""


@dataclasses.dataclass(slots=True)
class TypeUse:
    """A type as it is used; parameters of others are anonymous in their role."""

    unit: Unit
    type: TypeConstructor
    role: Role


@dataclasses.dataclass(slots=True)
class Resolved:
    """What a type comes to behind the library's aliases; `name` is that of its layout."""

    name: str
    parameters: list[Parameter]
    constraints: list[Constant]
    declaration: Declaration | None = None
    layout: Layout | None = None

    @property
    def is_optional(self) -> bool:
        return any(text_of(constraint) == "optional" for constraint in self.constraints)

    @property
    def bounds(self) -> list[Constant]:
        """Its constraints but `optional`."""
        return [found for found in self.constraints if text_of(found) != "optional"]

    @property
    def element(self) -> TypeConstructor | None:
        """Its first parameter, where that is a type."""
        first = self.parameters[0] if self.parameters else None
        return first if isinstance(first, TypeConstructor) else None


@dataclasses.dataclass(slots=True)
class Library:
    """Everything of one library that checks look at."""

    name: str
    units: list[Unit]
    declarations: dict[str, Declaration] = dataclasses.field(default_factory=dict[str, Declaration])
    layouts: list[LayoutUse] = dataclasses.field(default_factory=list[LayoutUse])
    members: list[MemberUse] = dataclasses.field(default_factory=list[MemberUse])
    types: list[TypeUse] = dataclasses.field(default_factory=list[TypeUse])
    methods: list[MethodUse] = dataclasses.field(default_factory=list[MethodUse])

    def resolve(self, unit: Unit, type_: TypeConstructor) -> Resolved:
        """Look behind aliases; a cycle of them ends where it began, a long chain somewhere."""
        constraints = list(type_.constraints)
        seen: set[str] = set()
        while True:
            if isinstance(type_.layout, Layout):
                return Resolved("", [], constraints, layout=type_.layout)
            name = type_.layout.text
            declaration = self.declarations.get(name)
            if not isinstance(declaration, AliasDecl):
                break
            if name in seen or len(seen) == _MAX_ALIASES:
                break
            seen.add(name)
            type_ = declaration.type
            constraints += type_.constraints
        local = declaration is not None
        name = f"{self.name}.{name}" if local else _full_name(unit, name)
        resolved = Resolved(name, type_.parameters, constraints, declaration)
        if name == "bytes":
            resolved.name = "vector"
        return resolved

    def layout_of(self, unit: Unit, type_: TypeConstructor) -> Layout | None:
        """Answer the layout that a type of this library has."""
        resolved = self.resolve(unit, type_)
        declaration = resolved.declaration
        if resolved.layout is None and declaration is not None:
            found = getattr(getattr(declaration, "type", None), "layout", None)
            return found if isinstance(found, Layout) else None
        return resolved.layout

    def is_byte(self, unit: Unit, type_: TypeConstructor | None) -> bool:
        """True for byte and uint8."""
        return type_ is not None and self.resolve(unit, type_).name in ("byte", "uint8")


def _full_name(unit: Unit, name: str) -> str:
    """Answer a name with its library as that is called, not as it is imported."""
    head, _, last = name.rpartition(".")
    if head == "fidl" and head not in unit.imports:
        return last
    return f"{unit.imports[head]}.{last}" if head in unit.imports else name


def text_of(constant: Constant) -> str:
    """Answer a name or a literal as written, and nothing for several joined by bars."""
    if isinstance(constant, Reference):
        return constant.name.text
    return constant.text if isinstance(constant, Literal) else ""


def number_of(constant: Constant) -> int | None:
    """Answer the value of a numeric literal."""
    if not isinstance(constant, Literal):
        return None
    try:
        return int(constant.text, 0)
    except ValueError:
        return None


def value_members(layout: Layout) -> list[ValueMember]:
    """The members of bits or an enum."""
    return [member for member in layout.members if isinstance(member, ValueMember)]


def ordinal_members(layout: Layout) -> list[OrdinalMember]:
    """The members of a table, union or overlay."""
    return [member for member in layout.members if isinstance(member, OrdinalMember)]


def has_attribute(attributes: list[Attribute], *names: str) -> bool:
    """True where one of the attributes is there; `doc` is a doc comment too."""
    return any(attribute.name in names for attribute in attributes)


def is_strict(layout: Layout) -> bool:
    """True where the layout says so itself."""
    return any(modifier.name == "strict" for modifier in layout.modifiers)


def kind_of(layout: Layout | None) -> LayoutKind | None:
    """The layout's kind, if there is a layout."""
    return layout.kind if layout is not None else None


def identifiers_of(layout: Layout) -> list[Identifier]:
    """The names of all members."""
    return [member.name for member in layout.members]
