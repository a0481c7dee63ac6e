"""The official attributes: where each may stand, and the arguments it takes."""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

from ipcrt.fidl.elements import Kind


class ArgType(enum.Enum):
    """What an argument's value must be."""

    STRING = "string"
    VERSION = "version"


class Placement(enum.Enum):
    """Where an attribute may stand, other than on kinds that are listed."""

    ANYWHERE = 0
    LISTED = 1
    ANONYMOUS = 2
    NAMED = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Schema:
    """One official attribute.

    `args` maps names to what they take; one called "value" is given without its name and must be
    given. `early` ones are compiled before names are resolved, so they take literals only.
    """

    args: dict[str, ArgType] = dataclasses.field(default_factory=dict[str, ArgType])
    placement: Placement = Placement.ANYWHERE
    kinds: frozenset[Kind] = frozenset()
    early: bool = False
    deprecated: bool = False

    @property
    def takes_value(self) -> bool:
        """True where the one argument must be there, without a name."""
        return "value" in self.args


_S: Final = ArgType.STRING
_V: Final = ArgType.VERSION
_VALUE: Final = {"value": _S}


def _on(*kinds: Kind, **args: ArgType) -> Schema:
    return Schema(args, Placement.LISTED, frozenset(kinds))


OFFICIAL: Final = {
    "available": Schema(
        {
            "platform": _S,
            "added": _V,
            "deprecated": _V,
            "removed": _V,
            "replaced": _V,
            "renamed": _S,
            "note": _S,
        },
        Placement.NAMED,
        early=True,
    ),
    "discoverable": _on(Kind.PROTOCOL, name=_S, client=_S, server=_S),
    "doc": Schema(_VALUE),
    "example_deprecated_attribute": Schema(deprecated=True),
    "generated_name": Schema(_VALUE, Placement.ANONYMOUS, early=True),
    "no_resource": _on(Kind.PROTOCOL),
    "selector": _on(Kind.METHOD, value=_S),
    "sensitive": _on(
        Kind.STRUCT,
        Kind.TABLE,
        Kind.UNION,
        Kind.OVERLAY,
        Kind.NEW_TYPE,
        Kind.STRUCT_MEMBER,
        Kind.TABLE_MEMBER,
        Kind.UNION_MEMBER,
        Kind.OVERLAY_MEMBER,
    ),
    "serializable": _on(Kind.STRUCT, Kind.TABLE, Kind.UNION, read=_S, write=_S),
    "transitional": Schema(deprecated=True),
    "transport": _on(Kind.PROTOCOL, value=_S),
    "unknown": _on(Kind.ENUM_MEMBER),
}

TRANSPORTS: Final = ("Banjo", "Channel", "Driver", "Syscall")
LOCATIONS: Final = frozenset(("platform", "external"))


def _one_edit_apart(left: str, right: str) -> bool:
    """True where one insertion, deletion or substitution makes one name the other."""
    if abs(len(left) - len(right)) > 1 or left == right:
        return False
    if len(left) > len(right):
        left, right = right, left
    at = 0
    while at < len(left) and left[at] == right[at]:
        at += 1
    if len(left) == len(right):
        return left[at + 1 :] == right[at + 1 :]
    return left[at:] == right[at + 1 :]


def typo_of(name: str) -> list[str]:
    """Answer the official names that `name` is one edit away from; no two official ones are."""
    return [official for official in OFFICIAL if _one_edit_apart(name, official)]
