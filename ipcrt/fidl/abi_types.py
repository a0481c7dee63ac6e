"""Comparing types as they are used, and the state of a comparison.

1. Declarations are compared in pairs, each pair once: those of the same name, and those that stand
   in the same place of a message whatever their names.
2. What another library declares is known by name only: the same name is taken to be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipcrt.fidl.abi_change import Change, Party, Side, new, old
from ipcrt.fidl.abi_ir import AnyDeclaration, Library, Type
from ipcrt.fidl.abi_usage import Usage

SAME_RIGHTS: Final = 0x80000000
"""Rights that are not checked."""


class Comparison:
    """Two versions of a library, the changes found, and the pairs still to be compared."""

    def __init__(self, before: Library, after: Library) -> None:
        self.before = before
        self.after = after
        self.old_declarations = before.declarations()
        self.new_declarations = after.declarations()
        self.changes: list[Change] = []
        self.pairs: dict[tuple[str, str], None] = {}
        self._old_usage = Usage(before)
        self._new_usage = Usage(after)

    def add(
        self,
        id_: str,
        where: str,
        message: str,
        *,
        source: Side = Side.NONE,
        wire: Party = Party.NONE,
    ) -> None:
        """Note a change."""
        self.changes.append(Change(id_, where, message, source, wire))

    def readers(self, old_name: str, new_name: str) -> Side:
        """Answer who reads values of a pair of types."""
        return self._old_usage.readers(old_name) | self._new_usage.readers(new_name)

    def pair(self, where: str, old_identifier: str, new_identifier: str, readers: Side) -> None:
        """Note that one declaration stands where the other stood, to compare them later."""
        old_name = self.before.local(old_identifier)
        new_name = self.after.local(new_identifier)
        first = self.old_declarations.get(old_name)
        second = self.new_declarations.get(new_name)
        if first is not None and second is not None and type(first) is type(second):
            self.pairs.setdefault((old_name, new_name))
            if old_name != new_name and old_name in self.new_declarations:
                self._replaced(where, first, second)
        elif old_name != new_name or first is not None or second is not None:
            message = f"was {_kind(first)} {old_name}, is {_kind(second)} {new_name}"
            self.add("type-changed", where, message, source=Side.BOTH, wire=everyone(readers))

    def _replaced(self, where: str, first: AnyDeclaration, second: AnyDeclaration) -> None:
        if not (first.is_anonymous or second.is_anonymous):
            message = f"was {first.name}, is {second.name}"
            self.add("declaration-replaced", where, message, source=Side.BOTH)


def _kind(declaration: AnyDeclaration | None) -> str:
    return "foreign" if declaration is None else type(declaration).__name__.lower()


def everyone(readers: Side) -> Party:
    """Readers of both versions: what either writes, the other cannot read."""
    return old(readers) | new(readers)


def compare_types(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    """Compare two types that stand in the same place."""
    if before.kind_v2 != after.kind_v2:
        _changed(comparison, where, before, after, readers)
        return
    compare_kind = _KINDS.get(before.kind_v2, _compare_plain)
    compare_kind(comparison, where, before, after, readers)
    _compare_optionality(comparison, where, before, after, readers)
    if before.element_type is not None and after.element_type is not None:
        compare_types(comparison, f"{where}[]", before.element_type, after.element_type, readers)


def describe(type_: Type) -> str:
    """Answer a type in a few words."""
    match type_.kind_v2:
        case "primitive" | "internal":
            return type_.subtype
        case "identifier":
            return type_.identifier
        case "array":
            inner = describe(type_.element_type) if type_.element_type is not None else "?"
            return f"array<{inner}, {type_.element_count}>"
        case "vector":
            inner = describe(type_.element_type) if type_.element_type is not None else "?"
            return f"vector<{inner}>"
        case "endpoint":
            return f"{type_.role}_end:{type_.protocol}"
        case "handle":
            return f"handle of {type_.subtype}"
        case _:
            return type_.kind_v2


def _changed(comparison: Comparison, where: str, before: Type, after: Type, readers: Side) -> None:
    message = f"was {describe(before)}, is {describe(after)}"
    comparison.add("type-changed", where, message, source=Side.BOTH, wire=everyone(readers))


def _compare_plain(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    """Compare primitives, and arrays by their length."""
    if (before.subtype, _count(before)) != (after.subtype, _count(after)):
        _changed(comparison, where, before, after, readers)


def _compare_names(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    comparison.pair(where, before.identifier, after.identifier, readers)


def _count(type_: Type) -> int | None:
    return type_.element_count if type_.element_count is not None else type_.maybe_element_count


def _compare_bounds(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    first, second = before.maybe_element_count, after.maybe_element_count
    if first == second:
        return
    message = f"bound was {_bound(first)}, is {_bound(second)}"
    if first is not None and (second is None or second > first):
        comparison.add("bound-widened", where, message, wire=old(readers))
    else:
        comparison.add("bound-narrowed", where, message, wire=new(readers))


def _bound(count: int | None) -> str:
    return "none" if count is None else str(count)


def _compare_optionality(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    if after.nullable and not before.nullable:
        message = "may now be absent"
        comparison.add("optional-added", where, message, source=readers, wire=old(readers))
    elif before.nullable and not after.nullable:
        message = "may no longer be absent"
        source = readers.other
        comparison.add("optional-removed", where, message, source=source, wire=new(readers))


def _compare_handles(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    if before.subtype != after.subtype:
        wire = everyone(readers)
        if after.subtype == "handle":
            wire = old(readers)
        elif before.subtype == "handle":
            wire = new(readers)
        message = f"was {describe(before)}, is {describe(after)}"
        source = Side.BOTH
        comparison.add("handle-subtype-changed", where, message, source=source, wire=wire)
    first, second = _needed(before), _needed(after)
    if second & ~first:
        message = f"asks for rights {second & ~first:#x} more"
        comparison.add("rights-raised", where, message, wire=new(readers))
    if first & ~second:
        message = f"no longer asks for rights {first & ~second:#x}"
        comparison.add("rights-lowered", where, message, wire=old(readers))


def _needed(type_: Type) -> int:
    """Answer the rights a receiver checks."""
    rights = type_.rights if type_.rights is not None else SAME_RIGHTS
    return 0 if rights & SAME_RIGHTS else rights


def _compare_endpoints(
    comparison: Comparison, where: str, before: Type, after: Type, readers: Side
) -> None:
    first = before.role, comparison.before.local(before.protocol), before.protocol_transport
    second = after.role, comparison.after.local(after.protocol), after.protocol_transport
    if first != second:
        message = f"was {describe(before)}, is {describe(after)}"
        wire = everyone(readers)
        comparison.add("endpoint-changed", where, message, source=Side.BOTH, wire=wire)


_KINDS: Final[dict[str, Callable[[Comparison, str, Type, Type, Side], None]]] = {
    "vector": _compare_bounds,
    "string": _compare_bounds,
    "identifier": _compare_names,
    "handle": _compare_handles,
    "endpoint": _compare_endpoints,
}
