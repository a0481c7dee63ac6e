"""Each rule of the layout, by a text and what becomes of it."""

from __future__ import annotations

import pytest

from ipcrt.fidl.format import format_text

CASES = {
    "members one a line": (
        "type T = struct { a b; c d; };",
        "type T = struct {\n    a b;\n    c d;\n};",
    ),
    "an empty block": ("type T = struct {\n\n};", "type T = struct {};"),
    "one empty line between declarations": (
        "type T = struct {};type U = struct {};\n\n\n\ntype V = struct {};",
        "type T = struct {};\n\ntype U = struct {};\n\ntype V = struct {};",
    ),
    "constants may stand together": (
        "const A a = 1;\nconst B b = 2;\n\nalias C = c;",
        "const A a = 1;\nconst B b = 2;\n\nalias C = c;",
    ),
    "a documented constant stands apart": (
        "const A a = 1;\n/// doc\nconst B b = 2;",
        "const A a = 1;\n\n/// doc\nconst B b = 2;",
    ),
    "one empty line is kept in a body, none at its edges": (
        "type T = struct {\n\n a b;\n\n\n c d;\n\n};",
        "type T = struct {\n    a b;\n\n    c d;\n};",
    ),
    "attributes stand alone": (
        '/// d\n\n@a @b("c") protocol P { @e M(); };',
        '/// d\n@a\n@b("c")\nprotocol P {\n    @e\n    M();\n};',
    ),
    "payloads hug": (
        "protocol P { M(struct{a b;})->(struct{ }) error e; };",
        "protocol P {\n    M(struct {\n        a b;\n    }) -> (struct {}) error e;\n};",
    ),
    "trailing comments stay": (
        "type T = struct { // t\n a b;// u\n  }; // v",
        "type T = struct { // t\n    a b; // u\n}; // v",
    ),
    "continued comments stay in their column": (
        "type T = struct {\n  a b;   // u\n         // v\n  // w\n  c d;\n};",
        "type T = struct {\n    a b; // u\n         // v\n    // w\n    c d;\n};",
    ),
    "an empty line ends a continued comment": (
        "type T = struct {\n  a b;   // u\n\n         // v\n  c d;\n};",
        "type T = struct {\n    a b; // u\n\n    // v\n    c d;\n};",
    ),
    "no empty line before the first comment of a body": (
        "type T = struct {\n\n  // u\n  a b;\n};",
        "type T = struct {\n    // u\n    a b;\n};",
    ),
    "comments at the end of a body": (
        "type T = struct { a b;\n\n// c\n };",
        "type T = struct {\n    a b;\n\n    // c\n};",
    ),
    "comments inside a statement": (
        "const A // why\n  // how\n b = 1;",
        "const A // why\n        // how\n        b = 1;",
    ),
    "comments keep their distance": (
        "type T = struct {};\n// near\n\n\n// far\n\ntype U = struct {};",
        "type T = struct {};\n// near\n\n// far\n\ntype U = struct {};",
    ),
    "comments between attributes": (
        "@a // x\n// y\n@b\n// z\ntype T = struct {};",
        "@a // x\n// y\n@b\n// z\ntype T = struct {};",
    ),
    "line ends": (
        "type T = struct {\r\n\r\n  a b; // c\r\n};\r\n",
        "type T = struct {\n    a b; // c\n};",
    ),
    "the last comment": ("const A b = 1;\n\n\n// c", "const A b = 1;\n\n// c"),
}


@pytest.mark.parametrize("case", CASES)
def test_layout(case: str) -> None:
    before, after = CASES[case]
    head = "library l;\n\n"
    assert format_text("a.fidl", head + before) == head + after + "\n"
    assert format_text("a.fidl", head + after + "\n") == head + after + "\n"
