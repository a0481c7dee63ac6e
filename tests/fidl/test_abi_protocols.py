from __future__ import annotations

import pytest

from tests.support.fidl_abi import changes
from tests.support.fidl_ir import (
    INT,
    Node,
    anonymous,
    end,
    enum,
    method,
    protocol,
    ref,
    service,
    struct,
)

TYPES = [enum("E", strict=False, A=1), struct("S", a=INT)]
SOURCE = "source client, server"
CLIENTS = "wire old client, new client"
SERVERS = "wire old server, new server"
EVERYBODY = "wire old client, new client, old server, new server"
NAME: Node = {"name": "name", "type": "string", "value": {"value": "t.Other"}}
Methods = list[Node]
METHODS: dict[str, tuple[Methods, Methods, list[str]]] = {
    "a flexible call is added": (
        [],
        [method("M", "twoway")],
        ["caution method-added P.M; source server"],
    ),
    "a strict call is added": (
        [],
        [method("M", "twoway", strict=True)],
        ["breaking method-added P.M; wire old server; source server"],
    ),
    "a flexible event is added": (
        [],
        [method("OnE", "event")],
        ["caution method-added P.OnE; source client"],
    ),
    "a strict event is added": (
        [],
        [method("OnE", "event", strict=True)],
        ["breaking method-added P.OnE; wire old client; source client"],
    ),
    "a flexible call is removed": (
        [method("M", "oneway")],
        [],
        [f"breaking method-removed P.M; {SOURCE}"],
    ),
    "a strict event is removed": (
        [method("OnE", "event", strict=True)],
        [],
        [f"breaking method-removed P.OnE; wire new client; {SOURCE}"],
    ),
    "a method is renamed": (
        [method("M", "oneway", ordinal=7)],
        [method("N", "oneway", ordinal=7)],
        [f"breaking method-renamed P.N; {SOURCE}"],
    ),
    "an ordinal changes": (
        [method("M", "oneway", ordinal=7)],
        [method("M", "oneway", ordinal=8)],
        [f"breaking method-ordinal-changed P.M; {SERVERS}"],
    ),
    "a call becomes two-way": (
        [method("M", "oneway")],
        [method("M", "twoway")],
        [
            f"breaking method-kind-changed P.M; {EVERYBODY}; {SOURCE}",
        ],
    ),
    "a one-way method becomes flexible": (
        [method("M", "oneway", strict=True)],
        [method("M", "oneway")],
        ["compatible method-became-flexible P.M"],
    ),
    "a one-way method becomes strict": (
        [method("M", "oneway")],
        [method("M", "oneway", strict=True)],
        ["caution method-became-strict P.M"],
    ),
    "a call becomes flexible": (
        [method("M", "twoway", strict=True)],
        [method("M", "twoway")],
        [f"breaking method-became-flexible P.M; {CLIENTS}"],
    ),
    "a call that can fail becomes flexible": (
        [method("M", "twoway", strict=True, error=ref("E"))],
        [method("M", "twoway", error=ref("E"))],
        ["compatible method-became-flexible P.M"],
    ),
    "a request": (
        [method("M", "oneway")],
        [method("M", "oneway", ref("S"))],
        [f"breaking payload-added P.M request; {SERVERS}; {SOURCE}"],
    ),
    "a response": (
        [method("M", "twoway", None, ref("S"))],
        [method("M", "twoway")],
        [f"breaking payload-removed P.M response; {CLIENTS}; {SOURCE}"],
    ),
    "an error for a flexible call": (
        [method("M", "twoway")],
        [method("M", "twoway", error=ref("E"))],
        [f"breaking error-added P.M; wire old client; {SOURCE}"],
    ),
    "an error for a strict call": (
        [method("M", "twoway", strict=True)],
        [method("M", "twoway", strict=True, error=ref("E"))],
        [f"breaking error-added P.M; {CLIENTS}; {SOURCE}"],
    ),
    "an error for a call that becomes flexible": (
        [method("M", "twoway", strict=True)],
        [method("M", "twoway", error=ref("E"))],
        [
            f"breaking error-added P.M; {CLIENTS}; {SOURCE}",
            "compatible method-became-flexible P.M",
        ],
    ),
    "no error any more": (
        [method("M", "twoway", error=ref("E"))],
        [method("M", "twoway")],
        [f"breaking error-removed P.M; wire new client; {SOURCE}"],
    ),
    "another error": (
        [method("M", "twoway", error=ref("E"))],
        [method("M", "twoway", error=INT)],
        [f"breaking type-changed P.M error; {CLIENTS}; {SOURCE}"],
    ),
}


