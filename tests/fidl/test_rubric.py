"""Whatever FIDL the API rubric shows compiles, in a frame, and becomes Python that runs."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ipcrt.fidl.check_protocols import method_ordinal
from ipcrt.fidl.command import run_fidlc
from ipcrt.fidl.source import SourceFile
from tests.fidl.gen.compiling import compile_ir, load
from tests.support.fidl import compile_sources
from tests.support.fidl_rubric import RUBRIC, Block, Inline, blocks, inlines, lines

pytestmark = pytest.mark.skipif(
    not RUBRIC.is_file(), reason="the API rubric does not lie beside the checkout"
)

WHOLE = {
    "examples.keyvaluestore.additerator",
    "examples.canvas.addlinemetered",
    "examples.canvas.clientrequesteddraw",
}
"""What the rubric shows as whole libraries: they stand without a frame."""

# What the blocks use and do not declare.
MISSING = {
    "Args": "type Args = table {};",
    "Bar": "protocol Bar {};",
    "Baz": "protocol Baz {};",
    "Codec": "protocol Codec {};",
    "CodecParams": "type CodecParams = table {};",
    "ColorCorrection": "type ColorCorrection = enum { NONE = 1; };",
    "Entry": "type Entry = struct { name string:32; };",
    "FocusChangedEvent": "type FocusChangedEvent = table {};",
    "Foo": "protocol Foo {};",
    "Image": "type Image = struct { pixels vector<byte>; };",
    "InputEvent": "type InputEvent = table {};",
    "MyStatus": "type MyStatus = enum { OK = 1; };",
    "Qux": "protocol Qux {};",
    "SuccessValue": "type SuccessValue = struct { value int32; };",
    "fuchsia.math": "using fuchsia.math;",
    "zx": "using zx;",
}
MATH = "library fuchsia.math; type Rect = struct { x int32; y int32; width int32; height int32; };"

# For each block, by the first of its names: what it lacks. What the rubric calls bad (BadFoo,
# BadFrobinate, ServiceHub, View3) is bad design and good FIDL: none of it is refused.
FRAMES: dict[str, tuple[str, ...]] = {
    "A": (),
    "BarIterator": ("Bar",),
    "BarTransaction": ("Args", "Bar"),
    "BazTransaction": ("Args", "Bar"),
    "Canvas": ("Image", "zx"),
    "Codec2": ("CodecParams",),
    "CodecProvider": ("Codec", "CodecParams"),
    "DeathWish": ("zx",),
    "EventBasedGetter": ("Bar",),
    "Exporter": ("zx",),
    "FileType": (),
    "Foo": (),
    "Foo1": ("Args", "Bar"),
    "FooController": (),
    "FooProvider": ("Args", "Foo"),
    "GoodFoo": ("Bar",),
    "InfoFeaturesBits": (),
    "InfoFeaturesHex": (),
    "Ipv4Address": (),
    "Listener": ("Args",),
    "Logger": (),
    "MAX_BATCH_SIZE": (),
    "MetadataFields": (),
    "MyCommandVariant": (),
    "MyEmptyErrorCode": ("SuccessValue",),
    "MyErrorCode": ("SuccessValue",),
    "MyStatusCode": ("SuccessValue",),
    "NetworkScanner": (),
    "PokeCmd": ("MyStatus",),
    "ServiceHub": ("Bar", "Baz", "Foo", "Qux"),
    "Settings": ("ColorCorrection",),
    "TheManagerOfOtherSorts": ("Args", "Settings"),
    "TheManagerOfSomeSorts": ("Args", "Settings"),
    "Token": ("Entry",),
    "View1": ("InputEvent",),
    "View2": ("FocusChangedEvent", "InputEvent"),
    "View3": ("fuchsia.math",),
    "View4": ("fuchsia.math",),
}
MISSING["Settings"] = "type Settings = table {};"

# For each kind of code in a sentence: what stands around it.
AROUND = {
    "declaration": "{}",
    "event": "open protocol Around {{ flexible {}; }};",
    "library": "",
    "member": "type Around = enum {{ {}; }};",
    "method": "open protocol Around {{ {} }};",
    "rights": "using zx; type Around = resource struct {{ vmo zx.Handle:<VMO, {}>; }};",
    "type": "{using} const N uint32 = 4; {protocol} type Around = resource struct {{ held {}; }};",
}

# What is refused, with the rule that refuses it.
REFUSED = {"fuchsia.io2.1": "fi-0008"}  # a component of a library's name begins with a letter


def _framed(block: Block) -> str:
    """Put what a block lacks around it; a whole library lacks nothing."""
    if block.library:
        return block.text
    lacking = [MISSING[name] for name in FRAMES[block.key]]
    return "\n".join(["library rubric;", *sorted(lacking, key=_uses_last), block.text])


def _uses_last(text: str) -> bool:
    return not text.startswith("using ")


def _around(code: Inline) -> str:
    """Put a library around a piece of code; what it leaves out is nothing."""
    if code.kind == "library":
        return f"library {code.text};"
    end = re.search(r"_end:(\w+)$", code.text)
    text = AROUND[code.kind].format(
        code.text.replace("...", ""),
        using="using zx;" if code.text.startswith("zx.") else "",
        protocol=f"protocol {end[1]} {{}};" if end else "",
    )
    return f"library rubric; {text}"


@pytest.fixture
def maths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generate the one library that blocks import, where their modules look for it."""
    monkeypatch.setitem(sys.modules, "fuchsia_math", None)
    load(compile_ir(tmp_path, MATH), "fuchsia_math")


