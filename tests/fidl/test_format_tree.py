from __future__ import annotations

from ipcrt.fidl.format_tree import Block, TreeBuilder
from ipcrt.fidl.format_trivia import pieces_of
from ipcrt.fidl.source import SourceFile


def test_statements_end_with_semicolons_and_hold_blocks() -> None:
    text = 'library a; @x("}") /// d\ntype T = struct { a b; }; // t'
    statements, end = TreeBuilder(pieces_of(SourceFile("a.fidl", text))).build()
    assert [statement.word for statement in statements] == ["library", "type"]
    attributes = [[piece.text for piece in line] for line in statements[1].attributes]
    assert attributes == [["@", "x", "(", '"}"', ")"], ["/// d"]]
    assert statements[1].first.text == "@"
    (block,) = [part for part in statements[1].parts if isinstance(part, Block)]
    assert len(block.statements) == 1
    assert not block.is_empty
    assert end.text == ""


def test_a_comment_alone_fills_a_block() -> None:
    for inside, is_empty in (("", True), ("// c\n", False), ("\n// c\n", False)):
        text = f"library a; type T = struct {{{inside}}};"
        statements, _ = TreeBuilder(pieces_of(SourceFile("a.fidl", text))).build()
        (block,) = [part for part in statements[1].parts if isinstance(part, Block)]
        assert block.is_empty is is_empty
