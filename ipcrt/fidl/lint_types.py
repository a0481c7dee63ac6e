"""Checks of types as they are used: bounds and handles."""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.ast import BinaryOr, Constant, Reference, ResourceDecl
from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.lint_model import Library, Resolved, Role, TypeUse, number_of

MESSAGE_BYTES: Final = 65536
"""What fits into a message."""


def check_types(library: Library, findings: Findings) -> None:
    """Look at each type where it is used; an alias may leave its bound to its users."""
    for use in library.types:
        if use.role is Role.CONST:
            continue
        resolved = library.resolve(use.unit, use.type)
        if resolved.name in ("vector", "string"):
            _check_bound(library, use, resolved, findings)
        elif _is_handle(resolved):
            _check_handle(use, resolved, findings)
        if resolved.name in ("vector", "array") and resolved.parameters:
            _check_byte(use, findings)


def _check_bound(library: Library, use: TypeUse, resolved: Resolved, findings: Findings) -> None:
    if not resolved.bounds:
        if use.role is not Role.ALIAS:
            message = f"{resolved.name} without a bound"
            findings.add(f"unbounded-{resolved.name}", use.type.span, message)
        return
    count = number_of(resolved.bounds[0])
    is_bytes = resolved.name == "string" or library.is_byte(use.unit, resolved.element)
    if is_bytes and count is not None and count > MESSAGE_BYTES:
        message = f"{resolved.name} of up to {count} bytes, in a message of {MESSAGE_BYTES}"
        findings.add("bound-beyond-message", use.type.span, message)


def _is_handle(resolved: Resolved) -> bool:
    if isinstance(resolved.declaration, ResourceDecl):
        return True
    return resolved.name in ("zx.Handle", "zx.handle")


def _check_handle(use: TypeUse, resolved: Resolved, findings: Findings) -> None:
    if use.role is Role.ALIAS:
        return
    count = len(resolved.bounds)
    if count == 0:
        findings.add("handle-without-subtype", use.type.span, "handle of any kind of object")
    if count <= 1:
        findings.add("handle-without-rights", use.type.span, "handle without rights")
    for bound in resolved.bounds:
        if "SAME_RIGHTS" in _names(bound):
            findings.add("same-rights", bound.span, "handle with SAME_RIGHTS")


def _names(constant: Constant) -> set[str]:
    """Answer the last parts of all names in it; bars nest as deep as there are many."""
    found: set[str] = set()
    waiting = [constant]
    while waiting:
        part = waiting.pop()
        if isinstance(part, BinaryOr):
            waiting += [part.left, part.right]
        elif isinstance(part, Reference):
            found.add(part.name.parts[-1].name)
    return found


def _check_byte(use: TypeUse, findings: Findings) -> None:
    for parameter in use.type.parameters[:1]:
        if parameter.span.text == "uint8":
            findings.add("uint8-for-bytes", parameter.span, "uint8 where byte is probably meant")
