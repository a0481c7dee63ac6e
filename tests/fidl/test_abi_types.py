"""Changes of types, in a request (servers read) and in an event (clients read)."""

from __future__ import annotations

import pytest

from tests.support.fidl_abi import changes
from tests.support.fidl_ir import (
    BOOL,
    INT,
    Node,
    alias,
    array,
    end,
    enum,
    handle,
    method,
    protocol,
    ref,
    string,
    struct,
    table,
    vector,
)

BOTH = "wire old server, new server; source client, server"
CASES: dict[str, tuple[Node, Node, list[str]]] = {
    "the same": (INT, INT, []),
    "another primitive": (INT, BOOL, [f"breaking type-changed S.a; {BOTH}"]),
    "another kind": (INT, string(3), [f"breaking type-changed S.a; {BOTH}"]),
    "a longer array": (array(INT, 2), array(INT, 3), [f"breaking type-changed S.a; {BOTH}"]),
    "a wider bound": (string(3), string(4), ["breaking bound-widened S.a; wire old server"]),
    "no bound": (string(3), string(), ["breaking bound-widened S.a; wire old server"]),
    "a narrower bound": (string(4), string(3), ["breaking bound-narrowed S.a; wire new server"]),
    "a first bound": (string(), string(3), ["breaking bound-narrowed S.a; wire new server"]),
    "inside a vector": (
        vector(string(3)),
        vector(string(4)),
        ["breaking bound-widened S.a[]; wire old server"],
    ),
    "optional": (
        string(),
        string(nullable=True),
        ["breaking optional-added S.a; wire old server; source server"],
    ),
    "no longer optional": (
        string(nullable=True),
        string(),
        ["breaking optional-removed S.a; wire new server; source client"],
    ),
    "another object": (
        handle("vmo", 4),
        handle("event", 4),
        [f"breaking handle-subtype-changed S.a; {BOTH}"],
    ),
    "any object": (
        handle("vmo", 4),
        handle("handle", 4),
        ["breaking handle-subtype-changed S.a; wire old server; source client, server"],
    ),
    "more rights": (
        handle("vmo", 4),
        handle("vmo", 12),
        ["breaking rights-raised S.a; wire new server"],
    ),
    "fewer rights": (
        handle("vmo", 12),
        handle("vmo", 4),
        ["breaking rights-lowered S.a; wire old server"],
    ),
    "rights unchecked": (
        handle("vmo", 12),
        handle("vmo", 0x80000000),
        ["breaking rights-lowered S.a; wire old server"],
    ),
    "the other end": (
        end("client", "P"),
        end("server", "P"),
        [f"breaking endpoint-changed S.a; {BOTH}"],
    ),
    "another protocol": (
        end("client", "P"),
        end("client", "Q"),
        [f"breaking endpoint-changed S.a; {BOTH}"],
    ),
    "another library's type": (ref("u/A"), ref("u/A"), []),
    "another library's other type": (
        ref("u/A"),
        ref("u/B"),
        [f"breaking type-changed S.a; {BOTH}"],
    ),
    "another type with the same members": (
        ref("E"),
        ref("F"),
        ["breaking declaration-replaced S.a; source client, server"],
    ),
    "another kind of layout": (ref("E"), ref("T"), [f"breaking type-changed S.a; {BOTH}"]),
}


@pytest.mark.parametrize("case", CASES)
def test_types(case: str) -> None:
    before, after, expected = CASES[case]
    others = [
        enum("E", strict=False, A=1),
        enum("F", strict=False, A=1),
        table("T"),
        protocol("P", method("M", "oneway", ref("S"))),
        protocol("Q"),
    ]
    old, new = [*others, struct("S", a=before)], [*others, struct("S", a=after)]
    assert changes(old, new) == expected


def test_who_reads_is_who_breaks() -> None:
    before, after = struct("S", a=string(3)), struct("S", a=string(4))
    event = protocol("P", method("OnE", "event", None, ref("S")))
    assert changes([event, before], [event, after]) == [
        "breaking bound-widened S.a; wire old client"
    ]
    assert changes([before], [after]) == ["breaking bound-widened S.a; wire old client, old server"]


def test_an_alias_is_reported_for_its_users_code() -> None:
    assert changes([alias("A", INT)], [alias("A", BOOL)]) == [
        "breaking alias-changed A; source client, server"
    ]
    assert changes([alias("A", string(3))], [alias("A", string(3))]) == []
