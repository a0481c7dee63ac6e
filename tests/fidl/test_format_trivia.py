from __future__ import annotations

from ipcrt.fidl.format_trivia import pieces_of
from ipcrt.fidl.source import SourceFile


def test_comments_trail_continue_and_lead() -> None:
    text = "// one\n\n// two\nlibrary a; // three  \n           // four\n\n // five\nusing b;"
    library, _, semicolon, using, *_ = pieces_of(SourceFile("a.fidl", text))
    assert [(comment.text, comment.blank) for comment in library.leading] == [
        ("// one", False),
        ("// two", True),
    ]
    assert [comment.text for comment in semicolon.trailing] == ["// three", "// four"]
    assert [(comment.text, comment.blank) for comment in using.leading] == [("// five", True)]
    assert not using.blank


def test_comments_at_the_end_lead_the_end() -> None:
    end = pieces_of(SourceFile("a.fidl", "library a;\n// last"))[-1]
    assert [comment.text for comment in end.leading] == ["// last"]


def test_the_end_of_a_doc_comment_loses_its_spaces() -> None:
    doc = pieces_of(SourceFile("a.fidl", "/// what \t\r\nlibrary a;"))[0]
    assert (doc.text, doc.is_doc) == ("/// what", True)
