from __future__ import annotations

import pytest

from tests.support.fidl_abi import changes
from tests.support.fidl_ir import BOOL, INT, Node, method, protocol, ref, struct, table, union

READS = protocol("P", method("M", "oneway", ref("T")))
ALL = "wire old server, new server; source client, server"
SOURCE = "source client, server"
CASES: dict[str, tuple[Node, Node, list[str]]] = {
    "a struct gains": (
        struct("T", a=INT),
        struct("T", a=INT, b=INT),
        [f"breaking struct-member-added T.b; {ALL}"],
    ),
    "a struct loses": (
        struct("T", a=INT, b=INT),
        struct("T", b=INT),
        [f"breaking struct-member-removed T.a; {ALL}"],
    ),
    "a struct is reordered": (
        struct("T", a=INT, b=INT),
        struct("T", b=INT, a=INT),
        [f"breaking struct-member-reordered T; {ALL}"],
    ),
    "a member is renamed": (
        struct("T", a=INT, b=INT),
        struct("T", a=INT, c=INT),
        [f"breaking member-renamed T.b; {SOURCE}"],
    ),
    "a member is renamed and changed": (
        struct("T", a=INT, b=INT),
        struct("T", a=INT, c=BOOL),
        [
            f"breaking member-renamed T.b; {SOURCE}",
            f"breaking type-changed T.c; {ALL}",
        ],
    ),
    "a default": (
        struct("T", a=INT),
        struct("T")
        | {"members": [{"name": "a", "type": INT, "maybe_default_value": {"value": "5"}}]},
        [f"caution default-changed T.a; {SOURCE}"],
    ),
    "a member is deprecated": (
        struct("T", a=INT),
        struct("T") | {"members": [{"name": "a", "type": INT, "deprecated": True}]},
        ["compatible deprecated T.a"],
    ),
    "a resource": (
        struct("T", a=INT),
        struct("T", a=INT) | {"resource": True},
        [f"breaking resource-changed T; {SOURCE}"],
    ),
    "a table gains": (
        table("T", a=(1, INT)),
        table("T", a=(1, INT), b=(2, INT)),
        ["compatible field-added T.b"],
    ),
    "a table loses": (
        table("T", a=(1, INT), b=(2, INT)),
        table("T", b=(2, INT)),
        [f"breaking field-removed T.a; {SOURCE}"],
    ),
    "a table is written in another order": (
        table("T", a=(1, INT), b=(2, INT)),
        table("T", b=(2, INT), a=(1, INT)),
        [],
    ),
    "ordinals change": (
        table("T", a=(1, INT), b=(2, INT)),
        table("T", a=(2, INT), b=(1, INT)),
        [
            "breaking ordinal-changed T.a; wire old server, new server",
            "breaking ordinal-changed T.b; wire old server, new server",
        ],
    ),
    "an ordinal is used again": (
        table("T", a=(1, INT)),
        table("T", b=(1, BOOL)),
        [
            f"breaking member-renamed T.a; {SOURCE}",
            f"breaking type-changed T.b; {ALL}",
        ],
    ),
    "a flexible union gains": (
        union("T", strict=False, a=(1, INT)),
        union("T", strict=False, a=(1, INT), b=(2, INT)),
        ["compatible variant-added T.b"],
    ),
    "a strict union gains": (
        union("T", strict=True, a=(1, INT)),
        union("T", strict=True, a=(1, INT), b=(2, INT)),
        ["breaking variant-added T.b; wire old server"],
    ),
    "a flexible union loses": (
        union("T", strict=False, a=(1, INT), b=(2, INT)),
        union("T", strict=False, a=(1, INT)),
        [f"breaking variant-removed T.b; {SOURCE}"],
    ),
    "a strict union loses": (
        union("T", strict=True, a=(1, INT), b=(2, INT)),
        union("T", strict=True, a=(1, INT)),
        [f"breaking variant-removed T.b; wire new server; {SOURCE}"],
    ),
    "a union that becomes flexible gains": (
        union("T", strict=True, a=(1, INT)),
        union("T", strict=False, a=(1, INT), b=(2, INT)),
        [
            "breaking variant-added T.b; wire old server",
            "caution became-flexible T; source server",
        ],
    ),
    "a union becomes flexible": (
        union("T", strict=True, a=(1, INT)),
        union("T", strict=False, a=(1, INT)),
        ["caution became-flexible T; source server"],
    ),
    "a union becomes strict": (
        union("T", strict=False, a=(1, INT)),
        union("T", strict=True, a=(1, INT)),
        ["caution became-strict T; source server"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_layouts(case: str) -> None:
    before, after, expected = CASES[case]
    assert changes([READS, before], [READS, after]) == expected
