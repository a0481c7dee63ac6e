from __future__ import annotations

from pathlib import Path

from ipcrt.fidl.gen.ir import Ir
from ipcrt.fidl.gen.module_scope import Module
from tests.fidl.gen.compiling import compile_ir


def _module(folder: Path, text: str) -> Module:
    return Module(Ir(compile_ir(folder, text)), "")


def test_all_names_are_settled_before_any_text(tmp_path: Path) -> None:
    text = (
        "library ipcrt.s; type E = enum { A = 1; }; type AuthError = enum { A = 1; };"
        "type U = union { 1: round_one bool; };"
        "open protocol P { flexible A() -> () error E; flexible B() -> () error AuthError;"
        " flexible C() -> () error uint32; flexible D() -> () error AuthError; };"
    )
    module = _module(tmp_path, text)
    assert module.failures == {
        "ipcrt.s/E": "EFailed",
        "ipcrt.s/AuthError": "AuthFailed",
        "uint32": "Uint32Failed",
    }
    assert module.variants == {"ipcrt.s/U": {1: "URoundOne"}}
    assert module.derived["ipcrt.s/P:BlockingProxy"] == "PBlockingProxy"
    assert module.derived["ipcrt.s/P.D"] == "P_D"
    for name in ("EFailed", "URoundOne", "PProxy", "P_D", "AuthError"):
        assert name in module.scope


def test_result_unions_are_no_types_of_the_user(tmp_path: Path) -> None:
    text = "library ipcrt.r; open protocol P { flexible A() -> () error int32; };"
    assert _module(tmp_path, text).variants == {}
