"""A binding's messages by either twin: the same replies in the same order, and the same counts."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import types
import weakref
from collections.abc import Callable, Generator, Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest

from ipcrt._speedups import chosen
from ipcrt.bindings import server as server_module
from ipcrt.bindings import shortcut
from ipcrt.bindings.completer import Completer
from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.route import Route
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.errors import RemoteProtocolError, Status
from ipcrt.objects import _scm
from ipcrt.objects._scm import PacketSocket
from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE, MORE
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.bindings.calc import CalcError, CalcFailed, File, Number, Pair, Text
from tests.bindings.hand import fill, received, serve_turns


class Words(Struct, frozen=True):
    words: list[str]


class Plain(Protocol):
    """Plain methods, and some that only look so."""


ADD = TwoWay("test/Plain.Add", Pair, Number, strict=True)
DIVIDE = TwoWay("test/Plain.Divide", Pair, Number, raises=CalcFailed)
PING = TwoWay("test/Plain.Ping", type(None), type(None), strict=True)
PING_FLEXIBLE = TwoWay("test/Plain.PingFlexible", type(None), type(None))
SPLIT = TwoWay("test/Plain.Split", Number, Words, strict=True)
NOTE = OneWay("test/Plain.Note", Number)
TICK = OneWay("test/Plain.Tick", type(None))
SAY = TwoWay("test/Plain.Say", Text, Text)
GIVE = TwoWay("test/Plain.Give", File, Number)
METHODS: Final = (ADD, DIVIDE, PING, PING_FLEXIBLE, SPLIT, NOTE, TICK, SAY, GIVE)
Plain.TABLE = ProtocolTable("test/Plain", Openness.OPEN, METHODS)


class PlainServer(Server[Plain]):
    """Answers what `answer` says, if it says anything."""

    PROTOCOL = Plain

    def __init__(self) -> None:
        self.binding: ServerBinding[Plain] | None = None
        self.answer: Callable[[], Any] | None = None
        self.in_flight: list[int] = []
        self.seen: list[object] = []
        self.gone: list[Exception] = []

    def client_came(self, binding: ServerBinding[Plain]) -> None:
        self.binding = binding

    def client_gone(self, reason: Exception) -> None:
        self.gone.append(reason)

    def _answer(self, usual: object, *seen: object) -> Any:
        assert self.binding is not None
        self.in_flight.append(self.binding.statistics()["calls_in_flight"])
        self.seen.append(seen)
        return usual if self.answer is None else self.answer()

    def add(self, a: int, b: int) -> Any:
        return self._answer(Number(a + b), a, b)

    def divide(self, a: int, b: int) -> Any:
        if b == 0:
            raise CalcFailed(CalcError.DIVISION_BY_ZERO)
        return self._answer(Number(a // b), a, b)

    def ping(self) -> Any:
        return self._answer(None)

    def ping_flexible(self) -> Any:
        return self._answer(None)

    def split(self, value: int) -> Any:
        return self._answer(Words(["x" * value]), value)

    def note(self, value: int) -> Any:
        return self._answer(None, value)

    def tick(self) -> Any:
        return self._answer(None)

    def say(self, text: str) -> Any:
        return self._answer(Text(text), text)

    def give(self, file: Any) -> Any:
        file.close()
        return self._answer(Number(1))


class Scene:
    """A served client on a plain thread; the client's channel is `peer`."""

    def __init__(self, limits: Limits | None = None) -> None:
        client, end = create_endpoints(Plain)
        self.port = BlockingPort()
        self.peer = client.take_channel()
        self.server = PlainServer()
        self.binding = ServerBinding(end, self.server, self.port, limits)

    def ask(self, *messages: bytes) -> list[Any]:
        """What comes back when these have come, each in a packet of its own."""
        for message in messages:
            self.peer.write(message)
        serve_turns(self.port)
        return received(self.peer)

    def close(self) -> None:
        with contextlib.suppress(AttributeError):  # a test has dropped it
            self.binding.close()
        self.peer.close()
        self.port.close()


