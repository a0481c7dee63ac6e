"""What every client does, whoever its server is: named as FIDL's own client suite names them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.union import UnknownVariant
from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    IpcError,
    LocalProtocolError,
    PeerClosed,
    RemoteProtocolError,
    Status,
    TimedOut,
    Unavailable,
)
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from ipcrt.wire.body import encode_value
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE, VERSION_1, VERSION_SHIFT
from tests.conformance import contract as c
from tests.conformance.peer import UNKNOWN, Peer, Slot, handle_array, header
from tests.conformance.targets import AJAR, CLOSED, EMPTY, EMPTY_TABLE, OPEN, Listener
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


class Called:
    """A client, its listener, and the server's side by hand."""

    def __init__(self, proxy: Any, listener: Listener, peer: Peer) -> None:
        self.proxy = proxy
        self.listener = listener
        self.peer = peer

    async def heard(self, *notes: Any) -> None:
        await wait_until_async(lambda: self.listener.notes == list(notes))

    async def closes(self) -> None:
        """The client has closed its end for what we said; later calls say why."""
        await self.peer.expect_closed()
        await wait_until_async(lambda: self.proxy.closed)
        with pytest.raises(RemoteProtocolError):
            await _ask(self.proxy)

    async def goes_on(self) -> None:
        """The client can still call."""
        name, methods = (
            ("two_way_no_payload", CLOSED)
            if isinstance(self.proxy, c.ClosedTargetProxy)
            else ("ask", AJAR if isinstance(self.proxy, c.AjarTargetProxy) else OPEN)
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_ask, self.proxy)
            txid = await self.peer.expect_request(methods[name])
            await self.peer.send(methods[name], txid=txid)


async def _ask(proxy: Any) -> None:
    await (proxy.two_way_no_payload if isinstance(proxy, c.ClosedTargetProxy) else proxy.ask)()


@asynccontextmanager
async def calling(kind: type[Any] = c.ClosedTargetProxy) -> AsyncGenerator[Called, None]:
    client, end = create_endpoints(kind.PROTOCOL)
    listener = Listener()
    async with open_port() as port:
        peer = Peer(end.take_channel(), port)
        try:
            async with kind(client, port, listener) as proxy:
                yield Called(proxy, listener, peer)
        finally:
            peer.close()


class Outcome:
    """What became of a call."""

    value: Any = None
    error: Exception | None = None

    async def of(self, call: Awaitable[Any]) -> None:
        try:
            self.value = await call
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            self.error = error


# ---- one-way interactions

ONE_WAY = [
    pytest.param("one_way_no_payload", (), (), id="OneWayNoPayload"),
    pytest.param("one_way_struct", (7,), ([7],), id="OneWayStructPayload"),
    pytest.param("one_way_table", (c.SomeTable(some=7),), ({1: 7},), id="OneWayTablePayload"),
    pytest.param("one_way_table", (c.SomeTable(),), (EMPTY_TABLE,), id="OneWayEmptyTablePayload"),
    pytest.param("one_way_union", (c.SomeUnionSome(7),), ([1, 7],), id="OneWayUnionPayload"),
]


@pytest.mark.parametrize("name, arguments, body", ONE_WAY)
async def test_one_way(name: str, arguments: tuple[Any, ...], body: tuple[Any, ...]) -> None:
    async with calling() as called:
        await getattr(called.proxy, name)(*arguments)
        await called.peer.expect(CLOSED[name], *body)
        getattr(called.proxy, f"{name}_now")(*arguments)
        await called.peer.expect(CLOSED[name], *body)


async def test_one_way_with_a_handle() -> None:
    async with calling() as called:
        event = Event.create()
        koid = event.koid
        await called.proxy.one_way_handle(event)
        await called.peer.expect(CLOSED["one_way_handle"], [Slot(0)])
        assert event.closed
        assert [handle.koid for handle in called.peer.handles] == [koid]


# ---- two-way interactions


