"""Comparing protocols: openness, methods, payloads, errors.

What makes a method the same method is its ordinal; where that fails, its name. Composed methods
are methods of the protocol that composes them.
"""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.abi_change import Party, Side, new, old
from ipcrt.fidl.abi_ir import Method, Protocol, Service, Struct, Type
from ipcrt.fidl.abi_members import compare_deprecation
from ipcrt.fidl.abi_types import Comparison, compare_types, everyone

_OPENNESS: Final = ("closed", "ajar", "open")
_CLIENTS: Final = Party.OLD_CLIENT | Party.NEW_CLIENT


def compare_protocols(
    comparison: Comparison, where: str, before: Protocol, after: Protocol
) -> None:
    """Compare two protocols."""
    _compare_openness(comparison, where, before, after)
    if before.discoverable not in (None, after.discoverable):
        message = f"is no longer found as {before.discoverable}"
        source, wire = Side.CLIENT, Party.OLD_CLIENT
        comparison.add("discoverable-changed", where, message, source=source, wire=wire)
    by_ordinal = {method.ordinal: method for method in after.methods}
    left = dict(by_ordinal)
    unmatched: list[Method] = []
    for method in before.methods:
        other = left.pop(method.ordinal, None)
        if other is None:
            unmatched.append(method)
        else:
            _compare_methods(comparison, f"{where}.{other.name}", method, other)
    by_name = {method.name: method for method in left.values()}
    for method in unmatched:
        other = by_name.get(method.name)
        if other is None:
            _note_removed(comparison, where, after, method)
        else:
            del left[other.ordinal]
            message = f"ordinal was {method.ordinal:#x}, is {other.ordinal:#x}"
            place, wire = f"{where}.{method.name}", everyone(_receiver(method))
            comparison.add("method-ordinal-changed", place, message, wire=wire)
    for method in left.values():
        _note_added(comparison, where, before, method)


def compare_services(comparison: Comparison, where: str, before: Service, after: Service) -> None:
    """Compare two services, whose members clients ask for by name."""
    new_members = {member.name: member for member in after.members}
    for member in before.members:
        place = f"{where}.{member.name}"
        other = new_members.pop(member.name, None)
        if other is None:
            wire = Party.OLD_CLIENT
            message = "was removed"
            comparison.add("service-member-removed", place, message, source=Side.BOTH, wire=wire)
        else:
            compare_types(comparison, place, member.type, other.type, Side.BOTH)
            compare_deprecation(comparison, place, member, other)
    for name in new_members:
        comparison.add("service-member-added", f"{where}.{name}", "was added")


def _compare_openness(
    comparison: Comparison, where: str, before: Protocol, after: Protocol
) -> None:
    first, second = _OPENNESS.index(before.openness), _OPENNESS.index(after.openness)
    if first != second:
        id_ = "openness-widened" if second > first else "openness-narrowed"
        comparison.add(id_, where, f"was {before.openness}, is {after.openness}")


def _receiver(method: Method) -> Side:
    return Side.CLIENT if method.kind == "event" else Side.SERVER


def _lets_pass(protocol: Protocol, method: Method) -> bool:
    """True where a peer that knows only `protocol` lives through an unknown `method`."""
    if method.strict:
        return False
    return protocol.openness == "open" or (protocol.openness == "ajar" and method.kind != "twoway")


def _note_added(comparison: Comparison, where: str, before: Protocol, method: Method) -> None:
    receiver = _receiver(method)
    wire = Party.NONE if _lets_pass(before, method) else old(receiver)
    message = f"{_strictness(method)} {method.kind} method was added"
    place = f"{where}.{method.name}"
    comparison.add("method-added", place, message, source=receiver, wire=wire)


def _note_removed(comparison: Comparison, where: str, after: Protocol, method: Method) -> None:
    wire = Party.NONE if _lets_pass(after, method) else new(_receiver(method))
    message = f"{_strictness(method)} {method.kind} method was removed"
    place = f"{where}.{method.name}"
    comparison.add("method-removed", place, message, source=Side.BOTH, wire=wire)


