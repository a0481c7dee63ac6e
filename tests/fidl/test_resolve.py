"""Names led to what they mean."""

from __future__ import annotations

from tests.support.fidl import HANDLES, compile_text, compile_versioned


def _handle(use: str) -> list[str]:
    text = f"library example;\nusing zx;\ntype A = resource struct {{ h {use}; }};"
    return compile_text(HANDLES, text).ids


def test_a_handles_subtype_may_stand_alone() -> None:
    assert _handle("zx.Handle:VMO") == []
    assert _handle("zx.Handle:<VMO, zx.Rights.READ, optional>") == []
    assert _handle("zx.Handle:NOTHING") == ["fi-0052"]


def test_members() -> None:
    assert compile_text("type E = enum { A = 1; }; const C E = E.A;").ok
    assert compile_text("type E = enum { A = 1; }; const C E = E.B;").ids == ["fi-0054"]
    assert compile_text("type S = struct { a bool; }; const C bool = S.a;").ids == ["fi-0053"]
    assert compile_text("const C bool = D;").ids == ["fi-0052", "fi-0060"]


def test_what_is_referred_to_lives_as_long() -> None:
    text = "@available(added=2) type A = struct {}; type B = struct { a A; };"
    assert compile_versioned(text).ids == ["fi-0052"]
    text = "@available(added=2) type A = struct {}; type B = struct { @available(added=2) a A; };"
    assert compile_versioned(text).ok
    text = "@available(deprecated=2) alias A = bool; type B = struct { a A; };"
    assert compile_versioned(text).ids == ["fi-0055"]


def test_what_exists_at_other_versions_is_said_to() -> None:
    text = """
    @available(removed=2) type A = struct {};
    @available(added=3) type A = table { @available(added=5) 1: a bool; };
    type B = struct { a A; };
    """
    (found,) = compile_versioned(text).diagnostics
    when = "at version 1, and from version 3 onward of platform 'example'"
    assert found.hint == f"'A' exists {when}"


def test_another_platform_is_seen_at_its_selected_version() -> None:
    dep = "@available(added=1)\nlibrary dep;\n@available(added=2) type A = struct {};"
    text = "@available(added=1)\nlibrary example;\nusing dep;\ntype B = struct { a dep.A; };"
    assert compile_text(dep, text, available={"dep": "2", "example": "1"}).ok
    assert compile_text(dep, text, available={"dep": "1", "example": "1"}).ids == ["fi-0052"]
