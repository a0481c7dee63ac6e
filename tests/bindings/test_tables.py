from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ipcrt.bindings.tables import (
    Event,
    Kind,
    Method,
    OneWay,
    Openness,
    ProtocolTable,
    Struct,
    TwoWay,
    snake_name,
)
from ipcrt.wire.ordinals import method_ordinal
from tests.bindings.calc import CalcFailed, Number, Pair


class Loose(msgspec.Struct):
    value: int


@pytest.mark.parametrize(
    "method, kind, flags, has_result",
    [
        (TwoWay("a/B.Get", Pair, Number, strict=True), Kind.TWO_WAY, 0, False),
        (TwoWay("a/B.Get", Pair, Number), Kind.TWO_WAY, 2, True),
        (TwoWay("a/B.Get", Pair, Number, raises=CalcFailed, strict=True), Kind.TWO_WAY, 0, True),
        (OneWay("a/B.Get", Pair, strict=True), Kind.ONE_WAY, 0, False),
        (OneWay("a/B.Get", Pair), Kind.ONE_WAY, 2, True),
        (Event("a/B.Get", Pair), Kind.EVENT, 2, True),
    ],
)
def test_what_follows_from_a_declaration(
    method: Method[Any, Any], kind: Kind, flags: int, has_result: bool
) -> None:
    assert (method.name, method.KIND, method.flags) == ("get", kind, flags)
    assert method.ordinal == method_ordinal("a/B.Get")
    assert method.has_result is has_result
    assert method.request.type is Pair
    assert (method.error is None) is (method.raises is None)
    assert repr(method) == f"<{type(method).__name__} a/B.Get>"


@pytest.mark.parametrize(
    "selector, name",
    [
        ("a/B.Get", "get"),
        ("a/B.WriteItem", "write_item"),
        ("a.b/B.GetHTTPServer2", "get_http_server2"),
        ("a/B.OnX", "on_x"),
        ("a/B.Import", "import_"),
        ("a/B.Close", "close_"),
        ("a/B.Statistics", "statistics_"),
        ("a/B.ClientCame", "client_came_"),
        ("a/B.ClientGone", "client_gone_"),
        ("a/B.UnknownEvent", "unknown_event_"),
        ("a/B.UnknownMethod", "unknown_method_"),
        ("a/B.Go__Now", "go_now"),
    ],
)
def test_names(selector: str, name: str) -> None:
    assert snake_name(selector) == name


def test_a_table_sorts_its_methods() -> None:
    call, note, event = TwoWay("a/B.X", Pair, Pair), OneWay("a/B.Y", Pair), Event("a/B.Z", Pair)
    table = ProtocolTable("a/B", Openness.OPEN, (call, note, event))
    assert [*table.by_ordinal.values()] == [call, note, event]
    assert table.requests == {call.ordinal: call, note.ordinal: note}
    assert table.events == {event.ordinal: event}


@pytest.mark.parametrize("selectors", [("a/B.X", "a/B.X"), ("a/B.GetX", "a/B.Get_X")])
def test_two_methods_may_not_share_an_ordinal_or_a_name(selectors: tuple[str, str]) -> None:
    methods = tuple(OneWay(selector, Pair) for selector in selectors)
    with pytest.raises(ValueError, match="a/B: two methods share"):
        ProtocolTable("a/B", Openness.OPEN, methods)


@pytest.mark.parametrize(
    "openness, allowed",
    [
        (Openness.CLOSED, set[Kind]()),
        (Openness.AJAR, {Kind.ONE_WAY, Kind.EVENT}),
        (Openness.OPEN, set(Kind)),
    ],
)
def test_openness(openness: Openness, allowed: set[Kind]) -> None:
    table = ProtocolTable("a/B", openness, ())
    assert {kind for kind in Kind if table.allows_unknown(kind)} == allowed


@pytest.mark.parametrize("make", [OneWay, Event])
def test_a_payload_without_a_wire_form_is_refused(make: Any) -> None:
    with pytest.raises(TypeError, match="Loose is not array_like"):
        make("a/B.X", Loose)
    with pytest.raises(TypeError, match="Loose is not array_like"):
        TwoWay("a/B.X", Pair, Loose)


def test_a_struct_is_an_array_of_its_members_and_nothing_more() -> None:
    assert issubclass(Pair, Struct)
    assert msgspec.msgpack.encode(Pair(1, 2)) == b"\x92\x01\x02"
    with pytest.raises(AttributeError):
        Pair(1, 2).a = 3  # type: ignore[misc]
    for body in (b"\x91\x01", b"\x93\x01\x02\x03", b"\x82\xa1a\x01\xa1b\x02"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.msgpack.decode(body, type=Pair)
