"""A client's calls by either twin: the same bytes, the same results, and the same counts."""

from __future__ import annotations

import gc
import os
import random
import sys
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest

from ipcrt._speedups import chosen
from ipcrt.bindings import caller
from ipcrt.bindings import client as client_module
from ipcrt.bindings.call import Call
from ipcrt.bindings.client import Client
from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.tables import TwoWay
from ipcrt.errors import (
    BadHandle,
    IpcError,
    LocalProtocolError,
    PeerClosed,
    RemoteProtocolError,
    TimedOut,
)
from ipcrt.objects import _scm
from ipcrt.objects._scm import PacketSocket
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from tests._speedups.test_dispatch import (
    ADD,
    DIVIDE,
    GIVE,
    METHODS,
    NOTE,
    PING,
    PING_FLEXIBLE,
    SAY,
    SPLIT,
    TICK,
    Plain,
    Words,
    bodies,
)
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.bindings.calc import CalcFailed, File, Number, Pair, Text
from tests.bindings.hand import fill, null, received, serve_turns

JOIN: Final = TwoWay("test/Plain.Join", Words, Number, strict=True)


class Scene:
    """A client on a plain thread; the server's channel is `peer`."""

    def __init__(self) -> None:
        ours, self.peer = Channel.create()
        self.port = BlockingPort()
        self.client = Client(ours, self.port, Plain.TABLE)

    @property
    def outbox(self) -> Any:
        return self.client.connection.outbox

    def begin(self, method: Any = ADD, request: Any = None, timeout: Any = 1000.0) -> Call[Any]:
        return self.client.begin(method, Pair(6, 3) if method is ADD else request, timeout)

    def answer(self, call: Call[Any], body: bytes, ordinal: int = 0) -> Any:
        """What the caller gets for a reply with this body."""
        self.peer.write(encode(call.txid, ordinal or call.method.ordinal, 0, body))
        serve_turns(self.port)
        return self.end(call)

    def end(self, call: Call[Any]) -> Any:
        assert call.waiter.done()
        try:
            self.port.run_until(call.waiter)
        except BaseException:
            self.client.give_up(call)
            raise
        return self.client.result(call)

    def counts(self) -> tuple[Any, ...]:
        deadlines = self.port.statistics()["deadlines"]
        return self.client.statistics(), self.outbox.sent, deadlines

    def close(self) -> None:
        self.client.close()
        self.peer.close()
        self.port.close()


def use(twin: str, patch: pytest.MonkeyPatch) -> None:
    make = take(twin, "caller", caller._caller)
    patch.setattr(client_module, "make_caller", make)
    if twin == "native" and not chosen.ACTIVE:
        patch.setattr(_scm, "lend_packets", take(twin, "PacketSocket", PacketSocket))


@pytest.fixture(params=TWINS)
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    use(request.param, monkeypatch)
    scene = Scene()
    yield scene
    scene.close()


PAIR: Final = b"\x92\x06\x03"
NINE: Final = b"\x91\x09"


def test_only_plain_methods_have_a_plan() -> None:
    planned = [method for method in METHODS if caller.plan_for(method)]
    with_handles = [GIVE] if chosen.ACTIVE else []
    assert planned == [ADD, DIVIDE, PING, PING_FLEXIBLE, SPLIT, NOTE, TICK, *with_handles]


@pytest.mark.parametrize(
    "method,asked,replied",
    [
        (ADD, (Pair(6, 3), PAIR), (NINE, Number(9))),
        (DIVIDE, (Pair(6, 3), PAIR), (b"\x92\x01\x91\x02", Number(2))),
        (PING, (None, b""), (b"", None)),
        (PING_FLEXIBLE, (None, b""), (b"\x92\x01\x90", None)),
        (SPLIT, (Number(1), b"\x91\x01"), (b"\x91\x91\xa1x", Words(["x"]))),
        (SAY, (Text("hi"), b"\x91\xa2hi"), (b"\x92\x01\x91\xa2hi", Text("hi"))),
    ],
)
def test_a_call_is_its_bytes_and_its_response(
    scene: Scene, method: Any, asked: tuple[Any, bytes], replied: tuple[bytes, Any]
) -> None:
    (value, sent), (reply, response) = asked, replied
    for txid in (1, 2, 3):
        call = scene.client.begin(method, value, 1000.0)
        flags = 0x20 | method.flags
        assert received(scene.peer) == [(txid, method.ordinal, flags, sent)]
        assert scene.counts() == ({"calls": 1, "calls_given_up": 0, "backlog": 0}, txid, 1)
        assert scene.answer(call, reply) == response
        assert (call.txid, call.timeout, call.replied, call.body) == (txid, 1000.0, True, reply)
        assert scene.counts() == ({"calls": 0, "calls_given_up": 0, "backlog": 0}, txid, 0)


