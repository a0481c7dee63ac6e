from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings import zx
from ipcrt.bindings.codec import Codec
from ipcrt.fidl.gen.module import BadIr, Options, generate
from ipcrt.objects.kind import ObjType
from ipcrt.objects.rights import Rights
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

LAMPS = """
/// Lamps of a house.
library ipcrt.small;

/// Why a lamp did not do as it was told.
type LampError = flexible enum {
    /// No lamp has this name.
    NOT_FOUND = 1;
    /// The lamp is broken.
    BROKEN = 2;
    /// Somebody else holds the lamp.
    IN_USE = 3;
};

/// Switches the lamps of a house.
@discoverable
open protocol Lamps {
    /// Set how bright a lamp is, in percent.
    flexible SetLevel(struct { lamp string:64; level uint8; }) -> () error LampError;
    /// Let a lamp blink; whoever asks does not wait for it.
    flexible Blink(struct { lamp string:64; times uint32; });
    /// Answer what is known of a lamp.
    flexible Describe(struct { lamp string:64; }) -> (struct {
        name string:64;
        rooms vector<string:64>:8;
    });
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


@pytest.mark.parametrize("text", [STORE, LAMPS])
def test_a_protocol_of_three_methods_is_small(tmp_path: Path, text: str) -> None:
    generated = generate(compile_ir(tmp_path, text))
    assert generated.startswith("# Library ipcrt.small: generated; do not edit.\n")
    assert len(generated.encode()) < 4096


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
    assert "import ipcrt_base\nfrom ipcrt.bindings import zx\n" in generate(ir)
    text = generate(ir, Options(package_prefix="my.bindings"))
    assert "from ipcrt.bindings import zx\n" in text
    assert "from my.bindings import ipcrt_base\n" in text
    assert "item: ipcrt_base.Item" in text
    assert "p: ClientEnd[ipcrt_base.P]" in text
    assert "self, n: int" in text  # the members of another library's payload


def test_the_provided_zx_has_a_module_and_anybody_elses_has_its_own(tmp_path: Path) -> None:
    text = (
        "library ipcrt.user; using zx; const BOTH zx.Rights = zx.Rights.READ | zx.Rights.WRITE;\n"
        "type Asked = struct { rights zx.Rights; kind zx.ObjType; };"
    )
    ir = compile_ir(tmp_path, text)
    module = load(ir, "generated_rights")
    asked = module.Asked(module.BOTH, zx.ObjType.VMO)
    codec = Codec(module.Asked)
    assert codec.decode(memoryview(codec.encode(asked)[0]), []) == asked
    assert module.BOTH == zx.Rights.READ | zx.Rights.WRITE
    (dependency,) = ir["library_dependencies"]
    dependency["declarations"]["zx/Clock"] = {"kind": "alias"}
    assert "\nimport zx\n" in generate(ir)


def test_the_provided_zx_says_what_the_objects_say() -> None:
    assert {each.name: each.value for each in zx.ObjType} == {
        each.name: each.value for each in ObjType
    }
    assert {each.name: each.value for each in zx.Rights} == {
        each.name: each.value for each in Rights if each
    }


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


BENT = """
library ipcrt.bent;
const YES bool = true;
const N float32 = 0.5;
const B F = F.A;
type E = flexible enum : int32 { A = 1; };
type F = flexible bits { A = 1; };
type S = struct { a vector<E>:3; b array<float32, 2>; c string:4; };
type T = table { 1: s S; };
type U = union { 2: t T; };
alias W = string:5;
open protocol P { flexible M(T) -> (U) error E; flexible O(U); flexible -> V(S); };
service X { p client_end:P; };
"""


def _leaves(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    kind = node.__class__
    keys: Any = range(len(node)) if kind is list else node if kind is dict else ()
    for key in keys:
        yield from _leaves(node[key], (*path, key))


def _imports_os(statement: ast.Import) -> bool:
    return any(each.name == "os" for each in statement.names)


@pytest.mark.parametrize("bad", ["1): pass\nimport os\n(", "x\nimport os", None, 1e999, [{}], {}])
def test_an_ir_that_is_bent_anywhere_is_refused_or_harmless(tmp_path: Path, bad: object) -> None:
    """No other error, no text that is not Python, nothing imported that we do not import."""
    ir = json.dumps(compile_ir(tmp_path, BENT))
    refused = 0
    for path in _leaves(json.loads(ir)):
        bent: Any = json.loads(ir)
        node = bent
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = bad
        try:
            text = generate(bent)
        except BadIr:
            refused += 1
            continue
        statements = ast.walk(ast.parse(text))
        assert not any(isinstance(each, ast.Import) and _imports_os(each) for each in statements)
    assert refused > 100


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
