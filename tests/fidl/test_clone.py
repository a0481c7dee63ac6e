"""Copies of declarations, of every kind."""

from __future__ import annotations

from tests.support.fidl import compile_versioned


def test_every_kind_can_be_cut() -> None:
    text = """
    @available(added=1) const N uint32 = 2;
    alias A = vector<T>:N;
    type T = struct { x bool; @available(added=2) y bool; };
    type U = union { 1: a A; };
    type E = enum { X = 1; @available(added=2) Y = 2; };
    type S = struct { @allow_deprecated_struct_defaults e E = E.X; };
    protocol P { compose Q; M(T) -> (T) error E; @available(added=2) -> Ev(U); };
    protocol Q { @available(added=2) N(); };
    service V { p client_end:P; @available(added=2) q client_end:P; };
    resource_definition H : uint32 { properties { subtype O; @available(added=2) rights R; }; };
    type O = enum : uint32 { NONE = 0; };
    type R = bits : uint32 { A = 1; @available(added=2) B = 2; };
    type W = resource struct { h H; };
    """
    one, two = compile_versioned(text, "1").ir, compile_versioned(text, "2").ir
    assert len(one["protocol_declarations"][0]["methods"]) == 1
    assert len(two["protocol_declarations"][0]["methods"]) == 3
    assert one["bits_declarations"][0]["mask"] == "1"
    assert two["bits_declarations"][0]["mask"] == "3"
    assert one["declarations"].keys() == two["declarations"].keys()
