"""Comparing enums and bits, whose members are the same where their values are."""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.abi_change import Party, Side, new, old
from ipcrt.fidl.abi_ir import Bits, Enum, ValueMember
from ipcrt.fidl.abi_members import (
    compare_deprecation,
    compare_strictness,
    match_members,
    note_renamed,
)
from ipcrt.fidl.abi_types import Comparison, everyone

_BOTH: Final = Side.BOTH


def compare_values(
    comparison: Comparison, where: str, before: Enum | Bits, after: Enum | Bits, readers: Side
) -> None:
    """Compare two enums, or two of bits."""
    first_type, second_type = _subtype(before), _subtype(after)
    if first_type != second_type:
        message = f"underlying type was {first_type}, is {second_type}"
        wire = everyone(readers)
        comparison.add("subtype-changed", where, message, source=_BOTH, wire=wire)
    compare_strictness(comparison, where, strict=(before.strict, after.strict), readers=readers)
    _compare_unknown(comparison, where, before, after)
    matched, added, removed = match_members(before.members, after.members, _value)
    for first, second in matched:
        place = f"{where}.{second.name}"
        if _value(first) != _value(second):
            message = f"value was {_value(first)}, is {_value(second)}"
            comparison.add("value-changed", place, message, wire=everyone(readers))
        if first.name != second.name:
            note_renamed(comparison, f"{where}.{first.name}", second.name)
        compare_deprecation(comparison, place, first, second)
    for member in added:
        wire = old(readers) if before.strict else Party.NONE
        message = f"was added with value {_value(member)}"
        comparison.add("value-added", f"{where}.{member.name}", message, wire=wire)
    for member in removed:
        wire = new(readers) if after.strict else Party.NONE
        place, message = f"{where}.{member.name}", f"was removed from value {_value(member)}"
        comparison.add("value-removed", place, message, source=_BOTH, wire=wire)


def _value(member: ValueMember) -> str:
    return member.value.value


def _subtype(layout: Enum | Bits) -> str:
    return layout.type if isinstance(layout, Enum) else layout.type.subtype


def _compare_unknown(
    comparison: Comparison, where: str, before: Enum | Bits, after: Enum | Bits
) -> None:
    if not (isinstance(before, Enum) and isinstance(after, Enum)):
        return
    first, second = before.maybe_unknown_value, after.maybe_unknown_value
    if first is not None and second is not None and first != second:
        message = f"unknown value was {first}, is {second}"
        comparison.add("unknown-value-changed", where, message, source=_BOTH)