@pytest.mark.parametrize(
    "method,request_",
    [
        (ADD, None),
        (ADD, Pair("x", 1)),  # type: ignore[arg-type]
        (ADD, Pair(1 << 70, 1)),
        (ADD, Text("hi")),
        (ADD, object()),
        (PING, 5),
        (SAY, Text("too long for it")),
    ],
)
def test_a_wrong_request_costs_nothing(scene: Scene, method: Any, request_: Any) -> None:
    with pytest.raises(LocalProtocolError):
        scene.client.begin(method, request_, 1000.0)
    assert received(scene.peer) == []
    assert scene.counts() == ({"calls": 0, "calls_given_up": 0, "backlog": 0}, 0, 0)
    assert scene.begin().txid == 1


@pytest.mark.parametrize(
    "method,reply,kind",
    [
        (ADD, b"", RemoteProtocolError),
        (ADD, b"\x91\xa1x", RemoteProtocolError),
        (ADD, NINE + b"\x00", RemoteProtocolError),
        (PING, b"\x90", RemoteProtocolError),
        (PING_FLEXIBLE, b"", RemoteProtocolError),
        (PING_FLEXIBLE, b"\x92\x01", RemoteProtocolError),
        (PING_FLEXIBLE, b"\x92\x01\x90\x90", RemoteProtocolError),
        (PING_FLEXIBLE, b"\x92\x03\xfe", UnknownMethod),
        (DIVIDE, b"\x92\x01", RemoteProtocolError),
        (DIVIDE, b"\x91", RemoteProtocolError),
        (DIVIDE, b"\x92\x01\x92\x02", RemoteProtocolError),
        (DIVIDE, b"\x92\x02\x01", CalcFailed),
        (DIVIDE, b"\x92\x04\x01", RemoteProtocolError),
    ],
)
def test_a_reply_that_is_no_success(scene: Scene, method: Any, reply: bytes, kind: Any) -> None:
    for _ in range(2):
        request = Pair(6, 0) if method.request.type is Pair else None
        call = scene.begin(method, request)
        with pytest.raises(kind):
            scene.answer(call, reply)
        assert scene.counts()[2] == 0
        if kind is RemoteProtocolError:
            assert scene.client.connection.error is not None
            return
        assert scene.client.connection.error is None


def test_a_reply_that_ends_its_call_alone(scene: Scene) -> None:
    first, second = scene.begin(), scene.begin()
    scene.peer.write(encode_epitaph(-28, first.txid))
    assert scene.answer(second, NINE) == Number(9)
    with pytest.raises(IpcError, match="UNAVAILABLE"):
        scene.end(first)
    with pytest.raises(RemoteProtocolError, match="reply with ordinal"):
        scene.answer(scene.begin(), NINE, PING.ordinal)


def test_a_reply_nobody_waits_for(scene: Scene) -> None:
    given_up, late, twice = scene.begin(), scene.begin(), scene.begin()
    scene.client.give_up(given_up)
    late.expire()
    for call in (given_up, late):
        scene.peer.write(encode(call.txid, ADD.ordinal, 0, NINE))
    assert scene.answer(twice, NINE) == Number(9)
    assert not late.replied
    with pytest.raises(TimedOut):
        scene.end(late)
    assert scene.counts() == ({"calls": 0, "calls_given_up": 0, "backlog": 0}, 3, 0)
    scene.peer.write(encode(twice.txid, ADD.ordinal, 0, NINE))
    serve_turns(scene.port)
    assert isinstance(scene.client.connection.error, RemoteProtocolError)


def test_a_reply_with_handles_is_refused_and_they_are_closed(scene: Scene) -> None:
    handle = Handle(os.dup(0))
    call = scene.begin()
    received(scene.peer)
    scene.client.connection.on_message(call.txid, ADD.ordinal, 0x20, NINE, (handle,))
    with pytest.raises(RemoteProtocolError):
        scene.end(call)
    assert handle.closed


def test_a_method_with_handles_is_called_all_the_same(scene: Scene) -> None:
    call = scene.client.begin(GIVE, File(null()), None)
    scene.peer.read().close()
    assert scene.answer(call, b"\x92\x01" + NINE) == Number(9)