TWO_WAY = [
    pytest.param("two_way_no_payload", (), (), (), None, id="TwoWayNoPayload"),
    pytest.param("two_way_struct", (3,), ([3],), ([4],), c.Some(4), id="TwoWayStructPayload"),
    pytest.param(
        "two_way_table",
        (c.SomeTable(some=3),),
        ({1: 3},),
        ({1: 4},),
        c.SomeTable(some=4),
        id="TwoWayTablePayload",
    ),
    pytest.param(
        "two_way_union",
        (c.SomeUnionSome(3),),
        ([1, 3],),
        ([1, 4],),
        c.SomeUnionSome(4),
        id="TwoWayUnionPayload",
    ),
    pytest.param(
        "two_way_result",
        (c.AnswerValue("x"),),
        ([1, "x"],),
        ([1, ["yes"]],),
        c.ClosedTargetTwoWayResultResponse("yes"),
        id="TwoWayResultWithPayload",
    ),
    pytest.param(
        "two_way_empty_result",
        (c.AnswerValue("x"),),
        ([1, "x"],),
        ([1, EMPTY],),
        None,
        id="TwoWayResultWithoutPayload",
    ),
]


@pytest.mark.parametrize("name, arguments, asked, answered, value", TWO_WAY)
async def test_two_way(
    name: str,
    arguments: tuple[Any, ...],
    asked: tuple[Any, ...],
    answered: tuple[Any, ...],
    value: Any,
) -> None:
    outcome = Outcome()
    async with calling() as called, anyio.create_task_group() as tasks:
        tasks.start_soon(outcome.of, getattr(called.proxy, name)(*arguments))
        txid = await called.peer.expect_request(CLOSED[name], *asked)
        await called.peer.send(CLOSED[name], *answered, txid=txid)
        await wait_until_async(lambda: called.proxy.statistics()["calls"] == 0)
    assert (outcome.value, outcome.error) == (value, None)


async def test_two_way_with_a_handle() -> None:
    async with calling() as called, anyio.create_task_group() as tasks:
        outcome = Outcome()
        tasks.start_soon(outcome.of, called.proxy.two_way_handle(Event.create()))
        txid = await called.peer.expect_request(CLOSED["two_way_handle"], [Slot(0)])
        event = Event.create()
        koid = event.koid
        method = CLOSED["two_way_handle"]
        await called.peer.send(method, [Slot(0)], txid=txid, handles=[event])
        await wait_until_async(lambda: outcome.value is not None)
        with outcome.value.event as received:
            assert received.koid == koid


@pytest.mark.parametrize("error", [0, 17, 0xFFFF_FFFF])
async def test_two_way_result_with_error(error: int) -> None:
    async with calling() as called, anyio.create_task_group() as tasks:
        outcome = Outcome()
        tasks.start_soon(outcome.of, called.proxy.two_way_result(c.AnswerError(error)))
        txid = await called.peer.expect_request(CLOSED["two_way_result"], [2, error])
        await called.peer.send(CLOSED["two_way_result"], [2, error], txid=txid)
        await wait_until_async(lambda: outcome.error is not None)
        assert isinstance(outcome.error, c.Uint32Failed)
        assert outcome.error.error == error


async def test_replies_out_of_order() -> None:
    async with calling() as called, anyio.create_task_group() as tasks:
        outcomes = [Outcome() for _ in range(3)]
        txids: list[int] = []
        for number, outcome in enumerate(outcomes):
            tasks.start_soon(outcome.of, called.proxy.two_way_struct(number))
            txids.append(await called.peer.expect_request(CLOSED["two_way_struct"], [number]))
        assert len(set(txids)) == 3
        for number in (2, 0, 1):
            await called.peer.send(CLOSED["two_way_struct"], [number * 10], txid=txids[number])
        await wait_until_async(lambda: all(outcome.value for outcome in outcomes))
        assert [outcome.value for outcome in outcomes] == [c.Some(0), c.Some(10), c.Some(20)]


# ---- what a client must not send

WRONG_ARGUMENTS = [
    pytest.param("one_way_struct", (128,), id="IntegerOutOfRange"),
    pytest.param("one_way_struct", ("x",), id="WrongType"),
    pytest.param("one_way_struct", (None,), id="AbsentWhereRequired"),
    pytest.param("one_way_table", (c.Some(1),), id="StructWhereTableBelongs"),
    pytest.param("one_way_table", (c.SomeTable(some=-129),), id="TableMemberOutOfRange"),
    pytest.param("one_way_union", (7,), id="ValueWhereUnionBelongs"),
    pytest.param("bounded", (b"123456789", "", EMPTY, c.Size.SMALL), id="BytesTooLong"),
    pytest.param("bounded", (b"", "ääääx", EMPTY, c.Size.SMALL), id="StringTooLong"),
    pytest.param("bounded", (b"", "\ud800", EMPTY, c.Size.SMALL), id="StringNotUnicode"),
    pytest.param("bounded", (b"", "", [1] * 9, c.Size.SMALL), id="VectorTooLong"),
    pytest.param("bounded", (b"", "", EMPTY, 3), id="StrictEnumUnknown"),
    pytest.param("bounded", ("x", "", EMPTY, c.Size.SMALL), id="TextWhereBytesBelong"),
]


