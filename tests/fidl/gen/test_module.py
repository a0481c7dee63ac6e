from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ipcrt.fidl.gen.module import BadIr, Options, generate
from tests.fidl.gen.compiling import HERE, ROOT, compile_ir, load

STORE = """
library ipcrt.small;

type WriteError = flexible enum { NO_SPACE = 1; };

/// Keeps things.
@discoverable
open protocol Store {
    /// Write an item.
    flexible Write(struct { key string:64; value vector<byte>:1024; }) -> () error WriteError;
    /// Read an item.
    flexible Read(struct { key string:64; }) -> (struct { value vector<byte>:1024; });
    flexible -> OnChange(struct { key string:64; });
};
"""


@pytest.fixture
def sample_ir(tmp_path: Path) -> dict[str, Any]:
    return compile_ir(tmp_path, (HERE / "sample.fidl").read_text())


def test_the_sample_is_what_is_committed(sample_ir: dict[str, Any]) -> None:
    assert generate(sample_ir) == (HERE / "sample.py").read_text(), "run scripts/regenerate"


def test_nothing_committed_differs_from_its_fidl() -> None:
    command = [sys.executable, str(ROOT / "scripts/regenerate"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_protocol_of_three_methods_is_small(tmp_path: Path) -> None:
    text = generate(compile_ir(tmp_path, STORE))
    assert text.startswith("# Library ipcrt.small: generated; do not edit.\n")
    assert len(text.encode()) < 4096


def test_the_same_ir_makes_the_same_text_and_stays_as_it_was(sample_ir: dict[str, Any]) -> None:
    before = copy.deepcopy(sample_ir)
    assert generate(sample_ir) == generate(sample_ir)
    assert sample_ir == before


def test_other_libraries_are_imported_from_where_the_user_says(tmp_path: Path) -> None:
    base = "library ipcrt.base; type Item = struct { n int8; }; protocol P {};"
    user = (
        "library ipcrt.user; using ipcrt.base; using zx;\n"
        "type Box = resource struct { item ipcrt.base.Item; p client_end:ipcrt.base.P;"
        " r zx.Rights; };\n"
        "protocol Q { Put(ipcrt.base.Item); };"
    )
    ir = compile_ir(tmp_path, base, user)
    assert "import ipcrt_base\nimport zx\n" in generate(ir)
    text = generate(ir, Options(package_prefix="my.bindings"))
    assert "from my.bindings import ipcrt_base, zx\n" in text
    assert "item: ipcrt_base.Item" in text
    assert "p: ClientEnd[ipcrt_base.P]" in text
    assert "self, n: int" in text  # the members of another library's payload


def test_derived_names_and_imports_give_way_to_declared_ones(tmp_path: Path) -> None:
    text = (
        "library ipcrt.clash;\n"
        "type Struct = struct {}; type Proxy = struct { a Struct; }; type StoreProxy = struct {};\n"
        "type ShapeRound = struct {}; type Shape = strict union { 1: round Proxy; };\n"
        "const STORE_GET int8 = 1;\n"
        "protocol Store { Get(Proxy) -> (Shape); }; protocol Blocking {};"
    )
    module = load(compile_ir(tmp_path, text), "generated_clash")
    assert module.STORE_GET == 1
    assert module.STORE_GET_.selector == "ipcrt.clash/Store.Get"
    assert module.StoreProxy_.PROTOCOL is module.Store
    assert module.ShapeRound_(module.Proxy(module.Struct())).value.a == module.Struct()


def test_a_new_type_is_a_type_of_its_own(tmp_path: Path) -> None:
    text = "library ipcrt.nt; type Metres = uint16; type S = struct { m Metres; };"
    ir = compile_ir(tmp_path, text, flags=("allow_new_types",))
    assert 'Metres = NewType("Metres", Uint16)' in generate(ir)
    assert load(ir, "generated_nt").S(3).m == 3


def _hostile(ir: dict[str, Any], text: str) -> dict[str, Any]:
    """Put `text` in the place of every name but the library's."""

    def put(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: text if key == "name" else value for key, value in pairs}

    changed: dict[str, Any] = json.loads(json.dumps(ir), object_pairs_hook=put)
    return {**changed, "name": ir["name"]}


@pytest.mark.parametrize("text", ["x; import os", 'a"""\nimport os', "a/b c", "", "l/A\n"])
def test_an_ir_from_anywhere_cannot_write_code(sample_ir: dict[str, Any], text: str) -> None:
    with pytest.raises(BadIr):
        generate(_hostile(sample_ir, text))
    sample_ir["name"] = text
    with pytest.raises(BadIr):
        generate(sample_ir)


@pytest.mark.parametrize("text", ["{}", '{"name": 3}', '{"name": "a", "enum_declarations": [{}]}'])
def test_what_is_no_ir_is_refused(text: str) -> None:
    with pytest.raises(BadIr):
        generate(json.loads(text))


def test_documentation_cannot_end_its_string(tmp_path: Path) -> None:
    text = '/// """ + os.abort() + """\nlibrary ipcrt.doc;\n/// \\\ntype A = struct {};\n'
    tree = ast.parse(generate(compile_ir(tmp_path, text)))
    found = ast.get_docstring(tree)
    assert found is not None
    assert found.strip() == '""" + os.abort() + """'
