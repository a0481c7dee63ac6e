"""The checked tree."""

from __future__ import annotations

from ipcrt.fidl.elements import Kind, Protocol
from tests.support.fidl import compile_text


def test_members_children_and_names() -> None:
    compiled = compile_text("protocol P { compose Q; strict M(); }; protocol Q {};")
    decl = compiled.decl("P")
    assert isinstance(decl, Protocol)
    assert [member.kind for member in decl.each_member()] == [Kind.COMPOSE, Kind.METHOD]
    assert [child.name for _, child in decl.each_child()] == ["Q", "M", "strict"]
    assert decl.qualified == "example/P"


def test_anonymous_layouts_know_it() -> None:
    compiled = compile_text("type A = struct { b struct {}; };")
    assert compiled.decl("B").is_anonymous_layout
    assert not compiled.decl("A").is_anonymous_layout