@pytest.mark.parametrize("name, arguments", WRONG_ARGUMENTS)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    name: str, arguments: tuple[Any, ...]
) -> None:
    async with calling() as called:
        with pytest.raises(LocalProtocolError):
            await getattr(called.proxy, name)(*arguments)
        await called.goes_on()


async def test_a_wrong_handle_stays_with_the_caller() -> None:
    async with calling() as called:
        with Vmo.create(1) as vmo:
            with pytest.raises(LocalProtocolError):
                await called.proxy.one_way_handle(vmo)
            assert not vmo.closed
        await called.goes_on()


# ---- bad replies


async def _reply_badly(called: Called, send: Callable[[int], Awaitable[None]]) -> Exception:
    """Have a call answered by `send`; answer the error that it raised."""
    outcome = Outcome()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(outcome.of, called.proxy.two_way_struct(1))
        txid = await called.peer.expect_request(CLOSED["two_way_struct"], [1])
        await send(txid)
    assert outcome.error is not None
    return outcome.error


ORDINAL = CLOSED["two_way_struct"].ordinal
BAD_REPLIES = [
    pytest.param(b"", VERSION_1, 0, id="NoBodyWhereOneBelongs"),
    pytest.param(b"\x90", VERSION_1, 0, id="TooFewMembers"),
    pytest.param(b"\x92\x01\x01", VERSION_1, 0, id="TooManyMembers"),
    pytest.param(b"\x91\xa1x", VERSION_1, 0, id="WrongMemberType"),
    pytest.param(b"\x91\xcc\x80", VERSION_1, 0, id="IntegerOutOfRange"),
    pytest.param(b"\x91\x01\x00", VERSION_1, 0, id="TwoValues"),
    pytest.param(b"\xc1", VERSION_1, 0, id="NoMessagePack"),
    pytest.param(b"\x91\x01", 0, 0, id="BadMagicNumber"),
    pytest.param(b"\x91\x01", 2 << VERSION_SHIFT, 0, id="FutureVersion"),
    pytest.param(b"\x91\x01", VERSION_1 | 8, 0, id="ReservedFlag"),
    pytest.param(b"\x91\x01", VERSION_1, 1, id="TooManyHandles"),
]


@pytest.mark.parametrize("body, flags, handles", BAD_REPLIES)
async def test_bad_reply(body: bytes, flags: int, handles: int) -> None:
    async with calling() as called:

        async def send(txid: int) -> None:
            data = header(ORDINAL, body, txid=txid, flags=flags, count=handles)
            await called.peer.send_raw(data, [Event.create() for _ in range(handles)])

        assert isinstance(await _reply_badly(called, send), RemoteProtocolError)
        await called.closes()


async def test_reply_with_another_ordinal() -> None:
    async with calling() as called:

        async def send(txid: int) -> None:
            await called.peer.send(CLOSED["two_way_no_payload"], txid=txid)

        assert isinstance(await _reply_badly(called, send), RemoteProtocolError)
        await called.closes()


@pytest.mark.parametrize("txid_off", [1, 0x1000])
async def test_reply_with_a_wrong_txid(txid_off: int) -> None:
    async with calling() as called:

        async def send(txid: int) -> None:
            await called.peer.send(CLOSED["two_way_struct"], [1], txid=txid + txid_off)

        assert isinstance(await _reply_badly(called, send), RemoteProtocolError)
        await called.closes()


async def test_reply_that_nobody_asked_for() -> None:
    async with calling() as called:
        await called.peer.send(CLOSED["two_way_no_payload"], txid=1)
        await called.closes()


BAD_RESULTS = [
    pytest.param([4, 1], id="ResultOrdinalUnknown"),
    pytest.param([1], id="ResultWithoutValue"),
    pytest.param([1, ["yes"], 1], id="ResultWithTwoValues"),
    pytest.param([2, "x"], id="ErrorOfWrongType"),
    pytest.param([2, 1 << 32], id="ErrorOutOfRange"),
    pytest.param([3, 0], id="FrameworkErrorOk"),
    pytest.param([1, 5], id="ValueOfWrongType"),
    pytest.param(["x"], id="NoResult"),
]


