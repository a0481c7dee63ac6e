from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.fidl.gen.ir import Ir, attribute_text, doc_of, library_of, local_name
from tests.fidl.gen.compiling import compile_ir, load


@pytest.fixture
def ir(tmp_path: Path) -> Ir:
    base = "library ipcrt.a; type Item = struct { n int8; };"
    text = (
        "library ipcrt.b; using ipcrt.a; /// Told.\n type Z = table {}; type A = struct {};"
        '@discoverable(name="x.y.Z") protocol P { Put(ipcrt.a.Item); };'
    )
    return Ir(compile_ir(tmp_path, base, text))


def test_declarations_come_in_the_order_of_the_text(ir: Ir) -> None:
    kinds = frozenset(("table", "struct"))
    assert [each["name"] for each in ir.in_text(kinds)] == ["ipcrt.b/Z", "ipcrt.b/A"]
    assert ir.declarations("bits") == []


def test_names_of_other_libraries(ir: Ir) -> None:
    assert ir.kinds["ipcrt.a/Item"] == "struct"
    assert not ir.is_local("ipcrt.a/Item")
    assert ir.find("ipcrt.a/Item") is None
    assert ir.struct("ipcrt.a/Item")["members"][0]["name"] == "n"
    with pytest.raises(KeyError):
        ir.struct("ipcrt.a/Other")
    assert (library_of("a.b/C"), local_name("a.b/C")) == ("a.b", "C")


def test_attributes(ir: Ir) -> None:
    protocol = ir.declarations("protocol")[0]
    assert attribute_text(protocol, "discoverable", "name") == "x.y.Z"
    assert attribute_text(protocol, "selector") is None
    assert doc_of(ir.declarations("table")[0]) == " Told.\n"
    assert doc_of(protocol) == ""


def test_an_alias_comes_behind_what_it_names_though_that_may_be_absent(tmp_path: Path) -> None:
    text = (
        "library ipcrt.o; alias A = vector<array<U:optional, 3>>:2;"
        "alias B = vector<Z>:<2, optional>; alias Z = string:5;"
        "type U = flexible union { 1: a vector<A>:2; };"
    )
    ir = compile_ir(tmp_path, text)
    found = [each["name"][-1] for each in Ir(ir).in_order(frozenset(("alias", "union")))]
    assert sorted(found) == ["A", "B", "U", "Z"]
    assert found.index("U") < found.index("A")
    assert found.index("Z") < found.index("B")
    assert load(ir, "generated_order").U
