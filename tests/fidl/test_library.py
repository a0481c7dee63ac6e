"""Libraries, imports, and what they share."""

from __future__ import annotations

from ipcrt.fidl.library import FRAMEWORK_ERR, Session
from tests.support.fidl import compile_text


def test_built_ins() -> None:
    session = Session()
    assert session.builtin("uint8").qualified == "uint8"
    assert session.library("fidl") is session.root
    assert FRAMEWORK_ERR in session.root.by_name


def test_imports_belong_to_their_file_and_are_used() -> None:
    compiled = compile_text(
        "library dep;\ntype A = struct {};",
        "library example;\nusing dep as d;\ntype B = struct { a d.A; };",
    )
    (imports,) = compiled.library.imports.values()
    assert imports["d"].used
    assert [found.name for found in compiled.library.dependencies] == ["dep"]
    (file,) = compiled.library.imports
    assert compiled.library.use(file, "nothing") is None
