"""Texts for the front end to bear, and what must hold of each: an answer, never a traceback.

1. A text is compiled or has reports; every report's place lies in its file.
2. What parses is formatted; formatting again changes nothing, and the IR stays as it was.
3. What compiles becomes JSON, and Python that can be imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st

from ipcrt.fidl.format import format_text
from ipcrt.fidl.gen.module import generate as generate_python
from ipcrt.fidl.json_ir import generate as generate_json
from ipcrt.fidl.lint import findings_json, findings_text, lint_files
from ipcrt.fidl.parsed import Unparsable
from tests.fidl.gen.compiling import load
from tests.support.fidl import HANDLES, ROOT, Compiled, compile_text

# Nothing here may say "example": hypothesis would print it as it shrinks.
WORDS: Final = re.findall(
    r"\S+",
    "library using as alias const type struct enum bits union table overlay protocol service"
    " compose strict flexible resource open ajar closed error true false optional MAX NEXT HEAD"
    " resource_definition properties reserved string vector array box client_end server_end"
    " string_array experimental_pointer uint8 int32 uint64 float32 bool byte bytes a b Foo Bar P S"
    " zx.Handle a.b.c fidl.FrameworkErr @available @selector @unknown @generated_name added removed"
    " replaced renamed deprecated platform note ( ) { } < > [ ] ; : , . = | & ? @ -> 0 1 2 3 64 65"
    ' -1 0x10 0b1 1.5 1e400 4294967295 99999999999999999999 "" "a" "\\u{1F600}" "\\q" "\\u{D800}"'
    " /// // # \\ \x7f \ufeff \xdf",
)
FLAGS: Final = ("zx_c_types", "allow_new_types", "no_resource_attribute")
_HEADER: Final = re.compile(r"^library [a-z0-9.]+;", re.MULTILINE)
_PIECE: Final = re.compile(r'\s+|///?[^\n]*|"[^"\n]*"|[A-Za-z0-9_]+|->|.', re.DOTALL)
_FENCE: Final = re.compile(r"^```fidl.*\n((?:.*\n)*?)```$", re.MULTILINE)


def seeds() -> list[str]:
    """The examples of the pages on diagnostics, and the project's own libraries."""
    pages = sorted((ROOT / "docs" / "errors").glob("fi-*.md"))
    texts = [text for page in pages for text in _FENCE.findall(page.read_text())]
    found = [part for text in texts for part in re.split(r"(?m)^// (?:library|file)\n", text)]
    for folder in ("ipcrt", "services", "tests"):
        found += [path.read_text() for path in sorted((ROOT / folder).rglob("*.fidl"))]
    return found


def _mutated(text: str, edits: list[tuple[int, int, str | int]], is_versioned: bool) -> str:
    """Take pieces out at some places, and put in a word, or a piece from somewhere else."""
    pieces = _PIECE.findall(text)
    for at, count, word in edits:
        where = at % (len(pieces) + 1)
        found = pieces[word % len(pieces)] if isinstance(word, int) and pieces else str(word)
        pieces[where : where + count] = [found]
    mutant = "".join(pieces)
    if is_versioned and not mutant.startswith("@available"):
        return f"@available(added=1)\n{mutant}"
    return mutant


_EDITS: Final = st.lists(
    st.tuples(
        st.integers(0, 5000),
        st.integers(0, 3),
        st.one_of(st.sampled_from([*WORDS, " ", "\n"]), st.integers(0, 5000)),
    ),
    max_size=3,
)
TOKENS: Final = st.lists(st.sampled_from([*WORDS, "\n", "///doc\n", "//c\n"]), max_size=60).map(
    lambda words: "library lib;\n" + " ".join(words)
)
MUTANTS: Final = st.builds(_mutated, st.sampled_from(seeds()), _EDITS, st.booleans())

# ---- a grammar that mostly keeps to the rules

_PRELUDE: Final = """\
type Foo = struct { a uint8; };
type Bar = flexible enum { A = 1; };
type List = flexible resource union { 1: a Foo; };
protocol Baz {};
const C uint32 = 3;
"""
_NAMES: Final = st.sampled_from(
    ["class", "None", "self", "FooBar", "int", "Proxy", "Item", "Enum", "Qux", "str", "lib", "FOO"]
)
_MEMBERS: Final = st.sampled_from(
    ["a", "b", "def", "value", "None", "fooBar", "self", "cls", "import", "to_wire", "Foo", "type"]
)
_VALUES: Final = st.sampled_from(
    [
        "uint32 = 1",
        "uint8 = 0xff",
        "int64 = -3",
        "uint32 = 2 | C",
        "string = 'a\\u{41}'",
        "Bar = Bar.A",
        "bool = true",
        "float64 = -1.5e3",
        "uint8 = 256",
        "uint16 = C",
        "string = 'x\\n\\'",
    ]
).map(lambda text: text.replace("'", '"'))


