"""What comparing members of all kinds has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ipcrt.fidl.abi_change import Side
from ipcrt.fidl.abi_ir import Element
from ipcrt.fidl.abi_types import Comparison

MemberT = TypeVar("MemberT", bound=Element)


def compare_deprecation(
    comparison: Comparison, where: str, before: Element, after: Element
) -> None:
    """Note what is now deprecated."""
    if after.deprecated and not before.deprecated:
        comparison.add("deprecated", where, "is now deprecated")


def match_members(
    before: Sequence[MemberT], after: Sequence[MemberT], key: Callable[[MemberT], str]
) -> tuple[list[tuple[MemberT, MemberT]], list[MemberT], list[MemberT]]:
    """Answer pairs by name, then by key, with what was added and what was removed."""
    by_name = {member.name: member for member in after}
    matched = [(member, by_name[member.name]) for member in before if member.name in by_name]
    names = {first.name for first, _ in matched}
    left = {key(member): member for member in after if member.name not in names}
    removed: list[MemberT] = []
    for member in before:
        if member.name in names:
            continue
        other = left.pop(key(member), None)
        if other is None:
            removed.append(member)
        else:
            matched.append((member, other))
    return matched, list(left.values()), removed


def note_renamed(comparison: Comparison, where: str, name: str) -> None:
    """Note that a member has another name."""
    comparison.add("member-renamed", where, f"is now called {name}", source=Side.BOTH)


def compare_resource(comparison: Comparison, where: str, *, resource: tuple[bool, bool]) -> None:
    """Compare whether two types may hold handles; before, then after."""
    before, after = resource
    if before != after:
        message = "is now a resource type" if after else "is no longer a resource type"
        comparison.add("resource-changed", where, message, source=Side.BOTH)


def compare_strictness(
    comparison: Comparison, where: str, *, strict: tuple[bool, bool], readers: Side
) -> None:
    """Compare whether two types refuse unknown members; before, then after."""
    if strict == (True, False):
        comparison.add("became-flexible", where, "is now flexible", source=readers)
    elif strict == (False, True):
        comparison.add("became-strict", where, "is now strict", source=readers)
