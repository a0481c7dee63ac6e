"""The tree that the parser makes of a file: what was written, nothing resolved yet."""

from __future__ import annotations

import dataclasses
import enum
from typing import TypeAlias

from ipcrt.fidl.source import Span


@dataclasses.dataclass(slots=True)
class Identifier:
    """One name as it stands in the file."""

    span: Span
    name: str


@dataclasses.dataclass(slots=True)
class CompoundIdentifier:
    """`a.b.C`: one name or more."""

    span: Span
    parts: list[Identifier]

    @property
    def text(self) -> str:
        """The parts with dots between them."""
        return ".".join(part.name for part in self.parts)


class LiteralKind(enum.Enum):
    """What a literal is."""

    STRING = "string"
    NUMERIC = "numeric"
    BOOL = "bool"


@dataclasses.dataclass(slots=True)
class Literal:
    """A literal constant; `text` as written, quotes and all."""

    span: Span
    kind: LiteralKind
    text: str


@dataclasses.dataclass(slots=True)
class Reference:
    """A constant, or a type, named elsewhere."""

    span: Span
    name: CompoundIdentifier


@dataclasses.dataclass(slots=True)
class BinaryOr:
    """`left | right`."""

    span: Span
    left: Constant
    right: Constant


Constant: TypeAlias = Literal | Reference | BinaryOr


@dataclasses.dataclass(slots=True)
class AttributeArg:
    """One argument; `name` is None where it was given without."""

    span: Span
    name: Identifier | None
    value: Constant


@dataclasses.dataclass(slots=True)
class Attribute:
    """`@name(arguments)`, or a doc comment, whose `doc` is then its text."""

    span: Span
    name: str
    name_span: Span
    args: list[AttributeArg]
    doc: str | None = None


@dataclasses.dataclass(slots=True)
class Modifier:
    """`strict`, `flexible`, `resource`, `open`, `ajar`, `closed`, perhaps with availability."""

    span: Span
    name: str
    availability: Attribute | None = None


@dataclasses.dataclass(slots=True)
class TypeConstructor:
    """A type as it is used: `layout<parameters>:<constraints>`."""

    span: Span
    layout: CompoundIdentifier | Layout
    parameters: list[Parameter]
    parameters_span: Span | None
    constraints: list[Constant]
    constraints_span: Span | None


Parameter: TypeAlias = TypeConstructor | Literal
"""A layout parameter; a name alone is a TypeConstructor until it is resolved."""


class LayoutKind(enum.Enum):
    """What a layout is."""

    STRUCT = "struct"
    BITS = "bits"
    ENUM = "enum"
    UNION = "union"
    TABLE = "table"
    OVERLAY = "overlay"


@dataclasses.dataclass(slots=True)
class ValueMember:
    """A member of bits or enum."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    value: Constant


@dataclasses.dataclass(slots=True)
class StructMember:
    """A member of a struct, or of a service or resource's properties."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    type: TypeConstructor
    default: Constant | None = None


@dataclasses.dataclass(slots=True)
class OrdinalMember:
    """A member of a table, union or overlay; `ordinal` as written."""

    span: Span
    attributes: list[Attribute]
    ordinal: Literal
    name: Identifier
    type: TypeConstructor


@dataclasses.dataclass(slots=True)
class Layout:
    """`modifiers kind : subtype { members }`."""

    span: Span
    attributes: list[Attribute]
    modifiers: list[Modifier]
    kind: LayoutKind
    subtype: TypeConstructor | None
    members: list[ValueMember] | list[StructMember] | list[OrdinalMember]


@dataclasses.dataclass(slots=True)
class Payload:
    """A parameter list; `type` is None for `()`."""

    span: Span
    type: TypeConstructor | None


@dataclasses.dataclass(slots=True)
class Method:
    """A method or, where `request` is None, an event."""

    span: Span
    attributes: list[Attribute]
    modifiers: list[Modifier]
    name: Identifier
    request: Payload | None
    response: Payload | None
    error: TypeConstructor | None


@dataclasses.dataclass(slots=True)
class Compose:
    """`compose P;`."""

    span: Span
    attributes: list[Attribute]
    protocol: CompoundIdentifier


@dataclasses.dataclass(slots=True)
class ConstDecl:
    """`const NAME type = value;`."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    type: TypeConstructor
    value: Constant


@dataclasses.dataclass(slots=True)
class TypeDecl:
    """`type Name = layout or type;`."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    type: TypeConstructor


@dataclasses.dataclass(slots=True)
class AliasDecl:
    """`alias Name = type;`."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    type: TypeConstructor


@dataclasses.dataclass(slots=True)
class ProtocolDecl:
    """`protocol Name { ... };`."""

    span: Span
    attributes: list[Attribute]
    modifiers: list[Modifier]
    name: Identifier
    members: list[Method | Compose]


@dataclasses.dataclass(slots=True)
class ServiceDecl:
    """`service Name { ... };`."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    members: list[StructMember]


@dataclasses.dataclass(slots=True)
class ResourceDecl:
    """`resource_definition Name : uint32 { properties { ... }; };`."""

    span: Span
    attributes: list[Attribute]
    name: Identifier
    subtype: TypeConstructor | None
    properties: list[StructMember]


Declaration: TypeAlias = (
    ConstDecl | TypeDecl | AliasDecl | ProtocolDecl | ServiceDecl | ResourceDecl
)


@dataclasses.dataclass(slots=True)
class Using:
    """`using library as alias;`."""

    span: Span
    library: CompoundIdentifier
    alias: Identifier | None


@dataclasses.dataclass(slots=True)
class File:
    """One parsed file."""

    attributes: list[Attribute]
    library: CompoundIdentifier
    usings: list[Using]
    declarations: list[Declaration]
