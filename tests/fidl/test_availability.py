"""What @available says."""

from __future__ import annotations

import pytest

from tests.support.fidl import compile_versioned


@pytest.mark.parametrize(
    "text, ids",
    [
        ("@available(added=2, deprecated=3, removed=4) type A = struct {};", []),
        ("@available(added=NEXT, removed=HEAD) type A = struct {};", []),
        ("@available(added=LEGACY) type A = struct {};", ["fi-0153"]),
        ('@available(added="1") type A = struct {};', ["fi-0065", "fi-0104"]),
        ("@available(added=0x100000000) type A = struct {};", ["fi-0066", "fi-0104"]),
        ("type A = resource(added=1, removed=2) struct {};", []),
        ("type A = resource(replaced=2) struct {};", ["fi-0218"]),
        (
            "@available(added=2) type A = struct { b struct { @available(added=1) c bool; }; };",
            ["fi-0155"],
        ),
        (
            "protocol P { @available(added=2) M() -> (struct { @available(added=1) a bool; }); };",
            ["fi-0155"],
        ),
    ],
)
def test_attributes(text: str, ids: list[str]) -> None:
    assert compile_versioned(text).ids == ids


@pytest.mark.parametrize("versions, members", [("1", 1), ("2", 1), ("1,2", 2), ("2,HEAD", 1)])
def test_several_versions_keep_what_one_of_them_had(versions: str, members: int) -> None:
    text = "type A = table { @available(removed=2) 1: a bool; @available(added=2) 2: b bool; };"
    (table,) = compile_versioned(text, versions).ir["table_declarations"]
    assert len(table["members"]) == members


def test_several_versions_take_the_newest_modifier_and_replacement() -> None:
    text = """
    type A = strict(removed=2) flexible(added=2) enum { X = 1; };
    @available(replaced=2) type B = struct {};
    @available(added=2) type B = table {};
    """
    ir = compile_versioned(text, "1,2").ir
    assert not ir["enum_declarations"][0]["strict"]
    assert [len(ir[f"{kind}_declarations"]) for kind in ("struct", "table")] == [0, 1]


@pytest.mark.parametrize("version, payload, members", [("1", "struct", 1), ("2", "table", 2)])
def test_layouts_of_one_generated_name_live_as_long_as_what_they_stand_in(
    version: str, payload: str, members: int
) -> None:
    text = """
    protocol P {
        @available(replaced=2)
        M(struct { a bool; }) -> (struct { a bool; }) error enum : int32 { A = 1; };
        @available(added=2)
        M(table { 1: a bool; 2: b bool; }) -> () error int32;
    };
    """
    ir = compile_versioned(text, version).ir
    (method,) = ir["protocol_declarations"][0]["methods"]
    assert method["maybe_request_payload"]["identifier"] == "example/PMRequest"
    (request,) = [
        found for found in ir[f"{payload}_declarations"] if found["name"] == "example/PMRequest"
    ]
    assert len(request["members"]) == members
    assert [found["name"] for found in ir["enum_declarations"]] == ["example/P_M_Error"][
        : 2 - members
    ]


def test_a_layout_inherits_from_the_member_it_stands_in() -> None:
    text = "type A = table { @available(replaced=2) 1: m table { %s 1: a bool; };"
    text += " @available(added=2) 1: m table { 1: a bool; }; };"
    assert compile_versioned(text % "").ok
    assert compile_versioned(text % "@available(added=2)").ids == ["fi-0155"]
