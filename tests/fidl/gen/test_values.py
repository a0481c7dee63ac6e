from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.errors import RemoteProtocolError
from ipcrt.fidl.gen.module import generate
from tests.fidl.gen.compiling import compile_ir, load


@pytest.fixture
def module(tmp_path: Path) -> Any:
    text = r"""
library ipcrt.values;
const TEXT string = "a \"b\" \\ \u{fc}\n";
const SMALL int64 = -0x8000000000000000;
const LARGE uint64 = 0xffffffffffffffff;
const THIRD float32 = 0.25;
const NO bool = false;
const BOTH Bits = Bits.A | Bits.B;
const SAME Bits = BOTH;
const CHOICE Kind = Kind.SECOND;
type Bits = strict bits : uint64 { A = 1; B = 0x8000000000000000; };
type Kind = strict enum : int8 { FIRST = -1; SECOND = 2; };
type Open = flexible enum : int16 { NAME = 3; @unknown VALUE = 4; };
type Empty = flexible enum {};
type Loose = flexible bits : uint16 {};
type Flags = flexible bits : uint16 { A = 1; };
type Pair = struct { a Empty; b Loose; };
"""
    return load(compile_ir(tmp_path, text), "generated_values")


def test_constants(module: Any) -> None:
    assert module.TEXT == 'a "b" \\ ü\n'
    assert (module.SMALL, module.LARGE) == (-(1 << 63), (1 << 64) - 1)
    assert module.THIRD == 0.25
    assert module.NO is False
    assert module.BOTH == module.Bits.A | module.Bits.B == module.SAME
    assert module.CHOICE is module.Kind.SECOND


def test_numbers_are_written_as_the_contract_writes_them(tmp_path: Path) -> None:
    text = (
        "library ipcrt.written; const A uint32 = 0x00ff; const B int8 = -0x1; const C uint8 = 0b11;"
        "const D uint32 = A; type E = enum { X = 0xab; Y = 12; }; type F = bits { X = 0x400; };"
    )
    generated = generate(compile_ir(tmp_path, text))
    for line in ("A: Final = 0x00FF", "B: Final = -1", "C: Final = 3", "D: Final = 255"):
        assert f"\n{line}\n" in generated
    assert "X = 0xAB\n    Y = 12\n" in generated
    assert "X = 0x400\n" in generated


def test_strict_ones_refuse_what_they_do_not_know(module: Any) -> None:
    assert issubclass(module.Kind, enum.IntEnum)
    with pytest.raises(ValueError, match="3"):
        module.Kind(3)
    with pytest.raises(ValueError, match="invalid"):
        module.Bits(2)


def test_flexible_ones_keep_it_within_their_type(module: Any) -> None:
    assert module.Open(-(1 << 15)).is_unknown
    assert not module.Open(3).is_unknown
    assert module.Open.VALUE.is_unknown
    assert module.Open.VALUE == 4
    for value in (1 << 15, -(1 << 15) - 1):
        with pytest.raises(ValueError, match="is not a valid"):
            module.Open(value)
    assert module.Flags(0xFFFF).unknown == 0xFFFE
    with pytest.raises(ValueError, match="65536"):
        module.Flags(1 << 16)


def test_values_of_which_none_is_known_are_numbers(module: Any) -> None:
    codec: Codec[Any] = Codec(module.Pair)
    assert codec.decode(memoryview(b"\x92\x07\xcd\xff\xff"), []) == module.Pair(7, 0xFFFF)
    with pytest.raises(RemoteProtocolError):
        codec.decode(memoryview(b"\x92\x07\xce\x00\x01\x00\x00"), [])
