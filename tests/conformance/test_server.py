"""What every server does, whoever its client is: named as FIDL's own server suite names them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.bindings.tables import Kind
from ipcrt.bindings.union import UnknownVariant
from ipcrt.errors import PeerClosed, RemoteProtocolError, Status
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt.wire.body import encode_value
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, VERSION_1, VERSION_SHIFT
from tests.conformance import contract as c
from tests.conformance.peer import UNKNOWN, Peer, Slot, handle_array, header
from tests.conformance.targets import AJAR, CLOSED, EMPTY, EMPTY_TABLE, OPEN, Ajar, Closed, Open
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


class Served:
    """A target behind its binding, and the client's side by hand."""

    def __init__(self, target: Any, binding: ServerBinding[Any], peer: Peer) -> None:
        self.target = target
        self.binding = binding
        self.peer = peer

    async def heard(self, *notes: Any) -> None:
        """The target has been told just this."""
        await wait_until_async(lambda: self.target.notes == list(notes))

    async def closes(self) -> None:
        """The server has closed its end, for what we said, and said nothing."""
        await self.peer.expect_closed()
        await wait_until_async(lambda: len(self.target.gone) == 1)
        assert isinstance(self.target.gone[0], RemoteProtocolError)

    async def goes_on(self) -> None:
        """The server still answers."""
        methods = {Closed: CLOSED, Ajar: AJAR, Open: OPEN}[type(self.target)]
        ask = methods.get("ask") or methods["two_way_no_payload"]
        await self.peer.send(ask, txid=77)
        await self.peer.expect(ask, txid=77)


@asynccontextmanager
async def serving(target: Any) -> AsyncGenerator[Served, None]:
    protocol: type[Any] = target.PROTOCOL
    client, end = create_endpoints(protocol)
    async with open_port() as port:
        peer = Peer(client.take_channel(), port)
        try:
            binding: ServerBinding[Any]
            with ServerBinding(end, target, port) as binding:
                yield Served(target, binding, peer)
        finally:
            peer.close()


# ---- one-way interactions

ONE_WAY = [
    pytest.param("one_way_no_payload", (), ("no payload",), id="OneWayNoPayload"),
    pytest.param("one_way_struct", ([7],), ("struct", 7), id="OneWayStructPayload"),
    pytest.param(
        "one_way_table", ({1: 7},), ("table", c.SomeTable(some=7)), id="OneWayTablePayload"
    ),
    pytest.param(
        "one_way_table", (EMPTY_TABLE,), ("table", c.SomeTable()), id="OneWayEmptyTablePayload"
    ),
    pytest.param(
        "one_way_union", ([1, 7],), ("union", c.SomeUnionSome(7)), id="OneWayUnionPayload"
    ),
]


@pytest.mark.parametrize("name, body, note", ONE_WAY)
async def test_one_way(name: str, body: tuple[Any, ...], note: tuple[Any, ...]) -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED[name], *body)
        await served.heard(note)


async def test_one_way_with_a_handle() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["one_way_handle"], [Slot(0)], handles=[Event.create()])
        await served.heard(("handle", Event))


async def test_one_way_with_non_zero_txid() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["one_way_no_payload"], txid=56)
        await served.closes()
        assert served.target.notes == []


# ---- two-way interactions

TWO_WAY = [
    pytest.param("two_way_no_payload", (), (), id="TwoWayNoPayload"),
    pytest.param("two_way_struct", ([-128],), ([-128],), id="TwoWayStructPayload"),
    pytest.param("two_way_table", ({1: 5},), ({1: 5},), id="TwoWayTablePayload"),
    pytest.param("two_way_table", (EMPTY_TABLE,), (EMPTY_TABLE,), id="TwoWayEmptyTablePayload"),
    pytest.param("two_way_union", ([1, 5],), ([1, 5],), id="TwoWayUnionPayload"),
    pytest.param("two_way_result", ([1, "yes"],), ([1, ["yes"]],), id="TwoWayResultWithPayload"),
    pytest.param("two_way_result", ([2, 17],), ([2, 17],), id="TwoWayResultWithError"),
    pytest.param(
        "two_way_empty_result", ([1, "x"],), ([1, EMPTY],), id="TwoWayResultWithoutPayload"
    ),
    pytest.param("two_way_empty_result", ([2, 0],), ([2, 0],), id="TwoWayResultWithErrorZero"),
]


