from __future__ import annotations

from typing import Final

import pytest

from tests.support.fidl_lint import (
    Case,
    assert_found,
    assert_passed,
    bad_texts,
    good_texts,
    methods,
)

CASES: Final = {
    "anonymous-error-enum": Case(
        methods("flexible M() -> () error §flexible enum {};"),
        methods("flexible M() -> () error E;"),
    ),
    "event-name": Case(
        methods("flexible -> §Done();", "flexible -> §Once();"),
        methods("flexible -> OnDone();", "flexible Done();"),
    ),
    "implicit-openness": Case(("protocol §P {};",), ("ajar protocol P {};",)),
    "implicit-strictness": Case(
        methods("§M();", "-> §OnM();"), methods("strict M();", "flexible -> OnM();")
    ),
    "set-verb": Case(
        methods("flexible §SetFoo();", "flexible §Set();", "flexible §OverrideAll();"),
        methods("flexible Settle();", "flexible Update();", "flexible -> OnSet();"),
    ),
    "client-end-in-response": Case(
        (
            *methods("flexible Get() -> (resource struct { §bar client_end:B; });"),
            (
                "type R = resource struct { §b client_end:B; };"
                " open protocol P { flexible Get() -> (R); };"
            ),
        ),
        methods(
            "flexible WatchFoo() -> (resource struct { bar client_end:B; });",
            "flexible Get(resource struct { bar server_end:B; });",
        ),
    ),
    "service-hub": Case(
        (
            (
                "@discoverable open protocol §P { flexible A(resource struct { a server_end:A; });"
                " flexible B(resource struct { b server_end:B; }); };"
            ),
        ),
        (
            (
                "open protocol P { flexible A(resource struct { a server_end:A; });"
                " flexible B(resource struct { b server_end:B; }); };"
            ),
            (
                "@discoverable open protocol P { flexible A(resource struct { a server_end:A; });"
                " flexible B(); };"
            ),
        ),
    ),
    "empty-protocol": Case(
        ("open protocol §P {};",), ("/// Close it to stop.\nopen protocol P {};",)
    ),
    "unbounded-page": Case(
        (
            (
                "closed protocol FooIterator { strict Get() ->"
                " (struct { foos §vector<bool>:MAX; }); };"
            ),
            "closed protocol FooIterator { strict GetNext() -> (table { 1: a §vector<bool>; }); };",
        ),
        ("closed protocol FooIterator { strict Get() -> (struct { foos vector<bool>:9; }); };",),
    ),
    "integer-error": Case(
        methods("flexible M() -> () error §int32;"),
        methods("flexible M() -> () error zx.Status;", "flexible M() -> () error E;"),
    ),
    "mixed-errors": Case(
        methods("flexible M() -> () error E; flexible N() -> () error §F;"),
        methods("flexible M() -> () error E; flexible N() -> () error E; flexible O();"),
    ),
    "event-pagination": Case(
        methods("flexible -> §OnFoos(struct { a vector<bool>:3; }); flexible -> OnFoosDone();"),
        methods(
            "flexible -> OnFoos(struct { a vector<bool>:3; });",
            "flexible -> OnFoo(struct { a bool; }); flexible -> OnFooDone();",
        ),
    ),
    "iterator-without-get": Case(
        ("closed protocol §FooIterator { strict Stop(); };",),
        ("closed protocol FooIterator { strict GetNext() -> (struct { a bool; }); };",),
    ),
    "no-synchronization": Case(
        ("open protocol §P { flexible A(); flexible B(); flexible C(); };",),
        ("open protocol P { flexible A(); flexible B(); flexible C(); flexible Flush() -> (); };",),
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)
