"""Bits and enums: what type they may have, and the values of their members."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ipcrt.fidl.elements import ValueLayout, ValueMember
from ipcrt.fidl.numbers import RANGES
from ipcrt.fidl.types import PrimitiveType, Type

if TYPE_CHECKING:
    from ipcrt.fidl.check import Checker

_UNSIGNED: Final = frozenset(("uint8", "uint16", "uint32", "uint64"))
_INTEGERS: Final = _UNSIGNED | {"int8", "int16", "int32", "int64"}


def check_bits(checker: Checker, decl: ValueLayout, type_: Type) -> None:
    """Check bits over `type_`, and find their mask."""
    if not isinstance(type_, PrimitiveType):
        checker.reporter.error("fi-0069", decl.span, type_.name)
        return
    _check_not_empty(checker, decl)
    if type_.subtype not in _UNSIGNED:
        checker.reporter.error("fi-0069", decl.span, type_.name)
        return

    def check(member: ValueMember, value: int) -> None:
        if value == 0 or value & (value - 1):
            checker.reporter.error("fi-0067", member.span)
        decl.mask |= value

    _check_members(checker, decl, type_, check)


def check_enum(checker: Checker, decl: ValueLayout, type_: Type) -> None:
    """Check an enum over `type_`, and find the value that stands for unknown ones."""
    if not isinstance(type_, PrimitiveType):
        checker.reporter.error("fi-0070", decl.span, type_.name)
        return
    _check_not_empty(checker, decl)
    if type_.subtype not in _INTEGERS:
        checker.reporter.error("fi-0070", decl.span, type_.name)
        return
    chosen = None
    for member in decl.members:
        if not member.attributes or member.attribute("unknown") is None:
            continue
        if chosen is not None:
            checker.reporter.error("fi-0072", member.span)
            return
        chosen = member
    reserved = RANGES[type_.subtype][1]

    def check(member: ValueMember, value: int) -> None:
        if decl.strict and member.attribute("unknown") is not None:
            checker.reporter.error("fi-0071", member.span)
        elif not decl.strict and chosen is None and value == reserved:
            checker.reporter.error("fi-0068", member.span, reserved)

    _check_members(checker, decl, type_, check)
    decl.unknown = reserved
    if chosen is not None and isinstance(chosen.value.value, int):
        decl.unknown = chosen.value.value


def _check_not_empty(checker: Checker, decl: ValueLayout) -> None:
    if decl.strict and not decl.members:
        checker.reporter.error("fi-0019", decl.span)


def _check_members(
    checker: Checker, decl: ValueLayout, type_: Type, check: Callable[[ValueMember, int], None]
) -> None:
    """Give members their values, and report one that comes twice."""
    seen: dict[int, ValueMember] = {}
    kind = decl.kind.value
    for member in decl.members:
        done = checker.evaluator.evaluate(member.value, type_)
        value = member.value.value
        if not done or not isinstance(value, int):
            checker.reporter.error("fi-0102", member.span, kind)
            continue
        other = seen.setdefault(value, member)
        if other is not member:
            checker.reporter.error(
                "fi-0107", member.span, kind, member.name, other.name, other.span
            )
        check(member, value)