@pytest.mark.parametrize("name, request_body, reply_body", TWO_WAY)
async def test_two_way(
    name: str, request_body: tuple[Any, ...], reply_body: tuple[Any, ...]
) -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED[name], *request_body, txid=0xFFFF_FFFF)
        await served.peer.expect(CLOSED[name], *reply_body, txid=0xFFFF_FFFF)


async def test_two_way_with_a_handle() -> None:
    async with serving(Closed()) as served:
        event = Event.create()
        koid = event.koid
        await served.peer.send(CLOSED["two_way_handle"], [Slot(0)], txid=1, handles=[event])
        await served.peer.expect(CLOSED["two_way_handle"], [Slot(0)], txid=1)
        assert [handle.koid for handle in served.peer.handles] == [koid]


async def test_two_way_with_zero_txid() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["two_way_no_payload"])
        await served.closes()
        assert served.target.notes == []


async def test_a_txid_may_be_used_again() -> None:
    async with serving(Closed()) as served:
        for number in range(3):
            await served.peer.send(CLOSED["two_way_struct"], [number], txid=9)
            await served.peer.expect(CLOSED["two_way_struct"], [number], txid=9)


async def test_a_handler_that_fails_ends_its_call_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["fail"], txid=3)
        await served.peer.expect_epitaph(Status.INTERNAL, 3)
        await served.goes_on()
    assert "for the log alone" in caplog.text


# ---- handles

WRONG_HANDLES = [
    pytest.param([Slot(0)], 0, id="TooFewHandles"),
    pytest.param([Slot(0)], 2, id="TooManyHandles"),
    pytest.param([Slot(1)], 1, id="HandleIndexBeyond"),
    pytest.param([Slot(0), Slot(0)], 1, id="HandleNamedTwice"),
    pytest.param([None], 1, id="HandleNotNamed"),
    pytest.param([None], 0, id="HandleAbsentWhereRequired"),
]


@pytest.mark.parametrize("body, count", WRONG_HANDLES)
async def test_wrong_handles(body: list[Any], count: int) -> None:
    async with serving(Closed()) as served:
        raw = bytes([0x90 + len(body)])
        for item in body:
            raw += b"\xc0" if item is None else bytes((0xD4, 1, item.index))
        data = header(CLOSED["one_way_handle"].ordinal, raw, count=count)
        await served.peer.send_raw(data, [Event.create() for _ in range(count)])
        await served.closes()
        assert served.target.notes == []


async def test_wrong_handle_count_in_the_header() -> None:
    async with serving(Closed()) as served:
        data = header(CLOSED["one_way_handle"].ordinal, handle_array(1), count=2)
        await served.peer.send_raw(data, [Event.create()])
        await served.closes()


async def test_wrong_handle_type() -> None:
    async with serving(Closed()) as served:
        vmo = Vmo.create(1)
        await served.peer.send(CLOSED["one_way_handle"], [Slot(0)], handles=[vmo])
        await served.closes()


async def test_handles_where_none_belong() -> None:
    async with serving(Closed()) as served:
        data = header(CLOSED["one_way_struct"].ordinal, handle_array(1), count=1)
        await served.peer.send_raw(data, [Event.create()])
        await served.closes()


OPTIONAL = [
    pytest.param([None, None, None], (None, None, False), id="AllAbsent"),
    pytest.param(["x", [3], Slot(0)], ("x", c.Some(3), True), id="AllPresent"),
]