def _member_lists(types: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(
        st.tuples(_MEMBERS, types), min_size=1, max_size=3, unique_by=lambda of: of[0].lower()
    )


def _struct(members: list[tuple[str, str]]) -> str:
    body = "".join(f"{name} {type_};" for name, type_ in members)
    return f"{_resource(body)}struct {{{body}}}"


def _resource(body: str) -> str:
    return "resource " if re.search(r"zx\.|_end:|resource|List", body) else ""


_TYPES: Final = st.recursive(
    st.sampled_from(
        re.split(
            "; ",
            "bool; uint8; int64; float32; string; string:9; bytes; string:<4, optional>; Foo; Bar;"
            " List; List:optional; box<Foo>; client_end:Baz; Item; FooBar;"
            " server_end:<Baz, optional>; zx.Handle:<VMO, zx.Rights.READ, optional>",
        )
    ),
    lambda inner: st.one_of(
        inner.map(lambda type_: f"vector<{type_}>:C"),
        inner.map(lambda type_: f"vector<{type_}>:<5, optional>"),
        inner.map(lambda type_: f"array<{type_}, 3>"),
        _member_lists(inner).map(_struct),
    ),
    max_leaves=4,
)


def _layout(head: str, strict: str, members: list[tuple[str, str]]) -> str:
    """Write a layout; members of tables and unions have ordinals, those of values values."""
    if head in ("enum", "bits"):
        body = " ".join(f"{name.upper()} = {1 << at};" for at, (name, _) in enumerate(members))
    elif head in ("table", "union"):
        body = " ".join(f"{at}: {name} {of};" for at, (name, of) in enumerate(members, 1))
    else:
        body = " ".join(f"{name} {of};" for name, of in members)
    strict = strict if head in ("enum", "bits", "union") else ""
    resource = _resource(body) if head in ("struct", "table", "union") else ""
    return f"= {strict}{resource}{head} {{ {body} }};"


_PAYLOADS: Final = st.one_of(
    st.sampled_from(["()", "(Foo)", "(List)", "(table {})"]),
    _member_lists(_TYPES).map(lambda members: f"({_struct(members)})"),
)
_ANSWERS: Final = st.one_of(
    st.just(""),
    _PAYLOADS.map(lambda payload: f" -> {payload}"),
    st.tuples(_PAYLOADS, st.sampled_from(["int32", "Bar", "flexible enum {}", "uint32"])).map(
        lambda both: f" -> {both[0]} error {both[1]}"
    ),
)
_METHODS: Final = st.tuples(
    st.sampled_from(["", "strict ", "flexible "]),
    st.one_of(
        st.tuples(st.sampled_from(["Get", "Close", "Class", "get", "None"]), _PAYLOADS, _ANSWERS),
        st.tuples(st.sampled_from(["-> OnGet", "-> Closed"]), _PAYLOADS, st.just("")),
    ).map("".join),
).map("".join)
_REST: Final = st.one_of(
    st.builds(
        _layout,
        st.sampled_from(["struct", "table", "union", "enum", "bits"]),
        st.sampled_from(["", "strict ", "flexible "]),
        _member_lists(_TYPES),
    ).map(lambda rest: ("type", rest)),
    st.lists(_METHODS, max_size=3).map(
        lambda methods: ("protocol", f"{{ {' '.join(f'{each};' for each in methods)} }};")
    ),
    _TYPES.filter(lambda type_: "struct" not in type_).map(lambda of: ("alias", f"= {of};")),
    _VALUES.map(lambda rest: ("const", f"{rest};")),
    st.just(("service", "{ a client_end:Baz; };")),
)
_FILLERS: Final = st.sampled_from(
    ["\n", "\n\n\n", " // why\n", "\n/// What for.  \n", "\n@own(a=true) ", "\r\n", "\t"]
)


def _library(declarations: Sequence[tuple[str, str, tuple[str, str]]]) -> str:
    body = "".join(f"{gap}{of[0]} {name} {of[1]}" for gap, name, of in declarations)
    return f"library lib;\n{'using zx;' if 'zx.' in body else ''}\n{_PRELUDE}{body}"


LIBRARIES: Final = st.lists(
    st.tuples(_FILLERS, _NAMES, _REST), max_size=5, unique_by=lambda of: of[1].lower()
).map(_library)


# ---- what must hold


def check(text: str) -> Compiled:
    """Put a text through everything; answer what compiling it came to. Raises: AssertionError."""
    text = text if _HEADER.search(text) else f"library lib;\n{text}"
    compiled = _compile(text)
    assert compiled.ok != bool(compiled.ids)
    for found in compiled.diagnostics:
        assert found.render()
        assert json.dumps(found.as_json())
        assert found.span is None or 0 <= found.span.start <= found.span.end
        assert found.span is None or found.span.end <= len(found.span.file.text)
    _check_tools(text, compiled)
    if compiled.ok:
        ir = json.loads(_json(compiled))
        source = generate_python(ir)
        compile(source, "generated", "exec")
        if "\nimport zx" not in source:  # whose module is nowhere
            load(ir, "generated_fuzz")
    return compiled


def _compile(text: str) -> Compiled:
    available = {"example": "1,3,HEAD", "lib": "1,3,HEAD"}
    return compile_text(HANDLES, text, available=available, flags=FLAGS)


def _check_tools(text: str, compiled: Compiled) -> None:
    try:
        formatted = format_text("a.fidl", text)
        findings = lint_files([("a.fidl", text)])
    except Unparsable:
        assert not compiled.ok
        return
    assert findings_text(findings) or not findings
    assert json.loads(findings_json(findings)) is not None
    assert format_text("a.fidl", formatted) == formatted
    again = _compile(formatted)
    assert sorted(again.ids) == sorted(compiled.ids)
    if compiled.ok:
        assert _placeless(again) == _placeless(compiled)


def _placeless(compiled: Compiled) -> Any:
    """Answer the IR without what formatting changes: places, and some of the spaces."""

    def stripped(pairs: dict[str, Any]) -> dict[str, Any]:
        return {
            key: "".join(each.split()) if key == "expression" else _trimmed(each)
            for key, each in pairs.items()
            if key != "location"
        }

    return json.loads(_json(compiled), object_hook=stripped)


def _trimmed(value: Any) -> Any:
    return re.sub(r"[ \t\r]+\n", "\n", value) if isinstance(value, str) else value


def _json(compiled: Compiled) -> str:
    return generate_json(compiled.library, compiled.session)
