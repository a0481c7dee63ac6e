"""Which calls are plain, and what is kept of a plain one; tests/_speedups compares both ways."""

from __future__ import annotations

from typing import Any

import pytest

from ipcrt._speedups.chosen import ACTIVE
from ipcrt.bindings.caller import plan_for
from ipcrt.bindings.result import EMPTY_STRUCT, SUCCESS
from ipcrt.bindings.tables import Method, Struct, TwoWay
from ipcrt.wire.header import HEADER_BYTES
from tests.bindings.calc import ADD, DIVIDE, ECHO, HANG, REVERSE, SUM, Number, Pair


def test_a_plain_call_is_encoded_checked_and_decoded_as_its_codecs_do() -> None:
    plan = plan_for(ADD)
    assert plan is not None
    assert plan.encode is not None
    assert plan.decode is not None
    body = plan.encode(Pair(1, 2))
    assert (body, ()) == ADD.request.encode(Pair(1, 2))
    assert plan.decode(b"\x91\x03") == Number(3)
    assert plan.prefix == b""
    assert len(plan.head) == HEADER_BYTES
    assert plan.head[8:] == ADD.ordinal.to_bytes(8, "little")


@pytest.mark.parametrize(
    "method, prefix", [(DIVIDE, SUCCESS), (HANG, SUCCESS + EMPTY_STRUCT)], ids=["error", "empty"]
)
def test_a_success_has_its_prefix(method: Method[Any, Any], prefix: bytes) -> None:
    plan = plan_for(method)
    assert plan is not None
    assert plan.prefix == prefix
    assert (plan.decode is None) is (method is HANG)


def test_what_needs_more_than_msgspec_has_no_plan() -> None:
    assert plan_for(ECHO) is None


@pytest.mark.parametrize("method", [SUM, REVERSE], ids=["a VMO", "a file"])
def test_what_has_handles_has_a_plan_where_c_makes_them(method: Method[Any, Any]) -> None:
    assert (plan_for(method) is not None) is ACTIVE


class Odd(Struct, frozen=True):
    thing: object


def test_what_has_no_wire_form_has_no_plan() -> None:
    assert plan_for(TwoWay("test/Odd.Call", Pair, Odd)) is None