@pytest.mark.parametrize("timeout", [None, 5, 0.5, 1000.0, -1.0, float("inf")])
def test_timeouts_of_every_sort(scene: Scene, timeout: Any) -> None:
    calls = [scene.begin(timeout=timeout) for _ in range(3)]
    assert scene.port.statistics()["deadlines"] == (0 if timeout is None else 3)
    assert [call.timeout for call in calls] == [timeout] * 3
    assert len({id(call.deadline) for call in calls}) in {1, 2}
    for call in calls:
        scene.client.give_up(call)
    assert scene.port.statistics()["deadlines"] == 0


def test_deadlines_are_those_of_the_ports_clock(scene: Scene) -> None:
    now: list[Any] = [1e9]  # ahead of the clock of the machine
    clock: Any = scene.port.deadlines
    clock._clock = lambda: now[-1]
    ours, peer = Channel.create()
    client = Client(ours, scene.port, Plain.TABLE)
    calls = [client.begin(ADD, Pair(6, 3), 1000.0) for _ in range(2)]
    now.append(1e9 + 500)
    calls.append(client.begin(ADD, Pair(6, 3), 1000.0))
    assert calls[0].deadline is calls[1].deadline
    assert calls[0].deadline is not calls[2].deadline
    now.append("late")
    with pytest.raises(TypeError):
        client.begin(ADD, Pair(6, 3), 1000.0)
    assert client.statistics()["calls"] == 3
    assert len(received(peer)) == 3
    client.close()
    peer.close()


def test_a_call_times_out(scene: Scene) -> None:
    call = scene.begin(timeout=0.001)
    with pytest.raises(TimedOut):
        scene.port.run_until(call.waiter)
    scene.client.give_up(call)
    assert scene.client.statistics()["calls_given_up"] == 1


def test_a_request_that_finds_no_room_waits(scene: Scene) -> None:
    scene.begin()
    count = fill(scene.client.connection.channel)
    calls = [scene.begin(), scene.begin()]
    assert [call.txid for call in calls] == [2, 3]
    assert scene.counts() == ({"calls": 3, "calls_given_up": 0, "backlog": 2}, 1, 3)
    assert len(received(scene.peer)) == count + 1
    serve_turns(scene.port)
    assert [txid for txid, *_ in received(scene.peer)] == [2, 3]
    assert scene.counts()[1] == 3


def test_a_request_waits_behind_those_that_wait_for_room(scene: Scene) -> None:
    scene.outbox.clogged = True
    scene.begin()
    assert received(scene.peer) == []
    scene.outbox.flush()
    assert bodies(received(scene.peer)) == [PAIR]


def test_txids_go_round_and_spare_those_in_use(scene: Scene) -> None:
    scene.client._txid = (1 << 31) - 2
    assert [scene.begin().txid for _ in range(3)] == [(1 << 31) - 1, 1, 2]
    scene.client._txid = 0
    assert [scene.begin().txid for _ in range(2)] == [3, 4]


def test_a_request_that_leaves_alone_is_told(scene: Scene) -> None:
    alone: list[int] = []
    scene.outbox.on_alone = lambda: alone.append(scene.outbox.sent)
    scene.begin()
    scene.begin()
    assert alone == [1]


def test_requests_share_packets_behind_the_first_in_company(scene: Scene) -> None:
    soon: list[Any] = []
    scene.outbox._soon = soon.append
    calls = [scene.begin() for _ in range(2)]
    assert soon == [scene.outbox.release]
    assert len(received(scene.peer)) == 2
    calls += [scene.begin() for _ in range(2)]
    assert received(scene.peer) == []
    assert len(soon) == 1
    scene.outbox.release()
    assert [txid for txid, *_ in received(scene.peer)] == [3, 4]
    assert scene.counts()[1] == 4


def test_a_request_that_cannot_share_leaves_behind_the_others(scene: Scene) -> None:
    scene.outbox._sharing = True
    calls = [scene.begin(), scene.begin()]
    calls.append(scene.client.begin(SPLIT, Number(1), None))
    assert received(scene.peer) == []
    fill(scene.client.connection.channel)
    scene.outbox.release()
    assert scene.outbox.clogged
    calls.append(scene.begin())
    received(scene.peer)
    serve_turns(scene.port)
    assert [txid for txid, *_ in received(scene.peer)] == [1, 2, 3, 4]


def test_requests_that_are_enough_or_waited_long_enough_leave(scene: Scene) -> None:
    scene.begin()
    scene.outbox._sharing = True
    received(scene.peer)
    for left in ([0] * 11 + [12], [0, 2]):
        found: list[int] = []
        for _ in left:
            scene.begin()
            found.append(len(received(scene.peer)))
            if left == [0, 2]:
                scene.outbox._since -= 0.001
        assert found == left
    assert scene.outbox.sent == 15
    scene.outbox._sharing = False


