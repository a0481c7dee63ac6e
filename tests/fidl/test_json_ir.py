"""The IR as a whole."""

from __future__ import annotations

import json

from ipcrt.fidl.json_ir import generate
from tests.support.fidl import compile_text, compile_versioned


def test_the_root() -> None:
    compiled = compile_text('/// Doc.\n@foo("x")\nlibrary example;\ntype A = struct {};')
    ir = json.loads(generate(compiled.library, compiled.session))
    assert ir == compiled.ir
    assert list(ir)[:5] == ["name", "platform", "available", "experiments", "library_dependencies"]
    assert (ir["name"], ir["platform"], ir["available"]) == ("example", "unversioned", {})
    assert [found["name"] for found in ir["maybe_attributes"]] == ["doc", "foo"]
    assert ir["declarations"] == {"example/A": "struct"}
    assert ir["struct_declarations"][0]["location"] == {
        "filename": "example.fidl",
        "line": 4,
        "column": 6,
        "length": 1,
    }


def test_it_is_indented_by_two_and_ends_its_line() -> None:
    compiled = compile_text("type A = struct {};")
    text = generate(compiled.library, compiled.session)
    assert text.startswith('{\n  "name": "example",\n')
    assert text.endswith("}\n")


def test_half_a_surrogate_pair_can_be_written() -> None:
    compiled = compile_text('const A string = "\\u{D800}";')
    assert json.loads(generate(compiled.library, compiled.session)) == compiled.ir


def test_what_was_selected() -> None:
    ir = compile_versioned("@available(removed=2) type A = struct {};", "1,HEAD").ir
    assert ir["available"] == {"example": ["1", "HEAD"]}
    assert (
        compile_versioned("@available(removed=2) type A = struct {};", "2").ir["declarations"] == {}
    )


def test_discoverable_says_where() -> None:
    ir = compile_text('@discoverable(client="platform") protocol P {};').ir
    assert ir["protocol_declarations"][0]["implementation_locations"] == {
        "client": ["platform"],
        "server": ["platform", "external"],
    }
