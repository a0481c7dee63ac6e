"""Comparing structs, tables and unions.

What makes a member the same member: its place in a struct, its ordinal in a table or union. Only
where that fails are names looked at, to tell a move from a loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ipcrt.fidl.abi_change import Party, Side, new, old
from ipcrt.fidl.abi_ir import OrdinalMember, Struct, StructMember, Table, Union
from ipcrt.fidl.abi_members import (
    compare_deprecation,
    compare_resource,
    compare_strictness,
    match_members,
    note_renamed,
)
from ipcrt.fidl.abi_types import Comparison, compare_types, everyone

_BOTH: Final = Side.BOTH


# ---- structs


def compare_structs(
    comparison: Comparison, where: str, before: Struct, after: Struct, readers: Side
) -> None:
    """Compare two structs."""
    compare_resource(comparison, where, resource=(before.resource, after.resource))
    old_names = [member.name for member in before.members]
    new_names = [member.name for member in after.members]
    common = set(old_names) & set(new_names)
    renamed = _renamed(old_names, new_names)
    for first, second in zip(before.members, after.members, strict=False):
        if renamed and first.name != second.name:
            note_renamed(comparison, f"{where}.{first.name}", second.name)
            _compare_struct_members(comparison, f"{where}.{second.name}", first, second, readers)
    if not renamed:
        _compare_names(comparison, where, old_names, new_names, readers)
    kept = [name for name in old_names if name in common]
    if kept != [name for name in new_names if name in common]:
        message = f"members were {', '.join(old_names)}; are {', '.join(new_names)}"
        wire = everyone(readers)
        comparison.add("struct-member-reordered", where, message, source=_BOTH, wire=wire)
    by_name = {member.name: member for member in after.members}
    for member in before.members:
        if member.name in common:
            place = f"{where}.{member.name}"
            _compare_struct_members(comparison, place, member, by_name[member.name], readers)


def _renamed(old_names: list[str], new_names: list[str]) -> bool:
    """True where as many members stand as before, and each other name is new in its place."""
    if len(old_names) != len(new_names):
        return False
    return all(
        first == second or (first not in new_names and second not in old_names)
        for first, second in zip(old_names, new_names, strict=True)
    )


def _compare_names(
    comparison: Comparison, where: str, old_names: list[str], new_names: list[str], readers: Side
) -> None:
    wire = everyone(readers)
    for name in new_names:
        if name not in old_names:
            place = f"{where}.{name}"
            comparison.add("struct-member-added", place, "was added", source=_BOTH, wire=wire)
    for name in old_names:
        if name not in new_names:
            place = f"{where}.{name}"
            comparison.add("struct-member-removed", place, "was removed", source=_BOTH, wire=wire)


def _compare_struct_members(
    comparison: Comparison, where: str, before: StructMember, after: StructMember, readers: Side
) -> None:
    compare_types(comparison, where, before.type, after.type, readers)
    compare_deprecation(comparison, where, before, after)
    first, second = before.maybe_default_value, after.maybe_default_value
    if (first.value if first else None) != (second.value if second else None):
        message = f"default was {first.value if first else 'none'}, is "
        message += second.value if second else "none"
        comparison.add("default-changed", where, message, source=_BOTH)


# ---- tables and unions


def compare_tables(
    comparison: Comparison, where: str, before: Table, after: Table, readers: Side
) -> None:
    """Compare two tables."""
    compare_resource(comparison, where, resource=(before.resource, after.resource))
    added, removed = _compare_ordinals(comparison, where, before.members, after.members, readers)
    for member in added:
        message = f"was added with ordinal {member.ordinal}"
        comparison.add("field-added", f"{where}.{member.name}", message)
    for member in removed:
        message = f"was removed from ordinal {member.ordinal}"
        comparison.add("field-removed", f"{where}.{member.name}", message, source=_BOTH)


def compare_unions(
    comparison: Comparison, where: str, before: Union, after: Union, readers: Side
) -> None:
    """Compare two unions."""
    compare_resource(comparison, where, resource=(before.resource, after.resource))
    compare_strictness(comparison, where, strict=(before.strict, after.strict), readers=readers)
    added, removed = _compare_ordinals(comparison, where, before.members, after.members, readers)
    for member in added:
        message = f"was added with ordinal {member.ordinal}"
        wire = old(readers) if before.strict else Party.NONE
        comparison.add("variant-added", f"{where}.{member.name}", message, wire=wire)
    for member in removed:
        message = f"was removed from ordinal {member.ordinal}"
        place = f"{where}.{member.name}"
        wire = new(readers) if after.strict else Party.NONE
        comparison.add("variant-removed", place, message, source=_BOTH, wire=wire)


def _compare_ordinals(
    comparison: Comparison,
    where: str,
    before: Sequence[OrdinalMember],
    after: Sequence[OrdinalMember],
    readers: Side,
) -> tuple[list[OrdinalMember], list[OrdinalMember]]:
    """Compare members of the same ordinal; answer what was added, and what was removed."""
    matched, added, removed = match_members(before, after, lambda member: str(member.ordinal))
    for first, second in matched:
        place = f"{where}.{second.name}"
        if first.ordinal != second.ordinal:
            message = f"ordinal was {first.ordinal}, is {second.ordinal}"
            wire = everyone(readers)
            comparison.add("ordinal-changed", place, message, wire=wire)
        if first.name != second.name:
            note_renamed(comparison, f"{where}.{first.name}", second.name)
        compare_types(comparison, place, first.type, second.type, readers)
        compare_deprecation(comparison, place, first, second)
    return added, removed