@pytest.mark.parametrize("body, note", OPTIONAL)
async def test_optional(body: list[Any], note: tuple[Any, ...]) -> None:
    async with serving(Closed()) as served:
        handles: list[Handle] = [Event.create()] if note[2] else []
        await served.peer.send(CLOSED["optional"], body, txid=1, handles=handles)
        await served.peer.expect(CLOSED["optional"], txid=1)
        assert served.target.notes == [("optional", *note)]


# ---- bad messages

ORDINAL = CLOSED["one_way_struct"].ordinal
BAD_HEADERS = [
    pytest.param(b"", id="NoHeader"),
    pytest.param(header(ORDINAL)[:15], id="HeaderCutShort"),
    pytest.param(header(ORDINAL, b"\x91\x05", flags=0), id="BadMagicNumber"),
    pytest.param(header(ORDINAL, b"\x91\x05", flags=2 << VERSION_SHIFT), id="FutureVersion"),
    pytest.param(header(ORDINAL, b"\x91\x05", flags=VERSION_1 | 8), id="ReservedFlag8"),
    pytest.param(header(ORDINAL, b"\x91\x05", flags=VERSION_1 | 16), id="ReservedFlag16"),
    pytest.param(header(ORDINAL, b"\x91\x05", flags=VERSION_1 | 4), id="SpilledInline"),
    pytest.param(header(0, b"\x91\x05"), id="OrdinalZero"),
    pytest.param(header(1 << 63, b"\x91\x05"), id="OrdinalWithTopBit"),
    pytest.param(header(ORDINAL, b"\x91\x05") + b"\x00", id="TrailingBytes"),
    pytest.param(header(ORDINAL, b"\x91\x05")[:-1], id="BodyCutShort"),
    pytest.param(header(EPITAPH_ORDINAL, b"\x00"), id="EpitaphFromClient"),
]


@pytest.mark.parametrize("data", BAD_HEADERS)
async def test_bad_header(data: bytes) -> None:
    async with serving(Closed()) as served:
        await served.peer.send_raw(data or b"\x00")
        await served.closes()
        assert served.target.notes == []


BAD_PAYLOADS = [
    pytest.param("one_way_struct", b"", id="NoBodyWhereOneBelongs"),
    pytest.param("one_way_no_payload", b"\x90", id="BodyWhereNoneBelongs"),
    pytest.param("one_way_struct", b"\x90", id="TooFewMembers"),
    pytest.param("one_way_struct", b"\x92\x05\x05", id="TooManyMembers"),
    pytest.param("one_way_struct", b"\x91\xa1x", id="WrongMemberType"),
    pytest.param("one_way_struct", b"\x91\xcc\x80", id="IntegerOutOfRange"),
    pytest.param("one_way_struct", b"\x91\xc0", id="AbsentWhereRequired"),
    pytest.param("one_way_struct", b"\x91\x05\x05", id="TwoValues"),
    pytest.param("one_way_struct", b"\x91", id="ValueCutShort"),
    pytest.param("one_way_struct", b"\x81\x01\x05", id="MapWhereArrayBelongs"),
    pytest.param("one_way_struct", b"\x91" * 33 + b"\x05", id="TooDeep"),
    pytest.param("one_way_struct", b"\xc1", id="NoMessagePack"),
    pytest.param("one_way_table", b"\x90", id="ArrayWhereTableBelongs"),
    pytest.param("one_way_table", b"\x81\x00\x05", id="TableOrdinalZero"),
    pytest.param("one_way_table", b"\x81\xff\x05", id="TableOrdinalNegative"),
    pytest.param("one_way_table", b"\x82\x01\x05\x01\x05", id="TableOrdinalTwice"),
    pytest.param("one_way_table", b"\x81\x01\xa1x", id="TableMemberOfWrongType"),
    pytest.param("one_way_table", b"\x81\xa1x\x05", id="TableKeyNoOrdinal"),
    pytest.param("one_way_union", b"\x91\x01", id="UnionWithoutValue"),
    pytest.param("one_way_union", b"\x93\x01\x05\x05", id="UnionWithTwoValues"),
    pytest.param("one_way_union", b"\x92\x00\x05", id="UnionOrdinalZero"),
    pytest.param("one_way_union", b"\x92\x01\xa1x", id="UnionMemberOfWrongType"),
]


