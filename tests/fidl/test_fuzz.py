"""Whatever the text: an answer, never a traceback, in bounded time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fidl import ROOT, compile_text

# Nothing here may say "example": hypothesis would print it as it shrinks.
WORDS = [
    "library",
    "using",
    "as",
    "alias",
    "const",
    "type",
    "struct",
    "enum",
    "bits",
    "union",
    "table",
    "overlay",
    "protocol",
    "service",
    "compose",
    "strict",
    "flexible",
    "resource",
    "open",
    "ajar",
    "closed",
    "error",
    "true",
    "false",
    "optional",
    "MAX",
    "NEXT",
    "HEAD",
    "resource_definition",
    "properties",
    "reserved",
    "string",
    "vector",
    "array",
    "box",
    "client_end",
    "server_end",
    "string_array",
    "experimental_pointer",
    "uint8",
    "int32",
    "uint64",
    "float32",
    "bool",
    "byte",
    "bytes",
    "a",
    "b",
    "Foo",
    "Bar",
    "P",
    "S",
    "zx.Handle",
    "a.b.c",
    "fidl.FrameworkErr",
    "@available",
    "@selector",
    "@unknown",
    "@generated_name",
    "added",
    "removed",
    "replaced",
    "renamed",
    "deprecated",
    "platform",
    "note",
    "(",
    ")",
    "{",
    "}",
    "<",
    ">",
    "[",
    "]",
    ";",
    ":",
    ",",
    ".",
    "=",
    "|",
    "&",
    "?",
    "@",
    "->",
    "0",
    "1",
    "2",
    "3",
    "64",
    "65",
    "-1",
    "0x10",
    "0b1",
    "1.5",
    "1e400",
    "4294967295",
    "99999999999999999999",
    '""',
    '"a"',
    '"\\u{1F600}"',
    '"\\q"',
    '"\\u{D800}"',
    "///",
    "//",
    "#",
    "\\",
]
TOKENS = st.lists(st.sampled_from([*WORDS, "\n", "///doc\n", "//c\n"]), max_size=60)
SEEDS = sorted((ROOT / "docs" / "errors").glob("fi-*.md"))
FUZZ = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def _check(text: str) -> None:
    compiled = compile_text(
        text,
        available={"example": "1,3,HEAD"},
        flags=("zx_c_types", "allow_new_types", "no_resource_attribute"),
    )
    assert compiled.ok != bool(compiled.ids)
    for found in compiled.diagnostics:
        assert found.render()
    if compiled.ok:
        assert compiled.ir


@FUZZ
@given(TOKENS)
def test_any_tokens(tokens: list[str]) -> None:
    _check("library example;\n" + " ".join(tokens))


@FUZZ
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    _check(text)


@FUZZ
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6), st.sampled_from(WORDS)), max_size=4),
    st.booleans(),
)
def test_mutated_pages(page: Path, edits: list[tuple[int, int, str]], versioned: bool) -> None:
    text = page.read_text().split("```fidl", 1)[1].split("\n", 1)[1].split("```", 1)[0]
    if versioned and not text.startswith("@available"):
        text = f"@available(added=1)\n{text}"
    for at, length, word in edits:
        text = f"{text[:at]}{word}{text[at + length :]}"
    _check(text)


@pytest.mark.parametrize("opening, closing", ["()", "{}", "<>", "[]"])
def test_deep_nesting_is_refused(opening: str, closing: str) -> None:
    for before in ("const A uint8 = ", "type A = struct ", "alias A = vector", "@a"):
        compiled = compile_text(f"{before}{opening * 10_000}1{closing * 10_000};")
        assert not compiled.ok


def test_deep_chains_need_no_stack() -> None:
    count = 3_000
    chains = {
        "struct": "type A{} = struct {{ a A{}; }};",
        "box": "type A{} = struct {{ a box<A{}>; }};",
        "alias": "alias A{} = A{};",
        "const": "const A{} uint8 = A{};",
        "protocol": "protocol A{} {{ compose A{}; }};",
    }
    for name, pattern in chains.items():
        lines = [pattern.format(number, number + 1) for number in range(count)]
        last = {"alias": "alias A{} = uint8;", "const": "const A{} uint8 = 1;"}
        end = last.get(
            name, "protocol A{} {{}};" if name == "protocol" else "type A{} = struct {{}};"
        )
        assert compile_text("\n".join([*lines, end.format(count)])).ok, name
        ring = [pattern.format(number, (number + 1) % count) for number in range(count)]
        assert compile_text("\n".join(ring)).ok == (name == "box"), name
