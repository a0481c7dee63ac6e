from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.fidl.gen.module import BadIr, generate
from tests.fidl.gen.compiling import compile_ir

CASES = {
    "bool": "bool",
    "uint64": "Uint64",
    "float32": "Float32",
    "float64": "float",
    "string": "str",
    "string:5": "Annotated[str, Meta(max_length=5)]",
    "string:<5, optional>": "Annotated[str, Meta(max_length=5)] | None",
    "vector<byte>": "bytes",
    "bytes:9": "Annotated[bytes, Meta(max_length=9)]",
    "vector<int8>:2": "Annotated[list[Int8], Meta(max_length=2)]",
    "vector<vector<string:3>>:<1, optional>": (
        "Annotated[list[list[Annotated[str, Meta(max_length=3)]]], Meta(max_length=1)] | None"
    ),
    "array<uint8, 4>": "Annotated[list[Uint8], Meta(min_length=4, max_length=4)]",
    "box<S>": "S | None",
    "U": "U",
    "U:optional": "U | None",
    "zx.Handle": "Handle",
    "zx.Handle:<VMO, optional>": "Vmo | None",
    "zx.Handle:<VMO, zx.Rights.READ>": "Annotated[Vmo, needs(Rights.READ)]",
    "zx.Handle:TIMER": "Timer",
    "client_end:P": "ClientEnd[P]",
    "server_end:<P, optional>": "ServerEnd[P] | None",
    "Word": "Word",
    "vector<Word>:2": "Annotated[list[Word], Meta(max_length=2)]",
    "MaybeWord": "MaybeWord",
    "Open:7": "Annotated[str, Meta(max_length=7)]",
    "Open:optional": "Open | None",
}


def test_each_type_has_its_annotation(tmp_path: Path) -> None:
    members = "".join(f"m{number} {type_};\n" for number, type_ in enumerate(CASES))
    text = (
        "library ipcrt.types; using zx; protocol P {}; type S = struct {};"
        "type U = union { 1: a bool; }; alias Word = string:5; alias Open = string;"
        f"alias MaybeWord = string:<5, optional>; type All = resource struct {{ {members} }};"
    )
    generated = (
        generate(compile_ir(tmp_path, text)).replace("\n        ", "").replace("\n    ]", "]")
    )
    for number, (type_, annotation) in enumerate(CASES.items()):
        assert f"    m{number}: {annotation}\n" in generated, type_


def test_a_kind_of_type_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    ir = compile_ir(tmp_path, "library ipcrt.odd; type S = struct { a bool; };")
    ir["struct_declarations"][0]["members"][0]["type"]["kind_v2"] = "quantum"
    with pytest.raises(BadIr, match="quantum"):
        generate(ir)
