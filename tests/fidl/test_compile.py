"""Steps, one after the other."""

from __future__ import annotations

from ipcrt.fidl.source import SourceFile
from tests.support.fidl import compile_sources, compile_text


def test_a_step_that_fails_ends_the_run() -> None:
    text = "const compound.name uint8 = 0; type A = struct {}; type A = struct {};"
    assert compile_text(text).ids == ["fi-0008"]


def test_files_make_one_library() -> None:
    files = [
        SourceFile("a.fidl", "library example;\ntype A = struct { b B; };"),
        SourceFile("b.fidl", "library example;\ntype B = struct {};"),
    ]
    assert compile_sources([files]).ok
    other = [files[0], SourceFile("b.fidl", "library other;")]
    assert compile_sources([other]).ids[:1] == ["fi-0040"]


def test_a_library_comes_once() -> None:
    assert compile_text("type A = struct {};", "type A = struct {};").ids == ["fi-0041"]
