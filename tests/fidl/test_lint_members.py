from __future__ import annotations

from typing import Final

import pytest

from tests.support.fidl_lint import (
    Case,
    assert_found,
    assert_passed,
    bad_texts,
    good_texts,
    members,
    methods,
)

CASES: Final = {
    "string-for-bytes": Case(
        members("§uuid string:16;", "§raw_bytes string:9;"), members("uuid array<byte, 16>;")
    ),
    "bytes-for-text": Case(
        members("§file_name vector<byte>:9;", "§url bytes:9;"),
        members("name string:9;", "names vector<string:3>:9;"),
    ),
    "vector-for-fixed-size": Case(members("§mac vector<uint8>:6;"), members("mac array<byte, 6>;")),
    "boolean-may-grow": Case(
        members("§is_gif bool;", "§power_state bool;"),
        members("enabled bool;", "is_gif Kind;", "is_ok bool;"),
    ),
    "signed-count": Case(
        members("§count int32;", "§num_things int64;"), members("count uint32;", "offset int64;")
    ),
    "unit-missing": Case(
        members("§timeout uint32;", "§max_delay int64;"),
        members("timeout_ms uint32;", "timeout zx.Duration;"),
    ),
    "sensitive-data": Case(
        members("§serial_number string:9;", "§email string:9;"),
        members("serial_number Id;", "has_email bool;"),
    ),
    "magic-absence": Case(
        members('/// Set to "" to remove.\n§name string:9;', "/// Pass -1 to clear.\n§a int32;"),
        members("/// Set to 5 to be quick.\na int32;"),
    ),
    "boolean-result": Case(
        methods("flexible M() -> (struct { §success bool; });"),
        methods("flexible M() -> (struct { found bool; });", "flexible M(struct { ok bool; });"),
    ),
    "status-in-response": Case(
        (
            *methods("flexible M() -> (struct { §status int32; });"),
            "using zx; open protocol P { flexible M() -> (struct { §s zx.Status; }); };",
        ),
        methods(
            "flexible M() -> (struct { status int32; }) error E;",
            "flexible -> OnX(struct { status int32; });",
        ),
    ),
    "error-message": Case(
        members("§error_message string:9;", "§stack_trace string:9;"),
        members("message string:9;", "error_code uint32;"),
    ),
}


@pytest.mark.parametrize("id_, text", bad_texts(CASES))
def test_a_check_finds(id_: str, text: str) -> None:
    assert_found(id_, text)


@pytest.mark.parametrize("id_, text", good_texts(CASES))
def test_a_check_lets_pass(id_: str, text: str) -> None:
    assert_passed(id_, text)
