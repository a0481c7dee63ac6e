"""Checks of members by what they are called and what type they have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from ipcrt.fidl.lint_finding import Findings
from ipcrt.fidl.lint_model import Library, MemberUse, Resolved, Role

_SIGNED: Final = frozenset(("int8", "int16", "int32", "int64"))
_NUMBERS: Final = _SIGNED | {"uint8", "uint16", "uint32", "uint64", "float32", "float64"}
_PLAIN: Final = _NUMBERS | {"string", "vector", "array", "bool"}


class _Names(NamedTuple):
    """A check of members whose names match, where the type does too."""

    id: str
    pattern: re.Pattern[str]
    has_type: Callable[[Library, MemberUse, Resolved], bool]
    message: str


def _is(*names: str) -> Callable[[Library, MemberUse, Resolved], bool]:
    return lambda library, member, resolved: resolved.name in names


def _in_response(*names: str) -> Callable[[Library, MemberUse, Resolved], bool]:
    return lambda library, member, resolved: (
        member.owner.role is Role.RESPONSE and resolved.name in names
    )


def _is_value_of_response(library: Library, member: MemberUse, resolved: Resolved) -> bool:
    return member.owner.role is Role.RESPONSE and resolved.name not in ("string", "bool")


def _is_byte_vector(library: Library, member: MemberUse, resolved: Resolved) -> bool:
    return resolved.name == "vector" and (
        not resolved.parameters or library.is_byte(member.owner.unit, resolved.element)
    )


def _words(*words: str) -> re.Pattern[str]:
    """A name that is one of the words or ends with one."""
    return re.compile(rf"(?:^|.*_)(?:{'|'.join(words)})$")


_CHECKS: Final = (
    _Names(
        "boolean-may-grow",
        re.compile(
            r"is_(?!ok|succ|fail)(?:a_|an_)?[a-z0-9]+$|(?:.*_)?(?:mode|kind|state|status|format|level)$"
        ),
        _is("bool"),
        "bool '{}' may one day need a third state",
    ),
    _Names(
        "boolean-result",
        re.compile(r"(?:is_)?(?:ok|okay|succe(?:ss|ed|eded|ssful)|failed|failure|worked)$"),
        _in_response("bool"),
        "'{}' says whether the method worked",
    ),
    _Names(
        "status-in-response",
        re.compile(r"(?:status|error|err|error_code|result_code)$"),
        _is_value_of_response,
        "'{}' in a response stands for an error",
    ),
    _Names(
        "status-in-response",
        re.compile(r"(?!(?:status|error|err|error_code|result_code)$)"),
        _in_response("zx.Status", "zx.status"),
        "'{}' in a response stands for an error",
    ),
    _Names(
        "error-message",
        re.compile(
            r"(?:err|error|failure|exception)_(?:message|msg|string|text|description|reason|detail)s?$"
            r"|(?:stack_?trace|backtrace|traceback)$"
        ),
        _is("string"),
        "'{}' describes an error in words",
    ),
    _Names(
        "string-for-bytes",
        _words("bytes?", "binary", "blob", "uuid", "guid", "mac", "mac_address", "digest", "hash"),
        _is("string"),
        "string '{}' sounds like data",
    ),
    _Names(
        "bytes-for-text",
        _words("name", "text", "title", "url", "uri", "label", "description", "locale"),
        _is_byte_vector,
        "bytes '{}' sound like text",
    ),
    _Names(
        "vector-for-fixed-size",
        _words("uuid", "guid", "mac", "mac_address", "sha1", "sha256", "md5", "ipv4", "ipv6"),
        _is_byte_vector,
        "vector '{}' always has one length",
    ),
    _Names(
        "signed-count",
        re.compile(
            r"(?:.*_)?(?:count|length|size|capacity|width|height|index|size_bytes)$|num_[a-z0-9_]+$"
        ),
        _is(*_SIGNED),
        "'{}' is signed, but negative values have no meaning",
    ),
    _Names(
        "unit-missing",
        _words(
            *("timeout", "delay", "duration", "interval", "period", "latency", "deadline", "age"),
            *("frequency", "temperature", "voltage", "bandwidth", "bitrate", "bit_rate"),
        ),
        _is(*_NUMBERS),
        "'{}' does not say its unit",
    ),
    _Names(
        "sensitive-data",
        re.compile(
            r"(?:.*_)?(?:serial|serial_number|mac|mac_address|ip_address|e_?mail|email_address"
            r"|phone|phone_number|account_id|device_name|imei|credit_card(?:_number)?|password)$"
        ),
        _is(*(_PLAIN - {"bool"})),
        "'{}' may tell who or which machine it is about",
    ),
)
_MAGIC: Final = re.compile(
    r"(?:set|pass|give|use|send)\s+(?:to\s+)?[`'\"]*"
    r"(?:-\d+|\"\"|\{[^}]*\}|zero|0|an empty string)[`'\"]*"
    r"\s+to\s+(?:remove|clear|unset|delete|reset|disable)",
    re.IGNORECASE,
)


def check_members(library: Library, findings: Findings) -> None:
    """Look at each member that has a type."""
    for member in library.members:
        resolved = library.resolve(member.owner.unit, member.member.type)
        for check in _CHECKS:
            if check.pattern.match(member.name) and check.has_type(library, member, resolved):
                _report(check, member, findings)
        for attribute in member.member.attributes:
            if attribute.doc is not None and _MAGIC.search(attribute.doc):
                message = f"'{member.name}' says absence by a special value"
                findings.add("magic-absence", member.member.name.span, message)


def _report(check: _Names, member: MemberUse, findings: Findings) -> None:
    method = member.owner.method
    if check.id == "status-in-response" and method is not None and method.method.error is not None:
        return
    findings.add(check.id, member.member.name.span, check.message.format(member.name))