@pytest.mark.parametrize("body", BAD_RESULTS)
async def test_bad_result(body: Any) -> None:
    async with calling() as called:
        outcome = Outcome()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outcome.of, called.proxy.two_way_result(c.AnswerValue("x")))
            txid = await called.peer.expect_request(CLOSED["two_way_result"], [1, "x"])
            await called.peer.send(CLOSED["two_way_result"], body, txid=txid)
        assert isinstance(outcome.error, RemoteProtocolError)
        await called.closes()


# ---- calls that end otherwise


async def test_an_epitaph_for_one_call() -> None:
    async with calling() as called:

        async def send(txid: int) -> None:
            await called.peer.send_epitaph(Status.UNAVAILABLE, txid)

        assert isinstance(await _reply_badly(called, send), Unavailable)
        await called.goes_on()


async def test_an_unknown_method_where_flexible() -> None:
    async with calling(c.OpenTargetProxy) as called:
        outcome = Outcome()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outcome.of, called.proxy.flexible_two_way())
            txid = await called.peer.expect_request(OPEN["flexible_two_way"])
            method = OPEN["flexible_two_way"]
            await called.peer.send(method, [3, int(Status.NOT_SUPPORTED)], txid=txid)
        assert isinstance(outcome.error, UnknownMethod)
        await called.goes_on()


async def test_a_late_reply_is_dropped_and_its_handles_closed() -> None:
    async with calling() as called:
        with anyio.move_on_after(0) as scope:
            await called.proxy.two_way_handle(Event.create())
        assert scope.cancelled_caught
        txid = await called.peer.expect_request(CLOSED["two_way_handle"], [Slot(0)])
        late: list[Handle] = [Event.create()]
        await called.peer.send(CLOSED["two_way_handle"], [Slot(0)], txid=txid, handles=late)
        await called.goes_on()
        assert called.proxy.statistics()["calls_given_up"] == 0


async def test_a_deadline_passes_and_the_client_goes_on() -> None:
    async with calling() as called:
        with pytest.raises(TimedOut, match=r"no reply within 0\.01 seconds"):
            await called.proxy.wait(timeout=0.01)
        txid = await called.peer.expect_request(CLOSED["wait"])
        await called.peer.send(CLOSED["wait"], txid=txid)
        await called.goes_on()


# ---- events

EVENTS = [
    pytest.param("on_no_payload", (), ("no payload",), id="ReceiveEventNoPayload"),
    pytest.param("on_struct", ([7],), ("struct", 7), id="ReceiveEventStructPayload"),
    pytest.param(
        "on_table", ({1: 7},), ("table", c.SomeTable(some=7)), id="ReceiveEventTablePayload"
    ),
    pytest.param(
        "on_union", ([1, 7],), ("union", c.SomeUnionSome(7)), id="ReceiveEventUnionPayload"
    ),
]


@pytest.mark.parametrize("name, body, note", EVENTS)
async def test_receive_event(name: str, body: tuple[Any, ...], note: tuple[Any, ...]) -> None:
    async with calling() as called:
        await called.peer.send(CLOSED[name], *body)
        await called.heard(note)


async def test_receive_event_with_a_handle() -> None:
    async with calling() as called:
        await called.peer.send(CLOSED["on_handle"], [Slot(0)], handles=[Event.create()])
        await called.heard(("handle", Event))


async def test_an_unknown_union_member_in_an_event() -> None:
    async with calling() as called:
        await called.peer.send(CLOSED["on_union"], [9, ["new"]])
        await wait_until_async(lambda: len(called.listener.notes) == 1)
        assert isinstance(called.listener.notes[0][1], UnknownVariant)


BAD_EVENTS = [
    pytest.param("on_struct", b"\x90", 0, 0, id="EventBadPayload"),
    pytest.param("on_no_payload", b"\x90", 0, 0, id="EventBodyWhereNoneBelongs"),
    pytest.param("on_no_payload", b"", 5, 0, id="EventWithNonZeroTxid"),
    pytest.param("on_handle", handle_array(2), 0, 2, id="EventTooManyHandles"),
    pytest.param("on_handle", b"\x91\xc0", 0, 0, id="EventTooFewHandles"),
    pytest.param("one_way_no_payload", b"", 0, 0, id="RequestToTheClient"),
]


@pytest.mark.parametrize("name, body, txid, handles", BAD_EVENTS)
async def test_bad_event(name: str, body: bytes, txid: int, handles: int) -> None:
    async with calling() as called:
        data = header(CLOSED[name].ordinal, body, txid=txid, count=handles)
        await called.peer.send_raw(data, [Event.create() for _ in range(handles)])
        await called.closes()
        assert called.listener.notes == []


