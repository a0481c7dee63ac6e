"""The JSON IR as far as comparing two versions of a library needs it; the rest is passed over."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class BadIr(Exception):
    """A file holds no JSON IR; the message says whose and why."""


class Value(msgspec.Struct, frozen=True):
    """A constant: what it comes to, as text."""

    value: str


class Argument(msgspec.Struct, frozen=True):
    """An argument of an attribute."""

    name: str
    value: Value


class Attribute(msgspec.Struct, frozen=True):
    """An attribute."""

    name: str
    arguments: list[Argument] = []


class Type(msgspec.Struct, frozen=True):
    """A type as it is used, aliases resolved; which fields mean something depends on the kind."""

    kind_v2: str
    identifier: str = ""
    nullable: bool = False
    element_type: Type | None = None
    element_count: int | None = None
    maybe_element_count: int | None = None
    subtype: str = ""
    obj_type: int = 0
    rights: int | None = None
    resource_identifier: str = ""
    role: str = ""
    protocol: str = ""
    protocol_transport: str = ""


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """What declarations and members share."""

    name: str
    deprecated: bool = False
    maybe_attributes: list[Attribute] = []

    def attribute(self, name: str) -> Attribute | None:
        """Answer its attribute of that name."""
        return next((found for found in self.maybe_attributes if found.name == name), None)


class ValueMember(Element, frozen=True, kw_only=True):
    """A member of an enum or bits."""

    value: Value


class StructMember(Element, frozen=True, kw_only=True):
    """A member of a struct or service."""

    type: Type
    maybe_default_value: Value | None = None


class OrdinalMember(Element, frozen=True, kw_only=True):
    """A member of a table, union or overlay."""

    ordinal: int
    type: Type


class Declaration(Element, frozen=True, kw_only=True):
    """What declarations share; more than one name in `naming_context` means anonymous."""

    naming_context: list[str] = []

    @property
    def is_anonymous(self) -> bool:
        return len(self.naming_context) > 1


class Const(Declaration, frozen=True, kw_only=True):
    """`const`."""

    type: Type
    value: Value


class Alias(Declaration, frozen=True, kw_only=True):
    """`alias`, or a new type."""

    type: Type


class Enum(Declaration, frozen=True, kw_only=True):
    """`enum`."""

    type: str
    members: list[ValueMember]
    strict: bool
    maybe_unknown_value: int | None = None


class Bits(Declaration, frozen=True, kw_only=True):
    """`bits`."""

    type: Type
    members: list[ValueMember]
    strict: bool


class Struct(Declaration, frozen=True, kw_only=True):
    """`struct`."""

    members: list[StructMember]
    resource: bool = False
    is_empty_success_struct: bool = False


class Table(Declaration, frozen=True, kw_only=True):
    """`table`."""

    members: list[OrdinalMember]
    resource: bool = False


class Union(Declaration, frozen=True, kw_only=True):
    """`union` or `overlay`."""

    members: list[OrdinalMember]
    strict: bool
    resource: bool = False
    is_result: bool = False


class Service(Declaration, frozen=True, kw_only=True):
    """`service`."""

    members: list[StructMember]


class Resource(Declaration, frozen=True, kw_only=True):
    """`resource_definition`."""


class Method(Element, frozen=True, kw_only=True):
    """A method or event, composed ones included."""

    kind: str
    ordinal: int
    strict: bool
    has_request: bool
    has_response: bool
    has_error: bool = False
    maybe_request_payload: Type | None = None
    maybe_response_payload: Type | None = None
    maybe_response_success_type: Type | None = None
    maybe_response_err_type: Type | None = None


class Protocol(Declaration, frozen=True, kw_only=True):
    """`protocol`."""

    openness: Literal["open", "ajar", "closed"] = "open"
    methods: list[Method]

    @property
    def discoverable(self) -> str | None:
        """The name it is found by; None where it is not."""
        attribute = self.attribute("discoverable")
        if attribute is None:
            return None
        named = (found.value.value for found in attribute.arguments if found.name == "name")
        return next(named, self.name.replace("/", "."))


AnyDeclaration: TypeAlias = (
    Const | Alias | Enum | Bits | Struct | Table | Union | Service | Resource | Protocol
)


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """One library."""

    name: str
    bits_declarations: list[Bits] = []
    const_declarations: list[Const] = []
    enum_declarations: list[Enum] = []
    experimental_resource_declarations: list[Resource] = []
    protocol_declarations: list[Protocol] = []
    service_declarations: list[Service] = []
    struct_declarations: list[Struct] = []
    external_struct_declarations: list[Struct] = []
    table_declarations: list[Table] = []
    union_declarations: list[Union] = []
    overlay_declarations: list[Union] = []
    alias_declarations: list[Alias] = []
    new_type_declarations: list[Alias] = []

    def declarations(self) -> dict[str, AnyDeclaration]:
        """Answer its declarations by local name, and others' structs by their full names."""
        every: list[AnyDeclaration] = [
            *self.external_struct_declarations,
            *self.bits_declarations,
            *self.const_declarations,
            *self.enum_declarations,
            *self.experimental_resource_declarations,
            *self.protocol_declarations,
            *self.service_declarations,
            *self.struct_declarations,
            *self.table_declarations,
            *self.union_declarations,
            *self.overlay_declarations,
            *self.alias_declarations,
            *self.new_type_declarations,
        ]
        return {self.local(declaration.name): declaration for declaration in every}

    def local(self, name: str) -> str:
        """Answer a name without this library's own before it."""
        return name.removeprefix(f"{self.name}/")


def load_ir(name: str, data: bytes | str) -> Library:
    """Read a JSON IR; `name` is the file's, for messages. Raises: BadIr."""
    try:
        return msgspec.json.decode(data, type=Library)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadIr(f"{name}: not the JSON IR of a library: {error}") from error
