"""Checks of protocols and their methods."""

from __future__ import annotations

import re
from typing import Final

from ipcrt.fidl.ast import Compose, Layout, Method, ProtocolDecl, StructMember, TypeConstructor
from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.lint_model import (
    Library,
    MethodUse,
    has_attribute,
    ordinal_members,
    text_of,
)

_EVENT_NAME: Final = re.compile(r"On[A-Z0-9]")
_SET_VERB: Final = re.compile(r"(?:Set|Override)(?:[A-Z0-9]|$)")
_PAGE_METHOD: Final = re.compile(r"(?:Get|Read)?Next(?:[A-Z]|$)|Get(?:[A-Z]|$)|Next$|Read[A-Z]?")
_DONE: Final = ("Done", "Finished", "Complete", "Completed", "End")
_INTEGERS: Final = frozenset(("int32", "uint32"))
_OPENNESS: Final = frozenset(("open", "ajar", "closed"))
_MANY_ONE_WAY: Final = 3


def check_protocols(library: Library, findings: Findings) -> None:
    """Look at each protocol, then at each method."""
    methods: dict[int, list[MethodUse]] = {}
    for use in library.methods:
        methods.setdefault(id(use.protocol), []).append(use)
    for declaration in library.declarations.values():
        if isinstance(declaration, ProtocolDecl):
            uses = methods.get(id(declaration), [])
            _check_protocol(declaration, uses, findings)
            _check_errors(library, uses, findings)
            _check_hub(library, declaration, uses, findings)
            _check_event_pages(library, uses, findings)
            _check_iterator(library, declaration, uses, findings)
    for use in library.methods:
        _check_method(use, findings)
        _check_pipelining(library, use, findings)
        _check_error(library, use, findings)


def _check_protocol(protocol: ProtocolDecl, uses: list[MethodUse], findings: Findings) -> None:
    name = protocol.name
    if not any(modifier.name in _OPENNESS for modifier in protocol.modifiers):
        message = f"protocol '{name.name}' is neither open nor ajar nor closed"
        findings.add("implicit-openness", name.span, message)
    if not protocol.members and not has_attribute(protocol.attributes, "doc"):
        message = f"protocol '{name.name}' has no methods and no doc comment"
        findings.add("empty-protocol", name.span, message)
    one_way = sum(use.method.response is None for use in uses)
    composes = any(isinstance(member, Compose) for member in protocol.members)
    if one_way >= _MANY_ONE_WAY and not composes and not any(use.is_two_way for use in uses):
        message = f"protocol '{name.name}' has {one_way} one-way methods and nothing to wait for"
        findings.add("no-synchronization", name.span, message)


def _check_method(use: MethodUse, findings: Findings) -> None:
    method, name = use.method, use.method.name
    what = "event" if use.is_event else "method"
    if not any(modifier.name in ("strict", "flexible") for modifier in method.modifiers):
        message = f"{what} '{name.name}' is neither strict nor flexible"
        findings.add("implicit-strictness", name.span, message)
    if use.is_event and not _EVENT_NAME.match(name.name):
        findings.add("event-name", name.span, f"event '{name.name}' does not begin with On")
    if not use.is_event and _SET_VERB.match(name.name):
        findings.add("set-verb", name.span, f"'{name.name}' does not say what it leaves as it was")


def _members(
    library: Library, use: MethodUse, method_type: TypeConstructor | None
) -> list[tuple[StructMember, str]]:
    """Answer the members of a payload struct, and the name of the type of each."""
    layout = library.layout_of(use.unit, method_type) if method_type is not None else None
    members = layout.members if layout is not None else []
    return [
        (member, library.resolve(use.unit, member.type).name)
        for member in members
        if isinstance(member, StructMember)
    ]


def _response(method: Method) -> TypeConstructor | None:
    return method.response.type if method.response is not None else None


def _request(method: Method) -> TypeConstructor | None:
    return method.request.type if method.request is not None else None


