from __future__ import annotations

from ipcrt.bindings.arguments import arguments_of
from tests.fidl.gen.sample import Node, Settings, ShapeRadius


def test_a_struct_is_its_members_a_table_or_union_is_itself() -> None:
    inner = Node("b", None, None)
    assert arguments_of(None) == ()
    assert arguments_of(Node("a", inner, None)) == ("a", inner, None)
    assert arguments_of(Settings(volume=1)) == (Settings(volume=1),)
    assert arguments_of(ShapeRadius(1)) == (ShapeRadius(1),)