def use(twin: str, patch: pytest.MonkeyPatch) -> None:
    make = take(twin, "dispatcher", shortcut._dispatcher)
    patch.setattr(server_module, "make_dispatcher", make)
    if twin == "native" and not chosen.ACTIVE:
        patch.setattr(_scm, "lend_packets", take(twin, "PacketSocket", PacketSocket))


@pytest.fixture(params=TWINS)
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    use(request.param, monkeypatch)
    scene = Scene()
    yield scene
    scene.close()


def request(method: Any, body: bytes = b"", txid: int = 5, flags: int = 0) -> bytes:
    return encode(txid, method.ordinal, flags, body)


def bodies(replies: list[Any]) -> list[bytes]:
    return [reply[3] for reply in replies]


PAIR: Final = b"\x92\x06\x03"


def test_only_plain_methods_have_a_shortcut() -> None:
    server = PlainServer()
    found = [method for method in METHODS if shortcut.shortcut_for(Route(method, server))]
    with_handles = [GIVE] if chosen.ACTIVE else []
    assert found == [ADD, DIVIDE, PING, PING_FLEXIBLE, SPLIT, NOTE, TICK, *with_handles]


@pytest.mark.parametrize(
    "method,body,reply",
    [
        (ADD, PAIR, b"\x91\x09"),
        (DIVIDE, PAIR, b"\x92\x01\x91\x02"),
        (DIVIDE, b"\x92\x06\x00", b"\x92\x02\x01"),
        (PING, b"", b""),
        (PING_FLEXIBLE, b"", b"\x92\x01\x90"),
        (SPLIT, b"\x91\x03", b"\x91\x91\xa3xxx"),
        (SAY, b"\x91\xa2hi", b"\x92\x01\x91\xa2hi"),
    ],
)
def test_each_call_has_its_reply(scene: Scene, method: Any, body: bytes, reply: bytes) -> None:
    """The first call of a method makes its shortcut; the others take it."""
    for txid in (1, 2, 0xFFFF_FFFF):
        [(found, ordinal, _, answer)] = scene.ask(request(method, body, txid))
        assert (found, ordinal, answer) == (txid, method.ordinal, reply)
    assert scene.binding.statistics()["calls_in_flight"] == 0
    assert scene.binding.traffic()["sent"] == 3
    assert set(scene.server.in_flight) <= {1}


def test_replies_carry_the_methods_flags(scene: Scene) -> None:
    for method in (ADD, DIVIDE):
        first, second = scene.ask(request(method, PAIR), request(method, PAIR))
        assert first == second
        assert bool(first[2] & FLEXIBLE) is not method.strict


def test_one_way_messages_have_no_reply(scene: Scene) -> None:
    messages = [request(NOTE, b"\x91\x07", 0), request(TICK, b"", 0)] * 2
    assert scene.ask(*messages) == []
    assert scene.server.seen == [(7,), (), (7,), ()]
    assert scene.binding.statistics()["calls_in_flight"] == 0


@pytest.mark.parametrize(
    "method,body,txid",
    [
        (ADD, b"\x92\x06", 5),
        (ADD, b"\x92\x06\xa1x", 5),
        (ADD, PAIR + b"\x00", 5),
        (ADD, b"", 5),
        (PING, b"\x90", 5),
        (ADD, PAIR, 0),
        (NOTE, b"\x91\x07", 5),
    ],
)
def test_a_faulty_request_ends_the_connection(
    scene: Scene, method: Any, body: bytes, txid: int, caplog: pytest.LogCaptureFixture
) -> None:
    good = {ADD: PAIR, PING: b"", NOTE: b"\x91\x07"}[method]
    scene.ask(request(method, good, 5 if method.is_call else 0))
    seen = len(scene.server.seen)
    assert scene.ask(request(method, body, txid)) == []
    assert scene.binding.closed
    assert len(scene.server.seen) == seen
    assert len(scene.server.gone) == 1
    assert caplog.text.count("closing <Channel") == 1