def _check_pipelining(library: Library, use: MethodUse, findings: Findings) -> None:
    """A hanging get (`Watch...`) may answer a client end; others should be sent a server end."""
    if not use.is_two_way or use.method.name.name.startswith("Watch"):
        return
    for member, type_name in _members(library, use, _response(use.method)):
        if type_name == "client_end":
            message = f"'{use.method.name.name}' answers the client end '{member.name.name}'"
            findings.add("client-end-in-response", member.name.span, message)


def _check_error(library: Library, use: MethodUse, findings: Findings) -> None:
    error, name = use.method.error, use.method.name.name
    if error is None:
        return
    if isinstance(error.layout, Layout):
        message = f"the error type of '{name}' has no name"
        findings.add("anonymous-error-enum", error.layout.span, message)
    elif library.resolve(use.unit, error).name in _INTEGERS:
        findings.add("integer-error", error.span, f"the errors of '{name}' are bare integers")


def _check_errors(library: Library, uses: list[MethodUse], findings: Findings) -> None:
    first: tuple[str, str] | None = None
    for use in uses:
        error = use.method.error
        if error is None or isinstance(error.layout, Layout):
            continue
        name = library.resolve(use.unit, error).name
        if first is None:
            first = name, use.method.name.name
        elif name != first[0]:
            message = (
                f"'{use.method.name.name}' fails with '{name}', '{first[1]}' with '{first[0]}'"
            )
            findings.add("mixed-errors", error.span, message)


def _check_hub(
    library: Library, protocol: ProtocolDecl, uses: list[MethodUse], findings: Findings
) -> None:
    if len(uses) < 2 or not has_attribute(protocol.attributes, "discoverable"):
        return
    for use in uses:
        members = _members(library, use, _request(use.method))
        hands_out = len(members) == 1 and members[0][1] == "server_end"
        if not hands_out or use.method.response is not None:
            return
    message = f"'{protocol.name.name}' does nothing but hand out other protocols"
    findings.add("service-hub", protocol.name.span, message)


def _check_event_pages(library: Library, uses: list[MethodUse], findings: Findings) -> None:
    """`-> OnFoos(vector)` beside `-> OnFoosDone()` is a list sent without being asked for more."""
    events = {use.method.name.name for use in uses if use.is_event}
    for use in uses:
        if not use.is_event or not any(use.method.name.name + done in events for done in _DONE):
            continue
        members = _members(library, use, _response(use.method))
        if any(type_name == "vector" for _, type_name in members):
            message = f"'{use.method.name.name}' sends a list in pieces"
            findings.add("event-pagination", use.method.name.span, message)


def _check_iterator(
    library: Library, protocol: ProtocolDecl, uses: list[MethodUse], findings: Findings
) -> None:
    if not protocol.name.name.endswith("Iterator"):
        return
    pages = [use for use in uses if use.is_two_way and _PAGE_METHOD.match(use.method.name.name)]
    if not pages and not any(isinstance(member, Compose) for member in protocol.members):
        message = f"iterator '{protocol.name.name}' has no Get or GetNext that answers"
        findings.add("iterator-without-get", protocol.name.span, message)
    for use in pages:
        for type_ in _page_types(library, use):
            resolved = library.resolve(use.unit, type_)
            is_max = any(text_of(bound) in ("MAX", "fidl.MAX") for bound in resolved.bounds)
            if resolved.name == "vector" and (is_max or not resolved.bounds):
                findings.add("unbounded-page", type_.span, "page of an iterator without a bound")


def _page_types(library: Library, use: MethodUse) -> list[TypeConstructor]:
    response = _response(use.method)
    layout = library.layout_of(use.unit, response) if response is not None else None
    if layout is None:
        return []
    ordinals = [member.type for member in ordinal_members(layout)]
    return ordinals + [m.type for m in layout.members if isinstance(m, StructMember)]