@pytest.mark.parametrize("name, body", BAD_PAYLOADS)
async def test_bad_payload(name: str, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Closed()) as served:
        with caplog.at_level(logging.WARNING, "ipcrt"):
            await served.peer.send_raw(header(CLOSED[name].ordinal, body))
            await served.closes()
        assert served.target.notes == []
        assert [record.levelname for record in caplog.records] == ["WARNING"]


FULL = [b"12345678", "12345678", [1] * 8, 2]
BOUNDS = [
    pytest.param(FULL, True, id="AllAtTheirBounds"),
    pytest.param([b"", "", EMPTY, 1], True, id="AllEmpty"),
    pytest.param([b"123456789", *FULL[1:]], False, id="BytesTooLong"),
    pytest.param([FULL[0], "123456789", *FULL[2:]], False, id="StringTooLong"),
    pytest.param([FULL[0], "ääääx", *FULL[2:]], False, id="StringTooLongInBytes"),
    pytest.param([*FULL[:2], [1] * 9, 2], False, id="VectorTooLong"),
    pytest.param([*FULL[:2], [128], 2], False, id="VectorElementOutOfRange"),
    pytest.param([*FULL[:3], 3], False, id="StrictEnumUnknown"),
    pytest.param(["12345678", *FULL[1:]], False, id="TextWhereBytesBelong"),
]


@pytest.mark.parametrize("body, good", BOUNDS)
async def test_bounds(body: list[Any], good: bool) -> None:
    async with serving(Closed()) as served:
        await served.peer.send_raw(header(CLOSED["bounded"].ordinal, encode_value(body), txid=1))
        if good:
            await served.peer.expect(CLOSED["bounded"], txid=1)
        else:
            await served.closes()


async def test_invalid_utf8() -> None:
    async with serving(Closed()) as served:
        body = b"\x94\xc4\x00\xa1\xff\x90\x01"
        await served.peer.send_raw(header(CLOSED["bounded"].ordinal, body, txid=1))
        await served.closes()


async def test_an_unknown_union_member_where_flexible() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["one_way_union"], [9, "new"])
        await wait_until_async(lambda: len(served.target.notes) == 1)
        assert isinstance(served.target.notes[0][1], UnknownVariant)


# ---- unknown interactions

UNKNOWN_CASES = [
    pytest.param(kind, flexible, txid, id=f"Unknown{how}{way}{kind.__name__}Protocol")
    for kind in (Closed, Ajar, Open)
    for flexible, how in ((False, "Strict"), (True, "Flexible"))
    for txid, way in ((0, "OneWay"), (5, "TwoWay"))
]


@pytest.mark.parametrize("handles", [0, 2])
@pytest.mark.parametrize("kind, flexible, txid", UNKNOWN_CASES)
async def test_unknown(kind: type[Any], flexible: bool, txid: int, handles: int) -> None:
    allowed = flexible and (kind is Open or (kind is Ajar and not txid))
    async with serving(kind()) as served:
        await served.peer.send_unknown(txid, flexible=flexible, handles=handles)
        if not allowed:
            await served.closes()
            return
        if txid:
            await served.peer.expect_unknown_method(txid)
        await served.heard(("unknown", UNKNOWN, Kind.TWO_WAY if txid else Kind.ONE_WAY))
        served.target.notes.clear()
        await served.goes_on()


MISMATCHED = [
    pytest.param("strict_one_way", FLEXIBLE, ("strict",), id="StrictOneWaySaidFlexible"),
    pytest.param("flexible_one_way", 0, ("flexible",), id="FlexibleOneWaySaidStrict"),
]


@pytest.mark.parametrize("name, flags, note", MISMATCHED)
async def test_mismatched_strictness(name: str, flags: int, note: tuple[str]) -> None:
    async with serving(Open()) as served:
        await served.peer.send(OPEN[name], flags=flags)
        await served.heard(note)


