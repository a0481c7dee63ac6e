"""Checks of layouts: enums, ordinals, what can grow and what cannot."""

from __future__ import annotations

import re
from typing import Final

from ipcrt.fidl.ast import Layout, LayoutKind, StructMember, TypeDecl
from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.lint_model import (
    LayoutUse,
    Library,
    Role,
    is_strict,
    number_of,
    ordinal_members,
    value_members,
)

_STRICTNESS: Final = frozenset(("strict", "flexible"))
_NAMES_OF_ZERO: Final = re.compile(
    r"(?:.*_|k)?(?:UNKNOWN|UNSPECIFIED|UNDEFINED|UNSET|UNUSED|NONE|NULL|DEFAULT|INITIAL|INVALID"
    r"|NOT_SET|NO_[A-Z0-9_]+|OK|OFF|NOT_APPLICABLE)$",
    re.IGNORECASE,
)
_NAMES_OF_SUCCESS: Final = frozenset(("OK", "OKAY", "SUCCESS", "NO_ERROR", "NONE", "SUCCEEDED"))
_SETTINGS: Final = re.compile(r".*(?:Settings|Config|Configuration|Options|Metadata|Preferences)$")
_MANY_OPTIONALS: Final = 3
_MANY_FLAGS: Final = 4
_MAX_BITS: Final = 64


def check_layouts(library: Library, findings: Findings) -> None:
    """Look at each layout."""
    errors = {id(layout) for layout in _error_layouts(library)}
    for use in library.layouts:
        _check_modifiers(use, findings)
        match use.layout.kind:
            case LayoutKind.ENUM:
                _check_enum(use, findings)
                if id(use.layout) in errors:
                    _check_error(use, findings)
            case LayoutKind.TABLE | LayoutKind.UNION | LayoutKind.OVERLAY:
                _check_ordinals(use, findings)
            case LayoutKind.STRUCT:
                _check_struct(library, use, findings)
            case LayoutKind.BITS:
                pass
        _check_parallel(library, use, findings)


def _error_layouts(library: Library) -> list[Layout]:
    found = [
        library.layout_of(use.unit, use.method.error) for use in library.methods if use.method.error
    ]
    return [layout for layout in found if layout is not None]


def _check_modifiers(use: LayoutUse, findings: Findings) -> None:
    names = [modifier.name for modifier in use.layout.modifiers]
    kind = use.layout.kind
    may_be_strict = kind in (LayoutKind.ENUM, LayoutKind.BITS, LayoutKind.UNION)
    if may_be_strict and not _STRICTNESS & set(names):
        message = f"{kind.value} '{use.name}' is neither strict nor flexible"
        findings.add("implicit-flexibility", use.span, message)
    if "resource" in names and _STRICTNESS & set(names[names.index("resource") :]):
        modifier = use.layout.modifiers[names.index("resource")]
        findings.add("modifier-order", modifier.span, "resource before strict or flexible")


def _check_enum(use: LayoutUse, findings: Findings) -> None:
    members = value_members(use.layout)
    values = [number_of(member.value) for member in members]
    for member, value in zip(members, values, strict=True):
        if value == 0 and not _NAMES_OF_ZERO.match(member.name.name):
            findings.add("zero-enum-member", member.name.span, f"'{member.name.name}' is 0")
    flags = [value for value in values if value]
    if len(flags) >= _MANY_FLAGS and flags == [1 << n for n in range(len(flags))]:
        findings.add("enum-as-flags", use.span, f"all values of '{use.name}' are powers of two")


def _check_error(use: LayoutUse, findings: Findings) -> None:
    for member in value_members(use.layout):
        if member.name.name in _NAMES_OF_SUCCESS:
            message = f"'{member.name.name}' in an error type"
            findings.add("ok-in-error-enum", member.name.span, message)
    if is_strict(use.layout):
        findings.add("strict-error-enum", use.span, f"error type '{use.name}' is strict")


def _check_ordinals(use: LayoutUse, findings: Findings) -> None:
    """Ordinals ascend and have no gaps; versions of a member share theirs."""
    expected, highest = 1, 0
    for member in ordinal_members(use.layout):
        ordinal = number_of(member.ordinal) or 0
        if ordinal < highest:
            message = f"ordinal {ordinal} behind {highest}"
            findings.add("ordinal-order", member.ordinal.span, message)
        elif ordinal > expected:
            missing = f"{expected}" if ordinal == expected + 1 else f"{expected} to {ordinal - 1}"
            message = f"ordinal {ordinal} in '{use.name}', but no {missing}"
            findings.add("ordinal-gap", member.ordinal.span, message)
        highest = max(highest, ordinal)
        expected = highest + 1


def _check_struct(library: Library, use: LayoutUse, findings: Findings) -> None:
    members = [member for member in use.layout.members if isinstance(member, StructMember)]
    resolved = [library.resolve(use.unit, member.type) for member in members]
    optional = sum(found.is_optional or found.name == "box" for found in resolved)
    if optional >= _MANY_OPTIONALS and 2 * optional > len(members):
        message = f"{optional} of {len(members)} members of '{use.name}' are optional"
        findings.add("struct-of-optionals", use.span, message)
    elif use.role is Role.NAMED and _SETTINGS.match(use.name):
        findings.add("settings-struct", use.span, f"'{use.name}' is a struct")


def _check_parallel(library: Library, use: LayoutUse, findings: Findings) -> None:
    """`FooFields` goes with table `Foo`, `FooVariant` with union `Foo`."""
    if use.role is not Role.NAMED:
        return
    if use.layout.kind is LayoutKind.BITS and use.name.endswith("Fields"):
        table = _named(library, use.name.removesuffix("Fields"), LayoutKind.TABLE)
        if table is not None:
            _compare(use, table, "fields-bits-mismatch", findings)
    elif use.layout.kind is LayoutKind.ENUM and use.name.endswith("Variant"):
        union = _named(library, use.name.removesuffix("Variant"), LayoutKind.UNION)
        if union is not None:
            _compare(use, union, "variant-enum-mismatch", findings)


def _named(library: Library, name: str, kind: LayoutKind) -> Layout | None:
    declaration = library.declarations.get(name)
    if not isinstance(declaration, TypeDecl):
        return None
    layout = declaration.type.layout
    return layout if isinstance(layout, Layout) and layout.kind is kind else None


def _compare(use: LayoutUse, other: Layout, check: str, findings: Findings) -> None:
    if is_strict(use.layout) != is_strict(other):
        message = f"'{use.name}' and the {other.kind.value} differ in strictness"
        findings.add(check, use.span, message)
    ordinals = {
        member.name.name.upper(): number_of(member.ordinal) or 0
        for member in ordinal_members(other)
    }
    for member in value_members(use.layout):
        ordinal = ordinals.get(member.name.name)
        value = number_of(member.value)
        if ordinal is None:
            message = f"no member of the {other.kind.value} is called as '{member.name.name}'"
            findings.add(check, member.name.span, message)
        elif value is not None and ordinal <= _MAX_BITS:
            expected = 1 << (ordinal - 1) if use.layout.kind is LayoutKind.BITS else ordinal
            if value != expected:
                message = f"'{member.name.name}' is {value}, not {expected}"
                findings.add(check, member.name.span, message)
