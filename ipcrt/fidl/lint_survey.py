"""From parsed files to the lists that checks look at."""

from __future__ import annotations

from ipcrt.fidl.ast import (
    AliasDecl,
    Attribute,
    ConstDecl,
    File,
    Identifier,
    Layout,
    Method,
    OrdinalMember,
    Payload,
    ProtocolDecl,
    ResourceDecl,
    ServiceDecl,
    StructMember,
    TypeConstructor,
    TypeDecl,
)
from ipcrt.fidl.lint_model import (
    LayoutUse,
    Library,
    MemberUse,
    MethodUse,
    Role,
    TypeUse,
    Unit,
)
from ipcrt.fidl.source import SourceFile


def survey(files: list[tuple[SourceFile, File]]) -> Library:
    """List what the files of one library hold, in their order."""
    units = [Unit(source, tree, _imports(tree)) for source, tree in files]
    library = Library(units[0].tree.library.text if units else "", units)
    for unit in units:
        for declaration in unit.tree.declarations:
            library.declarations.setdefault(declaration.name.name, declaration)
    for unit in units:
        _Surveyor(library, unit).walk()
    return library


def _imports(tree: File) -> dict[str, str]:
    found: dict[str, str] = {}
    for using in tree.usings:
        found[using.alias.name if using.alias is not None else using.library.text] = (
            using.library.text
        )
    return found


class _Surveyor:
    """Walks one file."""

    def __init__(self, library: Library, unit: Unit) -> None:
        self._library = library
        self._unit = unit

    def walk(self) -> None:
        for declaration in self._unit.tree.declarations:
            match declaration:
                case ConstDecl():
                    self._type(declaration.type, declaration.name, Role.CONST, [])
                case AliasDecl():
                    self._type(declaration.type, declaration.name, Role.ALIAS, [])
                case TypeDecl():
                    attributes = declaration.attributes
                    self._type(declaration.type, declaration.name, Role.NAMED, attributes)
                case ProtocolDecl():
                    self._protocol(declaration)
                case ServiceDecl() | ResourceDecl():
                    members = (
                        declaration.members
                        if isinstance(declaration, ServiceDecl)
                        else declaration.properties
                    )
                    for member in members:
                        self._type(member.type, member.name, Role.OTHER, [])

    def _protocol(self, protocol: ProtocolDecl) -> None:
        for member in protocol.members:
            if not isinstance(member, Method):
                continue
            use = MethodUse(self._unit, protocol, member)
            self._library.methods.append(use)
            answer = Role.EVENT if use.is_event else Role.RESPONSE
            self._payload(member.request, Role.REQUEST, use)
            self._payload(member.response, answer, use)
            if member.error is not None:
                self._type(member.error, member.name, Role.ERROR, [], use)

    def _payload(self, payload: Payload | None, role: Role, method: MethodUse) -> None:
        if payload is not None and payload.type is not None:
            self._type(payload.type, method.method.name, role, [], method)

    def _type(
        self,
        type_: TypeConstructor,
        name: Identifier,
        role: Role,
        attributes: list[Attribute],
        method: MethodUse | None = None,
    ) -> None:
        self._library.types.append(TypeUse(self._unit, type_, role))
        if isinstance(type_.layout, Layout):
            self._layout(type_.layout, name, role, attributes, method)
        for parameter in type_.parameters:
            if isinstance(parameter, TypeConstructor):
                self._type(parameter, name, Role.ANONYMOUS, [], method)

    def _layout(
        self,
        layout: Layout,
        name: Identifier,
        role: Role,
        attributes: list[Attribute],
        method: MethodUse | None,
    ) -> None:
        all_attributes = attributes + layout.attributes
        use = LayoutUse(self._unit, layout, name.name, name.span, role, all_attributes, method)
        if role not in (Role.NAMED, Role.ERROR) and method is None:
            use.span = layout.span
        self._library.layouts.append(use)
        for member in layout.members:
            if isinstance(member, StructMember | OrdinalMember):
                self._library.members.append(MemberUse(use, member))
                self._type(member.type, member.name, Role.ANONYMOUS, [], method)
