from __future__ import annotations

import pytest

from ipcrt.fidl.abi_ir import OrdinalMember, Type
from ipcrt.fidl.abi_members import match_members

Members = dict[str, int]


def listed(members: Members) -> list[OrdinalMember]:
    return [
        OrdinalMember(name=name, ordinal=ordinal, type=Type("primitive"))
        for name, ordinal in members.items()
    ]


@pytest.mark.parametrize(
    "before, after, pairs, added, removed",
    [
        ({"a": 1}, {"a": 1}, [("a", "a")], [], []),
        ({"a": 1}, {"a": 2}, [("a", "a")], [], []),
        ({"a": 1}, {"b": 1}, [("a", "b")], [], []),
        ({"a": 1}, {"b": 2}, [], ["b"], ["a"]),
        ({"a": 1, "b": 2}, {"b": 1, "c": 2}, [("b", "b")], ["c"], ["a"]),
    ],
)
def test_names_first_then_identity(
    before: Members,
    after: Members,
    pairs: list[tuple[str, str]],
    added: list[str],
    removed: list[str],
) -> None:
    found = match_members(listed(before), listed(after), lambda member: str(member.ordinal))
    assert [(first.name, second.name) for first, second in found[0]] == pairs
    assert [member.name for member in found[1]] == added
    assert [member.name for member in found[2]] == removed
