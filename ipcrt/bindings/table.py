"""FIDL's tables: every member may be absent; on the wire a map from ordinal to value.

    class Settings(Table, ordinals=(1, 2, 4)):
        volume: Uint8 | None = None
        name: Annotated[str, Meta(max_length=32)] | None = None
        muted: bool | None = None

There is an ordinal for each member, in their order. What the sender's contract has and ours has
not is kept, and goes out again with the table: see `unknown_members` and `without_unknown`. Only
where the table is a `resource` may that hold handles; they are closed.
Source: docs/wire-format.md, "Bodies"; FIDL, RFC-0047.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import NoneType
from typing import (
    Any,
    ClassVar,
    Final,
    NamedTuple,
    Self,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_type_hints,
)

import msgspec

from ipcrt.bindings.bounds import Check, check_for
from ipcrt.bindings.plain import is_map
from ipcrt.bindings.unknown import describe, keep

Hook = Callable[[type, Any], Any]
TableT = TypeVar("TableT", bound="Table")

_Unknown = tuple[tuple[int, bytes | None], ...]
_UNKNOWN: Final = "unknown members"
"""Where a table keeps them, beside its members: no member has such a name."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Table:
    """Base of all tables: immutable, made with keywords, equal where all members are."""

    __ordinals: ClassVar[dict[str, int]]
    __is_resource: ClassVar[bool] = False

    def __init_subclass__(cls, *, ordinals: tuple[int, ...] = (), resource: bool = False) -> None:
        """Raises: ValueError: not one ordinal for each member."""
        super().__init_subclass__()
        cls.__ordinals = dict(zip(inspect.get_annotations(cls), ordinals, strict=True))
        cls.__is_resource = resource

    @classmethod
    def __fidl_ordinals__(cls) -> dict[str, int]:
        """Answer each member's ordinal."""
        return cls.__ordinals

    @classmethod
    def __fidl_keep__(cls, value: object) -> bytes | None:
        """Answer what is kept of a member that nobody here knows. Raises: ValidationError."""
        return keep(value, f"table {cls.__name__}", resource=cls.__is_resource)

    def __init__(self, **members: Any) -> None:
        unknown = members.keys() - self.__ordinals.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no member {', '.join(sorted(unknown))}")
        present = {name: value for name, value in members.items() if value is not None}
        self.__dict__.update(present)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; cannot set {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; cannot delete {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.__dict__.items())))

    def __repr__(self) -> str:
        members = [f"{name}={value!r}" for name, value in _present(self)]
        members += [f"<{ordinal}: {describe(data)}>" for ordinal, data in _unknown_of(self)]
        return f"{type(self).__name__}({', '.join(members)})"

    def __replace__(self, **changes: Any) -> Self:
        """Answer a copy with `changes`; None makes a member absent. Source: copy.replace."""
        return _with_unknown(type(self)(**{**dict(_present(self)), **changes}), _unknown_of(self))


def unknown_members(table: Table) -> dict[int, bytes | None]:
    """Answer what the sender's contract has and ours has not: by ordinal, in MessagePack.

    None stands for a value that held handles: they are closed, and it does not go out again.
    """
    return dict(_unknown_of(table))


def without_unknown(table: TableT) -> TableT:
    """Answer a copy that has the members of our contract only; those inside of them stay."""
    return type(table)(**dict(_present(table)))


def updated(table: TableT, changes: TableT) -> TableT:
    """Answer a copy of `table` with what is present in `changes`, unknown members as well.

    Members are replaced whole; a handle that is replaced stays its owner's to close.
    Source: FIDL API Rubric, "Controlling settings-like data", the partial update.
    """
    known = type(table)(**{**dict(_present(table)), **dict(_present(changes))})
    unknown = {**dict(_unknown_of(table)), **dict(_unknown_of(changes))}
    return _with_unknown(known, tuple(sorted(unknown.items())))


class Member(NamedTuple):
    """One member of a table: its name, its type when present, what else to check."""

    name: str
    type: Any
    check: Check | None


def members_of(table: type[Table]) -> dict[int, Member]:
    """Answer a table's members by ordinal; found out once, when its annotations can be read."""
    known: dict[int, Member] | None = table.__dict__.get("_members")
    if known is not None:
        return known
    hints = get_type_hints(table, include_extras=True)
    members: dict[int, Member] = {}
    for name, ordinal in table.__fidl_ordinals__().items():
        present = tuple(each for each in get_args(hints[name]) if each is not NoneType)
        type_: Any = Union[present]  # noqa: UP007  (no operator makes one of a tuple)
        members[ordinal] = Member(name, type_, check_for(type_))
    type.__setattr__(table, "_members", members)
    return members


def to_map(table: Table) -> dict[int, Any]:
    """Answer what goes on the wire."""
    ordinals = type(table).__fidl_ordinals__()
    known = {ordinals[name]: value for name, value in _present(table)}
    unknown = _unknown_of(table)
    if not unknown:
        return known
    raw = {ordinal: msgspec.Raw(data) for ordinal, data in unknown if data is not None}
    return dict(sorted({**known, **raw}.items()))


def from_map(table: type[Table], value: Any, hook: Hook) -> Table:
    """Answer the table that a map stands for; `hook` makes its handles and tables.

    Raises: ValidationError: no map, or a member is not of its type or out of bounds, or holds
    handles that no version of the contract can mean.
    """
    if not is_map(value):
        raise msgspec.ValidationError(f"{type(value).__name__} where a table belongs")
    known = members_of(table)
    made: dict[str, Any] = {}
    unknown: list[tuple[int, bytes | None]] = []
    for ordinal, item in value.items():
        if type(ordinal) is not int or ordinal < 1:
            raise msgspec.ValidationError(f"{ordinal!r} is no table ordinal")
        member = known.get(ordinal)
        if member is None:
            unknown.append((ordinal, table.__fidl_keep__(item)))
            continue
        made[member.name] = converted = convert(item, member.type, hook)
        if member.check is not None:
            member.check(converted)
    return _with_unknown(table(**made), tuple(sorted(unknown)))


def convert(value: Any, type_: Any, hook: Hook) -> Any:
    """Answer a plain value as one of `type_`; text is no bytes, as it is on the wire.

    Raises: ValidationError.
    """
    return msgspec.convert(value, type_, builtin_types=(bytes,), dec_hook=hook)


def _unknown_of(table: Table) -> _Unknown:
    unknown: _Unknown = table.__dict__.get(_UNKNOWN, ())
    return unknown


def _with_unknown(table: TableT, unknown: _Unknown) -> TableT:
    """Give a table that nobody else has yet its unknown members."""
    if unknown:
        table.__dict__[_UNKNOWN] = unknown
    return table


def _present(table: Table) -> Iterator[tuple[str, Any]]:
    members = table.__dict__
    return ((name, members[name]) for name in type(table).__fidl_ordinals__() if name in members)
