"""Ordinals, payloads, openness, composition."""

from __future__ import annotations

import pytest

from ipcrt.fidl.check_protocols import method_ordinal
from tests.support.fidl import compile_text


def test_ordinals_come_from_selectors() -> None:
    text = """
    protocol P {
        A();
        @selector("B") C();
        @selector("other.library/Q.D") E();
    };
    """
    (protocol,) = compile_text(text).ir["protocol_declarations"]
    selectors = ["example/P.A", "example/P.B", "other.library/Q.D"]
    assert [method["ordinal"] for method in protocol["methods"]] == [
        method_ordinal(selector) for selector in selectors
    ]


def test_composed_methods_keep_their_ordinals_and_come_once() -> None:
    text = """
    protocol A { M(); };
    protocol B { compose A; N(); };
    protocol C { compose A; compose B; };
    """
    ir = compile_text(text).ir
    composed = next(found for found in ir["protocol_declarations"] if found["name"] == "example/C")
    assert [method["name"] for method in composed["methods"]] == ["M", "N"]
    assert all(method["is_composed"] for method in composed["methods"])
    assert composed["methods"][0]["ordinal"] == method_ordinal("example/A.M")


def test_a_strict_method_has_no_framework_error() -> None:
    text = "protocol P { strict M() -> () error int32; N() -> () error int32; };"
    unions = compile_text(text).ir["union_declarations"]
    assert [len(union["members"]) for union in unions] == [2, 3]


@pytest.mark.parametrize(
    "text, ids",
    [
        ("closed protocol P { strict M() -> (); strict N(); };", []),
        ("closed protocol P { N(); };", ["fi-0116"]),
        ("ajar protocol P { N(); -> E(); };", []),
        ("ajar protocol P { M() -> (); };", ["fi-0115"]),
        ("closed protocol P { compose Q; }; ajar protocol Q {};", ["fi-0114"]),
        ("protocol P { M(struct {}); };", ["fi-0077"]),
        ("protocol P { M(E); }; type E = enum {};", ["fi-0074"]),
        ("protocol P { M(vector<uint8>); };", ["fi-0075"]),
        ("protocol P { M() -> () error string; };", ["fi-0141"]),
        ("protocol P { M() -> () error E; }; type E = enum : uint8 { A = 1; };", ["fi-0141"]),
        (
            "protocol A { M(); }; protocol B { M(); }; protocol P { compose A; compose B; };",
            ["fi-0034"],
        ),
        ('protocol P { @selector("a/b") M(); };', ["fi-0082"]),
    ],
)
def test_protocols(text: str, ids: list[str]) -> None:
    assert compile_text(text).ids == ids
