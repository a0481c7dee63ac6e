"""Types and constants in the IR."""

from __future__ import annotations

from typing import Any

from tests.support.fidl import HANDLES, compile_text


def _member(type_: str, rest: str = "") -> dict[str, Any]:
    text = (
        "library example;\nusing zx;\nprotocol P {};\n"
        f"type S = resource struct {{ h zx.Handle; a {type_}; }};\n{rest}"
    )
    found = compile_text(HANDLES, text).ir["struct_declarations"]
    member: dict[str, Any] = found[-1]["members"][1]
    return member


def _bare(type_: str, rest: str = "") -> dict[str, Any]:
    found: dict[str, Any] = _member(type_, rest)["type"]
    assert found.pop("type_shape_v2")
    return found


def test_types() -> None:
    assert _bare("uint8") == {"kind_v2": "primitive", "subtype": "uint8"}
    assert _bare("string:<3, optional>") == {
        "kind_v2": "string",
        "maybe_element_count": 3,
        "nullable": True,
    }
    assert _bare("string:MAX") == {"kind_v2": "string", "nullable": False}
    assert _bare("client_end:P") == {
        "kind_v2": "endpoint",
        "role": "client",
        "protocol": "example/P",
        "nullable": False,
        "protocol_transport": "Channel",
    }
    assert _bare("zx.Handle:<VMO, zx.Rights.READ, optional>") == {
        "kind_v2": "handle",
        "obj_type": 3,
        "subtype": "vmo",
        "rights": 4,
        "nullable": True,
        "resource_identifier": "zx/Handle",
    }
    assert _bare("box<B>", "type B = struct {};") == {
        "kind_v2": "identifier",
        "identifier": "example/B",
        "nullable": True,
    }


def test_aliases_are_remembered() -> None:
    member = _member("Short:<4, optional>", "alias Short = vector<Byte>; alias Byte = uint8;")
    found = member["experimental_maybe_from_alias"]
    assert (found["name"], found["nullable"]) == ("example/Short", True)
    assert found["maybe_size"]["value"] == "4"
    assert member["type"]["experimental_maybe_from_alias"]["name"] == "example/Byte"