UNKNOWN_EVENTS = [
    pytest.param(kind, flexible, id=f"Unknown{how}Event{name}Protocol")
    for kind, name in (
        (c.ClosedTargetProxy, "Closed"),
        (c.AjarTargetProxy, "Ajar"),
        (c.OpenTargetProxy, "Open"),
    )
    for flexible, how in ((False, "Strict"), (True, "Flexible"))
]


@pytest.mark.parametrize("handles", [0, 1])
@pytest.mark.parametrize("kind, flexible", UNKNOWN_EVENTS)
async def test_unknown_event(kind: type[Any], flexible: bool, handles: int) -> None:
    async with calling(kind) as called:
        await called.peer.send_unknown(flexible=flexible, handles=handles)
        if flexible and kind is not c.ClosedTargetProxy:
            await called.goes_on()
        else:
            await called.closes()


MISMATCHED = [
    pytest.param("on_strict", FLEXIBLE, ("strict",), id="StrictEventSaidFlexible"),
    pytest.param("on_flexible", 0, ("flexible",), id="FlexibleEventSaidStrict"),
]


@pytest.mark.parametrize("name, flags, note", MISMATCHED)
async def test_mismatched_strictness(name: str, flags: int, note: tuple[str]) -> None:
    async with calling(c.AjarTargetProxy) as called:
        await called.peer.send(AJAR[name], flags=flags)
        await called.heard(note)


# ---- the end


async def _pending(called: Called, count: int, end: Callable[[], Awaitable[None]]) -> list[Any]:
    """Have `count` calls in flight when `end` happens; answer what they raised."""
    outcomes = [Outcome() for _ in range(count)]
    async with anyio.create_task_group() as tasks:
        for outcome in outcomes:
            tasks.start_soon(outcome.of, called.proxy.wait(timeout=None))
            await called.peer.expect_request(CLOSED["wait"])
        await end()
    return [outcome.error for outcome in outcomes]


async def test_an_epitaph_ends_pending_and_later_calls() -> None:
    async with calling() as called:

        async def end() -> None:
            await called.peer.send_epitaph(Status.ACCESS_DENIED)

        errors = await _pending(called, 3, end)
        assert [type(error) for error in errors] == [AccessDenied] * 3
        with pytest.raises(AccessDenied):
            await called.proxy.two_way_no_payload()
        with pytest.raises(AccessDenied):
            await called.proxy.one_way_no_payload()


@pytest.mark.parametrize("status", [0, -1, 12345, -(2**31)])
async def test_any_status_is_an_epitaph(status: int) -> None:
    async with calling() as called:

        async def end() -> None:
            await called.peer.send_raw(header(EPITAPH_ORDINAL, encode_value(status)))

        (error,) = await _pending(called, 1, end)
        assert isinstance(error, IpcError)
        assert not isinstance(error, RemoteProtocolError)


BAD_EPITAPHS = [
    pytest.param(b"", id="EpitaphWithoutStatus"),
    pytest.param(encode_value("x"), id="EpitaphOfWrongType"),
    pytest.param(encode_value(1 << 31), id="EpitaphOutOfRange"),
]


@pytest.mark.parametrize("body", BAD_EPITAPHS)
async def test_bad_epitaph(body: bytes) -> None:
    async with calling() as called:
        await called.peer.send_raw(header(EPITAPH_ORDINAL, body))
        await called.closes()


async def test_the_peer_closes_while_calls_wait() -> None:
    async with calling() as called:

        async def end() -> None:
            called.peer.close()

        errors = await _pending(called, 3, end)
        assert [type(error) for error in errors] == [PeerClosed] * 3
        with pytest.raises(PeerClosed):
            await called.proxy.one_way_no_payload()


async def test_what_came_before_the_end_is_heard() -> None:
    async with calling() as called:
        for number in range(5):
            await called.peer.send(CLOSED["on_struct"], [number])
        called.peer.close()
        await called.heard(*(("struct", number) for number in range(5)))


async def test_a_closed_client_calls_nobody() -> None:
    async with calling() as called:
        called.proxy.close()
        await called.peer.expect_closed()
        with pytest.raises(BadHandle):
            await called.proxy.two_way_no_payload()


async def test_unknown_ordinal_is_no_event() -> None:
    """The number that the suites use for the unknown is in no contract."""
    for methods in (CLOSED, AJAR, OPEN):
        assert UNKNOWN not in {each.ordinal for each in methods.values()}