def test_a_long_request_does_not_share(scene: Scene) -> None:
    first = scene.answer(scene.client.begin(SPLIT, Number(1), None), b"\x91\x91\xa1x")
    scene.outbox._sharing = True
    scene.begin()
    scene.client.begin(JOIN, first, None)
    scene.client.begin(JOIN, Words(["x" * 3000]), None)
    assert [txid for txid, *_ in received(scene.peer)] == [1, 2, 3, 4]
    scene.outbox._sharing = False
    for size in (65_000, 65_510, 65_530, 70_000):
        scene.client.begin(JOIN, Words(["x" * size]), None)
        [(*_, body)] = received(scene.peer)
        assert body.endswith(b"x" * size)


def test_a_client_that_is_closed(scene: Scene) -> None:
    call = scene.begin()
    scene.client.close()
    with pytest.raises(BadHandle):
        scene.begin()
    with pytest.raises(IpcError, match="closed"):
        scene.end(call)
    assert scene.counts() == ({"calls": 0, "calls_given_up": 0, "backlog": 0}, 1, 0)


def test_a_peer_that_is_gone(scene: Scene) -> None:
    scene.peer.close()
    call = scene.begin()
    serve_turns(scene.port)
    with pytest.raises(PeerClosed):
        scene.end(call)
    with pytest.raises(PeerClosed):
        scene.begin()


def test_a_failure_behind_the_send_gives_the_call_up(scene: Scene) -> None:
    def fail() -> None:
        raise KeyError("defect")

    scene.outbox.on_alone = fail
    with pytest.raises(KeyError):
        scene.begin()
    assert scene.counts() == ({"calls": 0, "calls_given_up": 1, "backlog": 0}, 1, 0)
    scene.outbox.on_alone = None
    assert scene.begin().txid == 2


def test_what_is_no_call_has_no_result(scene: Scene) -> None:
    nonsense: Any = object()
    with pytest.raises(AttributeError):
        scene.client.result(nonsense)
    broken: Any = scene.client.begin
    for arguments in ((), (ADD,), (ADD, Pair(1, 2), None, None)):
        with pytest.raises(TypeError):
            broken(*arguments)
    assert scene.client.begin(method=ADD, request=Pair(1, 2), timeout=None).txid == 1