def _compile(folder: Path, text: str) -> dict[str, Any]:
    imports = [MATH] if "using fuchsia.math;" in text else []
    return compile_ir(folder, *imports, text)


def test_nothing_that_is_shown_drops_out() -> None:
    found = blocks()
    assert len(found) == 42
    assert {block.key for block in found} == set(FRAMES) | WHOLE
    shown = [
        line for line in lines() if re.match(r"(\w+ )*protocol \w+ {|(type|alias) \w+ = ", line)
    ]
    constants = [line for line in lines() if re.match(r"const [A-Z_]+ \w+ = ", line)]
    assert sum(len(block.names) for block in found) == len(shown) + len(constants) == 76
    assert Counter(code.kind for code in inlines()) == {
        "declaration": 2,
        "event": 3,
        "library": 47,
        "member": 1,
        "method": 11,
        "rights": 7,
        "type": 17,
    }


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_whole_library_compiles_as_it_stands(name: str) -> None:
    shown = [block for block in blocks() if block.library == name]
    assert shown
    for block in shown:
        compiled = compile_sources([[SourceFile("rubric.fidl", block.text)]])
        assert compiled.library.name == name
        assert not compiled.diagnostics


@pytest.mark.usefixtures("maths")
@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"{block.line}-{block.key}")
def test_a_block_compiles_and_its_python_runs(block: Block, tmp_path: Path) -> None:
    ir = _compile(tmp_path, _framed(block))
    declared = {name.partition("/")[2] for name in ir["declarations"]}
    assert set(block.names) <= declared
    module = load(ir, "generated_rubric")
    for name in block.names:
        assert hasattr(module, name)
    for protocol in ir["protocol_declarations"]:
        name = protocol["name"].partition("/")[2]
        for suffix in ("Proxy", "BlockingProxy", "Server"):
            assert hasattr(module, name + suffix)


@pytest.mark.parametrize("code", inlines(), ids=lambda code: f"{code.line}-{code.text}")
def test_code_in_a_sentence_compiles_and_its_python_runs(code: Inline, tmp_path: Path) -> None:
    text = _around(code)
    if code.text in REFUSED:
        (tmp_path / "refused.fidl").write_text(text)
        reports: list[str] = []
        arguments = ["--format", "json", "--files", str(tmp_path / "refused.fidl")]
        assert run_fidlc(arguments, reports.append, reports.append) == 1
        assert json.loads("".join(reports))[0]["id"] == REFUSED[code.text]
        return
    load(_compile(tmp_path, text), "generated_rubric")


def test_the_method_that_gives_its_selector_has_that_ordinal(tmp_path: Path) -> None:
    (block,) = [block for block in blocks() if block.key == "A"]
    (protocol,) = _compile(tmp_path, _framed(block))["protocol_declarations"]
    (method,) = protocol["methods"]
    assert (method["name"], method["ordinal"]) == ("B", method_ordinal("rubric/A.C"))