RESULTS = [
    pytest.param("flexible_two_way", (), ([1, EMPTY],), id="FlexibleTwoWayResponse"),
    pytest.param("flexible_two_way_struct", ([4],), ([1, [4]],), id="FlexibleTwoWayNonEmpty"),
    pytest.param("flexible_result", ([1, "a"],), ([1, ["a"]],), id="FlexibleTwoWaySuccess"),
    pytest.param("flexible_result", ([2, 6],), ([2, 6],), id="FlexibleTwoWayError"),
    pytest.param("strict_result", ([1, "a"],), ([1, ["a"]],), id="StrictTwoWaySuccess"),
    pytest.param("strict_result", ([2, 6],), ([2, 6],), id="StrictTwoWayError"),
]


@pytest.mark.parametrize("name, request_body, reply_body", RESULTS)
async def test_open_two_way(
    name: str, request_body: tuple[Any, ...], reply_body: tuple[Any, ...]
) -> None:
    async with serving(Open()) as served:
        await served.peer.send(OPEN[name], *request_body, txid=1)
        await served.peer.expect(OPEN[name], *reply_body, txid=1)


# ---- events


async def test_send_events() -> None:
    async with serving(Closed()) as served:
        sender = c.ClosedTargetEventSender(served.binding)
        sender.on_no_payload()
        await served.peer.expect(CLOSED["on_no_payload"])
        sender.on_struct(7)
        await served.peer.expect(CLOSED["on_struct"], [7])
        await sender.on_table_wait(c.SomeTable(some=7))
        await served.peer.expect(CLOSED["on_table"], {1: 7})
        sender.on_union(c.SomeUnionSome(7))
        await served.peer.expect(CLOSED["on_union"], [1, 7])
        sender.on_handle(Event.create())
        await served.peer.expect(CLOSED["on_handle"], [Slot(0)])
        assert len(served.peer.handles) == 1


async def test_send_strict_and_flexible_events() -> None:
    async with serving(Open()) as served:
        sender = c.OpenTargetEventSender(served.binding)
        sender.on_strict()
        await served.peer.expect(OPEN["on_strict"])
        sender.on_flexible()
        await served.peer.expect(OPEN["on_flexible"])


# ---- the end


async def test_close_with_epitaph() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["close_"], [Status.ACCESS_DENIED.value])
        await served.peer.expect_epitaph(Status.ACCESS_DENIED)
        await served.peer.expect_closed()
        assert len(served.target.gone) == 1


async def test_server_tears_down_when_peer_closed() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["wait"], txid=1)
        await served.heard(("waiting",))
        served.peer.close()
        await served.heard(("waiting",), ("canceled",))
        assert isinstance(served.target.gone[0], PeerClosed)


async def test_messages_before_the_end_are_heard() -> None:
    async with serving(Closed()) as served:
        for number in range(5):
            await served.peer.send(CLOSED["one_way_struct"], [number])
        served.peer.close()
        await served.heard(*(("struct", number) for number in range(5)))


async def test_messages_behind_a_bad_one_are_not_heard() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["one_way_struct"], [1])
        await served.peer.send_unknown(flexible=False)
        with contextlib.suppress(PeerClosed):  # it may have been quick
            await served.peer.send(CLOSED["one_way_struct"], [2])
        await served.closes()
        assert served.target.notes == [("struct", 1)]


async def test_replies_in_any_order_and_by_txid() -> None:
    async with serving(Closed()) as served:
        await served.peer.send(CLOSED["wait"], txid=1)
        await served.peer.send(CLOSED["two_way_struct"], [2], txid=2)
        await served.peer.expect(CLOSED["two_way_struct"], [2], txid=2)


async def test_a_handle_with_too_few_rights() -> None:
    async with serving(Closed()) as served:
        event = Event.create()
        weak = event.replace(Rights.TRANSFER)
        await served.peer.send(CLOSED["one_way_handle"], [Slot(0)], handles=[weak])
        await served.heard(("handle", Event))  # an event's rights are advisory: it has them all
