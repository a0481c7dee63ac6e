from __future__ import annotations

from typing import Final

import pytest

from tests.support.fidl_lint import Case, assert_found, assert_passed, bad_texts, good_texts

CASES: Final = {
    "implicit-flexibility": Case(
        ("type §T = enum { A = 1; };", "type §T = resource union { 1: a bool; };"),
        ("type T = strict enum { A = 1; };", "type T = table {};", "type T = flexible bits {};"),
    ),
    "zero-enum-member": Case(
        ("type T = strict enum { §RUNNING = 0; };", "type T = strict enum { §A = 0x0; };"),
        (
            "type T = strict enum { UNKNOWN = 0; A = 1; };",
            "type T = strict enum { STATE_NONE = 0; };",
            "type T = flexible bits { A = 1; };",
        ),
    ),
    "ok-in-error-enum": Case(
        ("type E = flexible enum { §OK = 0; }; open protocol P { flexible M() -> () error E; };",),
        ("type E = flexible enum { OK = 0; };",),
    ),
    "ordinal-gap": Case(
        (
            "type T = table { §2: a bool; };",
            "type T = table { 1: a bool; §3: b bool; };",
            "type T = flexible union { 1: a bool; §9: b bool; };",
        ),
        (
            "type T = table { 1: a bool; 2: b bool; };",
            "type T = table { 1: a bool; @available(added=2) 1: a string; 2: b bool; };",
        ),
    ),
    "ordinal-order": Case(
        ("type T = table { 1: a bool; 3: b bool; §2: c bool; };",),
        ("type T = table { 1: a bool; 2: c bool; 3: b bool; };",),
    ),
    "fields-bits-mismatch": Case(
        (
            "type T = table { 1: a bool; }; type §TFields = strict bits { A = 1; };",
            "type T = table { 1: a bool; 2: b bool; }; type TFields = flexible bits { §B = 1; };",
            "type T = table { 1: a bool; }; type TFields = flexible bits { §B = 1; };",
        ),
        ("type T = table { 1: a bool; 2: b bool; }; type TFields = flexible bits { B = 2; };",),
    ),
    "variant-enum-mismatch": Case(
        (
            "type U = strict union { 1: a bool; }; type §UVariant = flexible enum { A = 1; };",
            "type U = strict union { 1: a bool; }; type UVariant = strict enum { §A = 2; };",
        ),
        (
            "type U = strict union { 1: a bool; }; type UVariant = strict enum { A = 1; };",
            (
                "type U = strict union { 4000000000: a bool; };"
                " type UFields = flexible bits { A = 1; };"
            ),
        ),
    ),
    "modifier-order": Case(
        ("type T = §resource strict union { 1: a bool; };",),
        ("type T = strict resource union { 1: a bool; };",),
    ),
    "struct-of-optionals": Case(
        ("type §T = struct { a string:<3, optional>; b box<T>; c box<T>; d bool; };",),
        (
            "type T = struct { a string:<3, optional>; b box<T>; };",
            "type T = struct { a box<T>; b box<T>; c box<T>; d bool; e bool; f bool; };",
        ),
    ),
    "settings-struct": Case(
        ("type §FooSettings = struct { a bool; };",),
        ("type FooSettings = table { 1: a bool; };", "type Foo = struct { a bool; };"),
    ),
    "enum-as-flags": Case(
        ("type §T = strict enum { A = 1; B = 2; C = 4; D = 8; };",),
        ("type T = strict enum { A = 1; B = 2; C = 3; D = 4; };",),
    ),
    "strict-error-enum": Case(
        ("type §E = strict enum { A = 1; }; open protocol P { flexible M() -> () error E; };",),
        ("type E = flexible enum { A = 1; }; open protocol P { flexible M() -> () error E; };",),
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)
