from __future__ import annotations

import pytest

from tests.support.fidl_abi import changes
from tests.support.fidl_ir import Node, bits, enum, method, protocol, ref

READS = protocol("P", method("OnE", "event", None, ref("T")))
SOURCE = "source client, server"
CASES: dict[str, tuple[Node, Node, list[str]]] = {
    "a flexible enum gains": (
        enum("T", strict=False, A=1),
        enum("T", strict=False, A=1, B=2),
        ["compatible value-added T.B"],
    ),
    "a strict enum gains": (
        enum("T", strict=True, A=1),
        enum("T", strict=True, A=1, B=2),
        ["breaking value-added T.B; wire old client"],
    ),
    "an enum that becomes flexible gains": (
        enum("T", strict=True, A=1),
        enum("T", strict=False, A=1, B=2),
        [
            "breaking value-added T.B; wire old client",
            "caution became-flexible T; source client",
        ],
    ),
    "a strict enum loses": (
        enum("T", strict=True, A=1, B=2),
        enum("T", strict=True, A=1),
        [f"breaking value-removed T.B; wire new client; {SOURCE}"],
    ),
    "a member is renamed": (
        enum("T", strict=True, A=1),
        enum("T", strict=True, B=1),
        [f"breaking member-renamed T.A; {SOURCE}"],
    ),
    "a value changes": (
        enum("T", strict=False, A=1),
        enum("T", strict=False, A=2),
        ["breaking value-changed T.A; wire old client, new client"],
    ),
    "the subtype": (
        enum("T", strict=False, A=1),
        enum("T", strict=False, type_="int8", A=1),
        [f"breaking subtype-changed T; wire old client, new client; {SOURCE}"],
    ),
    "the unknown value": (
        enum("T", strict=False, A=1) | {"maybe_unknown_value": 1},
        enum("T", strict=False, A=1) | {"maybe_unknown_value": 2},
        [f"caution unknown-value-changed T; {SOURCE}"],
    ),
    "strict bits gain": (
        bits("T", strict=True, A=1),
        bits("T", strict=True, A=1, B=2),
        ["breaking value-added T.B; wire old client"],
    ),
    "flexible bits gain": (
        bits("T", strict=False, A=1),
        bits("T", strict=False, A=1, B=2),
        ["compatible value-added T.B"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_values(case: str) -> None:
    before, after, expected = CASES[case]
    assert changes([READS, before], [READS, after]) == expected