def _strictness(method: Method) -> str:
    return "strict" if method.strict else "flexible"


# ---- methods


def _compare_methods(comparison: Comparison, where: str, before: Method, after: Method) -> None:
    compare_deprecation(comparison, where, before, after)
    if before.name != after.name:
        message = f"was called {before.name}"
        comparison.add("method-renamed", where, message, source=Side.BOTH)
    if before.kind != after.kind:
        message, wire = f"was {before.kind}, is {after.kind}", _CLIENTS | everyone(Side.SERVER)
        comparison.add("method-kind-changed", where, message, source=Side.BOTH, wire=wire)
        return
    _compare_strictness(comparison, where, before, after)
    _compare_errors(comparison, where, before, after)
    request = _payload(comparison, before.maybe_request_payload, after.maybe_request_payload)
    receiver = _receiver(before)
    _compare_payloads(comparison, f"{where} request", request, receiver)
    answer = _payload(comparison, _answer(before), _answer(after))
    _compare_payloads(comparison, f"{where} {_answer_word(before)}", answer, Side.CLIENT)


def _answer_word(method: Method) -> str:
    return "payload" if method.kind == "event" else "response"


def _answer(method: Method) -> Type | None:
    """Answer what a response carries where it worked."""
    has_result = method.kind == "twoway" and (method.has_error or not method.strict)
    success = method.maybe_response_success_type
    return success if has_result or success is not None else method.maybe_response_payload


def _compare_strictness(comparison: Comparison, where: str, before: Method, after: Method) -> None:
    if before.strict == after.strict:
        return
    had_result = before.has_error or after.has_error
    wire = _CLIENTS if before.kind == "twoway" and not had_result else Party.NONE
    if after.strict:
        comparison.add("method-became-strict", where, "is now strict", wire=wire)
    else:
        comparison.add("method-became-flexible", where, "is now flexible", wire=wire)


def _compare_errors(comparison: Comparison, where: str, before: Method, after: Method) -> None:
    first, second = before.maybe_response_err_type, after.maybe_response_err_type
    if before.has_error and after.has_error and first is not None and second is not None:
        compare_types(comparison, f"{where} error", first, second, Side.CLIENT)
    elif after.has_error and not before.has_error:
        wire = _CLIENTS if before.strict else Party.OLD_CLIENT
        message = "can now fail with an error"
        comparison.add("error-added", where, message, source=Side.BOTH, wire=wire)
    elif before.has_error and not after.has_error:
        wire = _CLIENTS if after.strict else Party.NEW_CLIENT
        message = "no longer fails with an error"
        comparison.add("error-removed", where, message, source=Side.BOTH, wire=wire)


def _payload(
    comparison: Comparison, before: Type | None, after: Type | None
) -> tuple[Type | None, Type | None]:
    """Answer payloads, with None for the empty struct that stands for success."""
    first = comparison.old_declarations.get(_local(comparison.before.name, before))
    second = comparison.new_declarations.get(_local(comparison.after.name, after))
    if isinstance(first, Struct) and first.is_empty_success_struct:
        before = None
    if isinstance(second, Struct) and second.is_empty_success_struct:
        after = None
    return before, after


def _local(library: str, type_: Type | None) -> str:
    return type_.identifier.removeprefix(f"{library}/") if type_ is not None else ""


def _compare_payloads(
    comparison: Comparison, where: str, payload: tuple[Type | None, Type | None], reader: Side
) -> None:
    before, after = payload
    if before is not None and after is not None:
        compare_types(comparison, where, before, after, reader)
    elif after is not None:
        wire = everyone(reader)
        comparison.add("payload-added", where, "was empty", source=Side.BOTH, wire=wire)
    elif before is not None:
        wire = everyone(reader)
        comparison.add("payload-removed", where, "is now empty", source=Side.BOTH, wire=wire)
