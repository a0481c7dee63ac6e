"""Declarations taken over; result unions made."""

from __future__ import annotations

from tests.support.fidl import compile_text


def test_result_unions() -> None:
    text = """
    protocol P {
        A() -> ();
        strict B() -> () error int32;
        C() -> (struct { x bool; }) error enum { E = 1; };
        strict D() -> (struct { x bool; });
    };
    """
    ir = compile_text(text).ir
    unions = {union["name"]: union for union in ir["union_declarations"]}
    names = {
        name: [member["name"] for member in union["members"]] for name, union in unions.items()
    }
    assert names == {
        "example/P_A_Result": ["response", "framework_err"],
        "example/P_B_Result": ["response", "err"],
        "example/P_C_Result": ["response", "err", "framework_err"],
    }
    assert all(union["is_result"] and union["strict"] for union in unions.values())
    structs = {struct["name"]: struct for struct in ir["struct_declarations"]}
    assert structs["example/P_A_Response"]["is_empty_success_struct"]
    assert structs["example/P_A_Response"]["naming_context"] == ["P", "A", "Response", "response"]
    assert not structs["example/P_C_Response"]["is_empty_success_struct"]
    assert "example/PDResponse" in structs
    assert ir["enum_declarations"][0]["name"] == "example/P_C_Error"


def test_a_method_without_error_keeps_its_strictness() -> None:
    text = "protocol P { strict(removed=2) flexible(added=2) M() -> (); };"
    assert compile_text(text).ids == ["fi-0219"]