NO_NUMBER: Any = "text"
ODD: Final = Number(NO_NUMBER)


@pytest.mark.parametrize("answer", [None, 5, Text("hi"), Number(1 << 70), ODD, Pair(1, 2)])
def test_an_answer_of_another_type_fails_the_call(
    scene: Scene, answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    scene.ask(request(ADD, PAIR))
    scene.server.answer = lambda: answer
    replies = scene.ask(request(ADD, PAIR), request(ADD, PAIR))
    internal = encode_epitaph(Status.INTERNAL, 5)[16:]
    assert bodies(replies) == [internal, internal]
    assert "Add failed" in caplog.text
    scene.server.answer = None
    assert bodies(scene.ask(request(ADD, PAIR))) == [b"\x91\x09"]


def test_a_handler_that_raises_fails_its_call_alone(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("secret")

    scene.ask(request(ADD, PAIR))
    scene.server.answer = fail
    internal = encode_epitaph(Status.INTERNAL, 5)[16:]
    assert bodies(scene.ask(request(ADD, PAIR))) == [internal]
    assert scene.ask(request(NOTE, b"\x91\x07", 0), request(NOTE, b"\x91\x07", 0)) == []
    assert caplog.text.count("KeyError: 'secret'") == 3
    assert caplog.text.count("in _answer") == 3  # the traceback
    assert scene.binding.statistics()["calls_in_flight"] == 0


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_of_ours_comes_out(scene: Scene, kind: type[BaseException]) -> None:
    def stop() -> None:
        raise kind

    scene.ask(request(ADD, PAIR))
    scene.server.answer = stop
    scene.peer.write(request(ADD, PAIR))
    with pytest.raises(kind):
        serve_turns(scene.port)
    scene.server.answer = None
    assert bodies(scene.ask(request(ADD, PAIR)))[-1] == b"\x91\x09"
    assert scene.binding.statistics()["calls_in_flight"] == 0


def stepping(scene: Scene) -> list[object]:
    """Have coroutines begun where their messages are read; answers what they came to wait for."""
    rests: list[object] = []

    class Rest:
        def then(self, name: str, on_end: Callable[..., None]) -> Callable[[], object]:
            rests.append((name, on_end))
            return lambda: None

    def step(coroutine: Any) -> Any:
        coroutine.send(None)
        coroutine.close()
        return Rest()

    scene.binding._step = step
    return rests


async def _ended(value: Any) -> Any:
    if isinstance(value, BaseException):
        raise value
    return value


async def _waiting() -> None:
    @types.coroutine
    def wait() -> Generator[None, None, None]:
        yield

    await wait()


def test_a_coroutine_that_ends_at_once_answers(scene: Scene) -> None:
    rests = stepping(scene)
    scene.server.answer = lambda: _ended(Number(4))
    for _ in range(2):
        assert bodies(scene.ask(request(ADD, PAIR))) == [b"\x91\x04"]
    scene.server.answer = lambda: _ended(None)
    assert scene.ask(request(TICK, b"", 0), request(TICK, b"", 0)) == []
    assert scene.binding.statistics()["calls_in_flight"] == 0
    assert rests == []


def test_a_coroutine_that_fails_at_once_fails_its_call(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    stepping(scene)
    internal = encode_epitaph(Status.INTERNAL, 5)[16:]
    never = _ended(Number(1))
    for odd in (KeyError("secret"), Text("hi"), StopIteration(Number(1)), never):
        scene.server.answer = lambda odd=odd: _ended(odd)
        assert bodies(scene.ask(*[request(ADD, PAIR)] * 2)) == [internal] * 2
    never.close()
    scene.server.answer = lambda: _ended(CalcFailed(CalcError.DIVISION_BY_ZERO))
    assert bodies(scene.ask(*[request(DIVIDE, PAIR)] * 2)) == [b"\x92\x02\x01"] * 2
    assert scene.binding.statistics()["calls_in_flight"] == 0
    assert "KeyError: 'secret'" in caplog.text


def test_a_coroutine_that_is_stopped_comes_out(scene: Scene) -> None:
    stepping(scene)
    scene.ask(request(ADD, PAIR))
    scene.server.answer = lambda: _ended(KeyboardInterrupt())
    scene.peer.write(request(ADD, PAIR))
    with pytest.raises(KeyboardInterrupt):
        serve_turns(scene.port)
    assert scene.binding.statistics()["calls_in_flight"] == 0


def test_a_coroutine_that_waits_answers_later(scene: Scene) -> None:
    rests: Any = stepping(scene)
    scene.ask(request(ADD, PAIR))
    scene.server.answer = _waiting
    assert scene.ask(request(ADD, PAIR, 6)) == []
    assert scene.binding.statistics()["calls_in_flight"] == 1
    [(name, on_end)] = rests
    assert name == ADD.selector
    on_end(Number(1), None)
    assert [reply[0] for reply in scene.ask()] == [6]
    assert scene.binding.statistics()["calls_in_flight"] == 0


def test_a_coroutine_that_cannot_be_begun_here_fails(scene: Scene) -> None:
    """As on a plain thread, which has nothing to run it in."""

    def not_now(coroutine: object) -> None:
        del coroutine

    for step in (None, not_now):
        scene.binding._step = step
        scene.server.answer = lambda: _ended(Number(1))
        internal = encode_epitaph(Status.INTERNAL, 5)[16:]
        assert bodies(scene.ask(*[request(ADD, PAIR)] * 2)) == [internal] * 2


def test_a_completer_is_kept_and_answered_later(scene: Scene) -> None:
    completer = Completer[Number]()
    scene.ask(request(ADD, PAIR))
    scene.server.answer = lambda: completer
    assert scene.ask(request(ADD, PAIR, 6)) == []
    assert scene.binding.statistics()["calls_in_flight"] == 1
    scene.server.answer = None
    assert bodies(scene.ask(request(ADD, PAIR, 7))) == [b"\x91\x09"]
    assert scene.server.in_flight[-1] == 2
    completer.reply(Number(1))
    assert scene.ask() == [(6, ADD.ordinal, 0x20, b"\x91\x01")]


def test_a_handler_may_close_its_binding(scene: Scene) -> None:
    scene.ask(request(ADD, PAIR))

    def close() -> Number:
        scene.binding.close(Status.NOT_FOUND)
        return Number(1)

    scene.server.answer = close
    scene.peer.write(request(ADD, PAIR))
    serve_turns(scene.port)
    assert scene.peer.read().data == encode_epitaph(Status.NOT_FOUND)
    assert scene.binding.closed


def test_requests_that_shared_a_packet_are_answered_in_order(scene: Scene) -> None:
    packet = b"".join(request(ADD, bytes((0x92, txid, 1)), txid) for txid in range(1, 9))
    for _ in range(2):
        replies = scene.ask(packet)
        assert [reply[0] for reply in replies] == list(range(1, 9))
        assert bodies(replies) == [bytes((0x91, txid + 1)) for txid in range(1, 9)]


def test_a_promise_of_more_is_kept(scene: Scene) -> None:
    messages = [request(ADD, PAIR, txid, MORE) for txid in range(1, 30)]
    assert [reply[0] for reply in scene.ask(*messages)] == list(range(1, 30))


def test_replies_that_find_no_room_wait_and_nothing_more_is_read(scene: Scene) -> None:
    scene.ask(request(ADD, PAIR))
    fill(scene.binding.channel)
    for txid in range(10, 14):
        scene.peer.write(request(ADD, PAIR, txid))
    serve_turns(scene.port)
    assert scene.binding.statistics()["backlog"] == 1
    assert len(scene.server.seen) == 2
    while scene.binding.statistics()["backlog"] or len(scene.server.seen) < 5:
        scene.peer.read()
        serve_turns(scene.port)
    found = [scene.peer.try_receive(None, 1 << 20) for _ in range(400)]
    packets = b"".join(message[0] for message in found if message is not None)
    assert [packets.count(request(ADD, b"\x91\x09", txid)) for txid in range(10, 14)] == [1] * 4


def inside(scene: Scene) -> tuple[Any, Any, Any]:
    """The binding's way in, its connection and its outbox, once each method has its shortcut."""
    scene.ask(request(ADD, PAIR), request(TICK, b"", 0))
    connection = scene.binding._connection
    return connection.on_message, connection, connection.outbox


def test_a_one_way_handler_that_fills_the_queue_stops_the_reading(scene: Scene) -> None:
    take_message, connection, outbox = inside(scene)
    scene.server.answer = lambda: setattr(outbox, "clogged", True)
    take_message(0, TICK.ordinal, 0x20, b"", ())
    assert connection._reading is False
    assert scene.binding.statistics()["calls_in_flight"] == 0
    outbox.clogged = False


def test_a_reply_waits_behind_those_that_wait_for_room(scene: Scene) -> None:
    take_message, connection, outbox = inside(scene)
    outbox.clogged = True
    take_message(5, ADD.ordinal, 0x20, PAIR, ())
    assert received(scene.peer) == []
    assert connection._reading is False
    outbox.flush()
    assert bodies(received(scene.peer)) == [b"\x91\x09"]


def test_a_reply_that_leaves_alone_is_told(scene: Scene) -> None:
    take_message, _, outbox = inside(scene)
    alone: list[int] = []
    outbox.on_alone = lambda: alone.append(outbox.sent)
    for txid in (5, 6):
        take_message(txid, ADD.ordinal, 0x20, PAIR, ())
    assert alone == [2, 3]


def test_a_reply_waits_for_those_that_share_its_packet(scene: Scene) -> None:
    take_message, _, outbox = inside(scene)
    assert outbox._sharing is False
    outbox._sharing = True
    for txid in (5, 6):
        take_message(txid, ADD.ordinal, 0x20, PAIR, ())
    assert received(scene.peer) == []
    outbox.release()
    assert bodies(received(scene.peer)) == [b"\x91\x09"] * 2


def test_replies_that_share_a_packet_without_room_stop_the_reading(scene: Scene) -> None:
    take_message, connection, outbox = inside(scene)
    outbox._sharing = True
    fill(scene.binding.channel)
    for txid in range(12):
        assert connection._reading is True
        take_message(1 + txid, ADD.ordinal, 0x20, PAIR, ())
    assert connection._reading is False
    outbox._sharing = False


def test_a_reply_beside_other_calls_has_those_behind_it_share(scene: Scene) -> None:
    take_message, _, outbox = inside(scene)
    soon: list[object] = []
    outbox._soon = soon.append
    take_message(5, ADD.ordinal, 0x20, PAIR, ())
    assert soon == []
    scene.binding._in_flight = 1
    take_message(6, ADD.ordinal, 0x20, PAIR, ())
    assert soon == [outbox.release]
    assert len(received(scene.peer)) == 2
    scene.binding._in_flight = 0
    outbox.release()


def test_a_message_behind_one_that_has_not_begun_is_postponed(scene: Scene) -> None:
    take_message, _, _ = inside(scene)
    seen = len(scene.server.seen)
    before: Any = SimpleNamespace(begun=False, follower=None)
    scene.binding._last = before
    take_message(5, ADD.ordinal, 0x20, PAIR, ())
    assert len(scene.server.seen) == seen
    assert before.follower is not None
    scene.binding._last = None
    before.follower()
    assert bodies(scene.ask()) == [b"\x91\x09"]


def test_handles_where_none_belong_are_closed(scene: Scene) -> None:
    take_message, _, _ = inside(scene)
    handle = Handle(os.dup(0))
    with pytest.raises(RemoteProtocolError):
        take_message(5, ADD.ordinal, 0x20, PAIR, (handle,))
    assert handle.closed
    with pytest.raises(RemoteProtocolError):
        take_message(5, ADD.ordinal, 0x20, b"\x92\x06", ())


def test_a_shortcut_that_is_none_is_not_taken(scene: Scene) -> None:
    take_message, _, _ = inside(scene)
    broken: Any = scene.binding._shortcuts
    headless = broken[ADD.ordinal]._replace(head=None)
    for nonsense in (None, (), headless[:8], headless):
        broken[ADD.ordinal] = nonsense
        take_message(5, ADD.ordinal, 0x20, PAIR, ())
        assert bodies(received(scene.peer)) == [b"\x91\x09"]


def test_a_binding_that_is_over_is_collected(scene: Scene) -> None:
    scene.ask(request(ADD, PAIR), request(ADD, PAIR))
    seen = weakref.ref(scene.server)
    scene.binding.close()
    assert seen() is not None
    scene.server.binding = None
    del scene.binding, scene.server
    gc.collect()
    assert seen() is None


def test_a_long_answer_travels_in_memory(scene: Scene) -> None:
    for size in (65_000, 70_000, 65_510):
        [(*_, body)] = scene.ask(request(SPLIT, b"\x91\xce" + size.to_bytes(4, "big")))
        assert body.endswith(b"x" * size)


def test_a_peer_that_left_before_its_reply(scene: Scene) -> None:
    scene.ask(request(ADD, PAIR))

    def leave() -> Number:
        scene.peer.close()
        return Number(1)

    scene.server.answer = leave
    scene.peer.write(request(ADD, PAIR))
    serve_turns(scene.port)
    assert scene.binding.closed
    assert len(scene.server.gone) == 1


def test_the_limit_of_calls_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for twin in TWINS:
        use(twin, monkeypatch)
        scene = Scene(Limits(calls_in_flight=2))
        scene.ask(request(ADD, PAIR))
        completers = [Completer[Number](), Completer[Number]()]
        waiting = iter(completers)
        scene.server.answer = lambda waiting=waiting: next(waiting)
        scene.ask(request(ADD, PAIR, 6), request(ADD, PAIR, 7), request(ADD, PAIR, 8))
        assert len(scene.server.seen) == 3
        scene.server.answer = None
        completers[0].reply(Number(1))
        assert [reply[0] for reply in scene.ask()] == [6, 8]
        completers[1].reply(Number(1))
        scene.close()


def test_a_dispatcher_wants_a_binding() -> None:
    make = native().twin("dispatcher", shortcut._dispatcher)
    lent = native().twin("PacketSocket", PacketSocket)(0)
    for arguments in ((), (print, object(), None), (print, object(), object())):
        with pytest.raises(TypeError):
            make(*arguments)
    with pytest.raises(AttributeError):
        make(print, object(), lent)

    class NoBinding:
        _connection = _outbox = _shortcuts = None

    with pytest.raises(TypeError, match="dict"):
        make(print, NoBinding(), lent)


def test_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    use("native", monkeypatch)
    scene = Scene()
    ordinal, unusual = ADD.ordinal, {"wrong": Text("hi"), "late": None}
    take_message: Any = scene.binding._connection.on_message

    def usual() -> None:
        take_message(5, ordinal, 0x20, PAIR, ())
        take_message(0, NOTE.ordinal, 0x20, b"\x91\x07", ())
        received(scene.peer)
        scene.server.seen.clear()
        scene.server.in_flight.clear()

    def wrong() -> None:
        scene.server.answer = lambda: unusual["wrong"]
        usual()

    def failing() -> None:
        scene.server.answer = lambda: unusual["nothing"]
        usual()

    take_message(5, ordinal, 0x20, PAIR, ())
    before = [sys.getrefcount(each) for each in scene.binding._shortcuts.values()]
    for call in (usual, wrong, failing):
        assert growth_in_blocks(call) < 50
    after = [sys.getrefcount(each) for each in scene.binding._shortcuts.values()]
    assert after[: len(before)] == before
    scene.close()