@pytest.mark.parametrize("case", METHODS)
def test_methods(case: str) -> None:
    before, after, expected = METHODS[case]
    old, new = [*TYPES, protocol("P", *before)], [*TYPES, protocol("P", *after)]
    assert changes(old, new) == expected


@pytest.mark.parametrize(
    "openness, kind, breaks",
    [
        ("open", "twoway", False),
        ("ajar", "oneway", False),
        ("ajar", "twoway", True),
        ("closed", "oneway", True),
    ],
)
def test_how_open_the_old_one_was_decides(openness: str, kind: str, breaks: bool) -> None:
    before = protocol("P", openness=openness)
    found = changes([before], [protocol("P", method("M", kind))])
    wire = "; wire old server" if breaks else ""
    severity = "breaking" if breaks else "caution"
    assert f"{severity} method-added P.M{wire}; source server" in found


def test_openness() -> None:
    closed, opened = protocol("P", openness="closed"), protocol("P")
    assert changes([closed], [opened]) == ["compatible openness-widened P"]
    assert changes([opened], [closed]) == ["caution openness-narrowed P"]


def test_discoverable() -> None:
    assert changes([protocol("P", discoverable=True)], [protocol("P")]) == [
        "breaking discoverable-changed P; wire old client; source client"
    ]
    assert changes([protocol("P")], [protocol("P", discoverable=True)]) == []
    named = protocol("P") | {"maybe_attributes": [{"name": "discoverable", "arguments": [NAME]}]}
    assert changes([protocol("P", discoverable=True)], [named]) == [
        "breaking discoverable-changed P; wire old client; source client"
    ]
    assert changes([named], [named]) == []


def test_a_renamed_methods_anonymous_payload_is_followed() -> None:
    def version(name: str, **members: Node) -> list[Node]:
        request = method(name, "oneway", ref(f"P{name}Request"), ordinal=7)
        return [protocol("P", request), anonymous(struct(f"P{name}Request", **members))]

    assert changes(version("M", a=INT), version("N", a=INT)) == [
        f"breaking method-renamed P.N; {SOURCE}"
    ]
    assert changes(version("M", a=INT), version("N", a=INT, b=INT)) == [
        f"breaking method-renamed P.N; {SOURCE}",
        f"breaking struct-member-added PNRequest.b; {SERVERS}; {SOURCE}",
    ]


def test_anonymous_types_are_compared_only_where_they_stand() -> None:
    def version(ordinal: int, **members: Node) -> list[Node]:
        request = method("M", "oneway", ref("PMRequest"), ordinal=ordinal)
        return [protocol("P", request), anonymous(struct("PMRequest", **members))]

    assert changes(version(7, a=INT), version(8, b=INT, c=INT)) == [
        f"breaking method-ordinal-changed P.M; {SERVERS}"
    ]


def test_services() -> None:
    others = [protocol("P"), protocol("Q")]
    before = [*others, service("S", a=end("client", "P"), b=end("client", "P"))]
    after = [*others, service("S", b=end("client", "Q"), c=end("client", "P"))]
    assert changes(before, after) == [
        f"breaking service-member-removed S.a; wire old client; {SOURCE}",
        f"breaking endpoint-changed S.b; {EVERYBODY}; {SOURCE}",
        "compatible service-member-added S.c",
    ]