def test_a_plan_that_is_none_is_not_taken(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = caller.plan_for(ADD)
    assert plan is not None
    for nonsense in (None, (), plan[:4], plan._replace(head=b""), (*plan[:4], None)):
        monkeypatch.setitem(Plain.TABLE.plans, ADD, nonsense)
        assert scene.answer(scene.begin(), NINE) == Number(9)


def history(seed: int) -> list[Any]:
    """What comes of calls that go well and badly, in an order drawn from `seed`."""
    draw, scene, calls = random.Random(seed), Scene(), list[Call[Any]]()
    told: list[Any] = []
    methods: list[Any] = [ADD, DIVIDE, PING, PING_FLEXIBLE, SPLIT, SAY]
    requests: dict[Any, Any] = {Pair: Pair(6, 3), Number: Number(2), Text: Text("hi")}
    good: dict[Any, bytes] = {ADD: NINE, PING: b"", SPLIT: b"\x91\x91\xa1x"}
    for _ in range(60):
        method = draw.choice(methods)
        request = requests.get(method.request.type)
        if draw.random() < 0.1:
            request = 7
        what = draw.randrange(9)
        try:
            if what < 4:
                calls.append(
                    scene.client.begin(method, request, draw.choice((None, 5.0, 5.0, 1000.0)))
                )
            elif what == 4:
                scene.outbox.release() if draw.random() < 0.5 else scene.outbox.hold()
            elif what == 5 and calls:
                scene.client.give_up(calls.pop(draw.randrange(len(calls))))
            elif calls:
                call = calls.pop(draw.randrange(len(calls)))
                body = good.get(call.method, b"\x92\x01\x90")
                if draw.random() < 0.1:
                    body = draw.randbytes(3)
                told.append(scene.answer(call, body))
        except (IpcError, CalcFailed) as error:
            told.append((type(error), str(error)))
        told.append((received(scene.peer), scene.counts()))
    scene.close()
    return told


@pytest.mark.parametrize("seed", range(30))
def test_both_twins_have_the_same_history(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[list[Any]] = []
    for twin in TWINS:
        use(twin, monkeypatch)
        found.append(history(seed))
    assert found[0] == found[1]


class Listener:
    """Hears events."""

    def hear(self, *event: object) -> None:
        raise AssertionError(event)


@pytest.mark.parametrize("twin", TWINS)
def test_a_client_that_is_over_is_collected(twin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(twin, monkeypatch)
    ours, peer = Channel.create()
    with BlockingPort() as port, peer:
        listener = Listener()
        client = Client(ours, port, Plain.TABLE, listener.hear)
        client.begin(ADD, Pair(1, 2), None)
        seen = weakref.ref(listener)
        client.close()
        del client, listener
        gc.collect()
        assert seen() is None


def test_a_caller_wants_a_client(scene: Scene) -> None:
    make = native().twin("caller", caller._caller)
    lent = native().twin("PacketSocket", PacketSocket)(0)
    ways = (print, print, print)
    for arguments in ((), (ways, scene.client, None, print, Call), (ways, object(), lent, 1, 2)):
        with pytest.raises(TypeError):
            make(*arguments)
    with pytest.raises(AttributeError):
        make(ways, object(), lent, print, Call)

    class NoClient:
        _table = SimpleNamespace(plans=None)
        _connection = _outbox = _deadlines = _create_waiter = _wake = None

    with pytest.raises(TypeError, match="dict"):
        make(ways, NoClient(), lent, print, Call)

    class NoCall:
        method = waiter = None

    with pytest.raises(TypeError, match="slot"):
        make(ways, scene.client, lent, print, NoCall)


def test_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    use("native", monkeypatch)
    scene = Scene()
    client, ordinal = scene.client, ADD.ordinal
    take_message = client.connection.on_message
    wrong: Any = Pair("x", 1)  # type: ignore[arg-type]

    def usual() -> None:
        call = client.begin(ADD, Pair(6, 3), 1000.0)
        take_message(call.txid, ordinal, 0x20, NINE, ())
        assert client.result(call) == Number(9)
        client.begin(ADD, Pair(6, 3), None)
        call = client.begin(ADD, Pair(6, 3), 1000.0)
        client.give_up(call)
        client._calls.clear()
        with pytest.raises(LocalProtocolError):
            client.begin(ADD, wrong, 1000.0)
        client._txid = 0
        received(scene.peer)

    def shared() -> None:
        scene.outbox._sharing = True
        usual()
        scene.outbox.release()
        received(scene.peer)

    def failing() -> None:
        scene.outbox.on_alone = lambda: nothing["there"]
        with pytest.raises(KeyError):
            client.begin(ADD, Pair(6, 3), 1000.0)
        scene.outbox.on_alone = None
        client._calls.clear()
        client._txid = 0
        received(scene.peer)

    nothing: dict[str, object] = {}
    usual()
    plan: Any = Plain.TABLE.plans[ADD]
    for call in (usual, shared, failing):
        given_up = scene.begin(timeout=1000.0)
        slot = given_up.deadline
        client.give_up(given_up)
        client._calls.clear()
        received(scene.peer)
        before = [sys.getrefcount(each) for each in (*plan, slot)]
        assert growth_in_blocks(call) < 50
        after = [sys.getrefcount(each) for each in (*plan, slot)]
        assert all(abs(now - then) < 50 for now, then in zip(after, before, strict=True))
    scene.close()


def test_each_allocation_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fails once, in turn: the call is lost at worst, and nothing crashes."""
    testcapi = pytest.importorskip("_testcapi")
    use("native", monkeypatch)
    scene = Scene()
    take_message: Any = scene.client.connection.on_message
    scene.answer(scene.begin(), NINE)
    failures = 0
    for allocation in range(30):
        for step in range(3):
            scene.client._calls.clear()
            call = scene.begin()
            if step == 2:
                take_message(call.txid, ADD.ordinal, 0x20, NINE, ())
            steps: list[tuple[Any, ...]] = [
                (scene.client.begin, ADD, Pair(6, 3), 1000.0),
                (take_message, call.txid, ADD.ordinal, 0x20, NINE, ()),
                (scene.client.result, call),
            ]
            function, *arguments = steps[step]
            testcapi.set_nomemory(allocation, allocation + 1)
            try:
                function(*arguments)
            except MemoryError:
                failures += 1
            finally:
                testcapi.remove_mem_hooks()
            scene.client.give_up(call)
            received(scene.peer)
    assert failures >= 2
    scene.client._calls.clear()
    assert scene.answer(scene.begin(), NINE) == Number(9)
    scene.close()
