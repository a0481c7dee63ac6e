"""The parsed tree keeps what was written."""

from __future__ import annotations

from ipcrt.fidl.ast import Layout, LayoutKind, ProtocolDecl, TypeDecl
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.parser import parse
from ipcrt.fidl.source import SourceFile


def test_spans_cover_what_they_name() -> None:
    text = (
        "library a.b;\nusing c as d;\n@x type Foo = strict enum : uint8 { A = 1 | 2; };\n"
        "protocol P { M() -> (); };"
    )
    file = parse(SourceFile("a.fidl", text), Reporter())
    assert file is not None
    assert file.library.text == "a.b"
    assert file.usings[0].span.text == "using c as d"
    decl, protocol = file.declarations
    assert isinstance(decl, TypeDecl)
    assert isinstance(decl.type.layout, Layout)
    assert decl.type.layout.kind is LayoutKind.ENUM
    assert decl.type.layout.span.text == "strict enum : uint8 { A = 1 | 2; }"
    assert decl.attributes[0].span.text == "@x"
    assert isinstance(protocol, ProtocolDecl)
    assert protocol.members[0].span.text == "M() -> ()"
