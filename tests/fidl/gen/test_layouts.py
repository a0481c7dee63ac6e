from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ipcrt.bindings.codec import Codec
from tests.fidl.gen import sample
from tests.fidl.gen.compiling import compile_ir, load


def _body(value: Any) -> bytes:
    type_: type[Any] = value.__class__
    body, handles = Codec(type_).encode(value)
    assert not handles
    return body


def test_a_struct_is_an_array_of_its_members_in_their_order() -> None:
    assert _body(sample.Node("a", None, None)) == b"\x93\xa1a\xc0\xc0"


def test_a_table_is_a_map_by_ordinal_without_what_is_absent() -> None:
    assert _body(sample.Settings()) == b"\x80"
    colour = sample.Settings(colour=sample.Colour.RED, volume=1)
    assert _body(colour) == b"\x82\x01\x01\x05\x01"


def test_a_union_is_its_ordinal_and_its_value() -> None:
    assert _body(sample.ShapeRadius(7)) == b"\x92\x01\x07"


def test_an_empty_table_union_and_struct(tmp_path: Path) -> None:
    text = (
        "library ipcrt.empty; type T = table {}; type S = struct {}; type U = flexible union {};"
        "type All = struct { t T; s S; };"
    )
    module = load(compile_ir(tmp_path, text), "generated_empty")
    assert _body(module.All(module.T(), module.S())) == b"\x92\x80\x90"
    codec: Codec[Any] = Codec(module.U)
    assert codec.decode(memoryview(b"\x92\x05\xc3"), []).ordinal == 5


def test_documentation_is_where_help_finds_it() -> None:
    assert sample.Node.__doc__ == "A tree."
    assert sample.BaseEchoRequest.__doc__ is None  # its name says it


def test_members_are_positional_and_frozen() -> None:
    node = sample.Node("a", None, None)
    assert [f.name for f in msgspec.structs.fields(node)] == ["name", "left", "right"]
    with pytest.raises(AttributeError):
        node.name = "b"  # type: ignore[misc]
