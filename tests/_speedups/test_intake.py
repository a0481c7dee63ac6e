"""A connection's packets by either twin: the same messages, ends and counts."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import sys
import threading
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcrt._speedups import chosen
from ipcrt.bindings import connection as connection_module
from ipcrt.bindings import intake, reading
from ipcrt.bindings.connection import Connection
from ipcrt.errors import Canceled, IpcError
from ipcrt.objects import _scm
from ipcrt.objects._scm import PacketSocket
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle, close_all
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.frames import Body, encode
from ipcrt.wire.header import MORE
from tests._speedups.twins import TWINS, growth_in_blocks, native, take
from tests.bindings.hand import serve_turns

LIMIT: Final = 64


class Scene:
    """A connection on a plain thread's port, and the raw socket of its peer."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.peer = theirs
        self.port = BlockingPort()
        self.heard: list[tuple[int, int, int, bytes, int]] = []
        self.ended: list[IpcError] = []
        self.then: Callable[[], object] | None = None
        channel = Channel(ours.detach())
        self.connection: Connection = Connection(
            "test", channel, self.port, self.hear, self.ended.append, max_message_bytes=LIMIT
        )
        self.connection.resume()

    def hear(
        self, txid: int, ordinal: int, flags: int, body: Body, handles: Sequence[Handle]
    ) -> None:
        assert self.connection.busy
        self.heard.append((txid, ordinal, flags, bytes(body), len(handles)))
        close_all(handles)
        if self.then is not None:
            self.then()

    def put(self, *messages: bytes, fds: int = 0) -> None:
        """Have these come in one packet."""
        packet = b"".join(messages)
        socket.send_fds(self.peer, [packet], [0] * fds) if fds else self.peer.send(packet)

    @property
    def txids(self) -> list[int]:
        return [txid for txid, *_ in self.heard]

    def state(self) -> tuple[Any, ...]:
        """All that can be told from outside."""
        connection = self.connection
        errors = [(type(error), str(error)) for error in self.ended]
        return self.heard, errors, connection.busy, connection.received, connection.unhandled

    def close(self) -> None:
        self.connection.close(Canceled("over"))
        self.peer.close()
        self.port.close()


def use(twin: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(connection_module, "make_intake", take(twin, "intake", intake._intake))
    if twin == "native" and not chosen.ACTIVE:
        patch.setattr(_scm, "lend_packets", take(twin, "PacketSocket", PacketSocket))
        patch.setattr(reading, "_choose_read", take(twin, "reader", reading._read_of))
        patient = take(twin, "patient_reader", reading._read_of)
        patch.setattr(reading, "_choose_patient_read", patient)


@pytest.fixture(params=TWINS)
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    use(request.param, monkeypatch)
    scene = Scene()
    yield scene
    scene.close()


def frame(txid: int, body: bytes = b"", *, flags: int = 0, handles: int = 0) -> bytes:
    return encode(txid, 7, flags, body, handles)


# ---- what comes


def test_a_message_arrives_whole(scene: Scene) -> None:
    scene.put(encode(0xFFFF_FFFF, (1 << 63) - 1, 2, b"body"))
    scene.port.dispatch()
    assert scene.heard == [(0xFFFF_FFFF, (1 << 63) - 1, 0x22, b"body", 0)]
    assert not scene.connection.busy


def test_one_packet_is_read_in_a_turn_unless_more_is_promised(scene: Scene) -> None:
    for txid in (1, 2):
        scene.put(frame(txid))
    scene.port.dispatch()
    assert scene.txids == [1]
    scene.put(frame(3, flags=MORE))
    scene.put(frame(4))
    scene.port.dispatch()
    scene.port.dispatch()
    assert scene.txids == [1, 2, 3, 4]


def test_messages_of_one_packet_get_a_fair_share_of_turns(scene: Scene) -> None:
    for _ in range(2):
        scene.heard.clear()
        scene.put(*(frame(txid) for txid in range(100)))
        scene.port.dispatch()
        assert scene.txids == list(range(64))
        serve_turns(scene.port)
        assert scene.txids == list(range(100))


@pytest.mark.parametrize("several", [False, True])
def test_a_message_over_the_limit_ends_the_connection(scene: Scene, several: bool) -> None:
    scene.put(*[frame(1)] * several, frame(2, bytes(LIMIT - 16)))
    serve_turns(scene.port)
    assert scene.txids == [1] * several + [2]
    scene.put(*[frame(3)] * several, frame(4, bytes(LIMIT - 15)), frame(5))
    serve_turns(scene.port)
    assert scene.txids == [1] * several + [2] + [3] * several
    assert [str(error) for error in scene.ended] == [f"message of {LIMIT + 1} bytes exceeds 64"]


def test_who_pauses_hears_no_more(scene: Scene) -> None:
    scene.then = scene.connection.pause
    scene.put(frame(1), frame(2))
    scene.put(frame(3))
    for heard in ([1], [1, 2], [1, 2, 3]):
        serve_turns(scene.port)
        assert scene.txids == heard
        scene.connection.resume()


def test_who_postpones_a_message_gets_it_again(scene: Scene) -> None:
    connection = scene.connection

    def postpone() -> None:
        if scene.txids == [1, 2]:
            connection.postpone(2, 7, 0, b"", ())

    scene.then = postpone
    scene.put(frame(1), frame(2), frame(3))
    serve_turns(scene.port)
    assert scene.txids == [1, 2]
    connection.go_on()
    serve_turns(scene.port)
    assert scene.txids == [1, 2, 2, 3]


def test_who_closes_the_connection_hears_no_more(scene: Scene) -> None:
    scene.then = lambda: scene.connection.close(Canceled("enough"))
    scene.put(frame(1), frame(2))
    serve_turns(scene.port)
    assert scene.txids == [1]
    assert not scene.connection.busy


def test_nothing_is_read_while_a_message_is_handled(scene: Scene) -> None:
    scene.put(frame(1))
    scene.put(frame(2))
    scene.then = scene.connection._take
    scene.port.dispatch()
    assert scene.txids == [1]
    scene.then = None
    scene.port.dispatch()
    assert scene.txids == [1, 2]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("nap", [False, True])
def test_a_defect_ends_the_connection(
    scene: Scene, several: bool, nap: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("missing")

    scene.connection.nap()
    scene.then = fail
    scene.put(*[frame(1)] * (1 + several))
    scene.connection.nap() if nap else scene.port.dispatch()
    assert scene.txids == [1]
    assert [str(error) for error in scene.ended] == ["our own mistake: KeyError('missing')"]
    assert "in fail" in caplog.text
    assert not scene.connection.busy


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("nap", [False, True])
def test_what_is_no_exception_of_ours_comes_out(scene: Scene, several: bool, nap: bool) -> None:
    def stop() -> None:
        scene.then = None
        raise KeyboardInterrupt

    scene.connection.nap()
    scene.then = stop
    scene.put(*[frame(1)] * (1 + several))
    with pytest.raises(KeyboardInterrupt):
        scene.connection.nap() if nap else scene.port.dispatch()
    scene.put(frame(2))
    serve_turns(scene.port)
    assert scene.txids == [1] * (1 + several) + [2]
    assert scene.ended == []


def test_a_peer_that_hangs_up(scene: Scene) -> None:
    scene.put(frame(1))
    scene.peer.close()
    serve_turns(scene.port)
    assert (scene.txids, len(scene.ended)) == ([1], 1)


# ---- naps


def test_a_nap_handles_what_comes(scene: Scene) -> None:
    assert not scene.connection.nap()
    scene.put(frame(1))
    scene.put(frame(2), frame(3))
    scene.put(frame(4, handles=1), fds=1)
    for heard in ([1], [1, 2, 3, 4]):  # where several came together, more is read at once
        assert scene.connection.nap() is True
        assert scene.txids == heard
    assert scene.connection.nap() is False
    scene.connection.pause()
    assert scene.connection.nap() is False


@pytest.mark.parametrize("last_words", [b"", b"garbage"])
def test_a_nap_that_finds_the_end_ends_the_connection(scene: Scene, last_words: bytes) -> None:
    assert not scene.connection.nap()
    if last_words:
        scene.put(last_words)
    scene.peer.close()
    assert scene.connection.nap() is True
    assert len(scene.ended) == 1
    assert scene.connection.nap() is False


@contextlib.contextmanager
def interrupted(handler: Callable[..., None]) -> Generator[None]:
    """Have a signal come soon, which `handler` handles."""
    before = signal.signal(signal.SIGUSR1, handler)
    main = threading.get_ident()
    timer = threading.Timer(0.01, lambda: signal.pthread_kill(main, signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def _nap_until_something_comes(scene: Scene) -> None:
    while not scene.connection.nap() and not scene.connection.unhandled:
        pass


def test_what_a_signal_s_handler_raises_ends_the_nap_alone(scene: Scene) -> None:
    def interrupt(*_: object) -> None:
        scene.put(frame(1))
        raise LookupError("an alarm")

    assert not scene.connection.nap()
    with interrupted(interrupt), pytest.raises(LookupError, match="an alarm"):
        _nap_until_something_comes(scene)
    assert scene.connection.nap()
    assert (scene.txids, scene.ended) == ([1], [])


def test_a_signal_s_handler_that_reads_keeps_the_order(scene: Scene) -> None:
    """What it has read comes first, and what the nap finds behind it."""

    def interrupt(*_: object) -> None:
        scene.connection._pending.append((1, 7, 0, b"", ()))
        scene.put(frame(2))

    assert not scene.connection.nap()
    with interrupted(interrupt):
        _nap_until_something_comes(scene)
    assert scene.heard == []
    scene.connection._arm()
    serve_turns(scene.port)
    assert scene.txids == [1, 2]


# ---- whatever comes


@st.composite
def packets(draw: st.DrawFn) -> tuple[bytes, int]:
    frames = [
        frame(
            draw(st.integers(0, 0xFFFF_FFFF)),
            bytes(draw(st.sampled_from([0, 3, LIMIT - 16, LIMIT - 15]))),
            flags=draw(st.sampled_from([0, 0, 0, MORE, 2])),
        )
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 13, 70])))
    ]
    packet = bytearray(b"".join(frames))
    if draw(st.integers(0, 9)) == 0:
        packet[draw(st.integers(0, len(packet) - 1))] = draw(st.integers(0, 255))
    return bytes(packet), draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(packets(), max_size=6), st.integers(0, 2))
def test_both_twins_hear_the_same(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    arrived: list[tuple[bytes, int]],
    turns: int,
) -> None:
    caplog.set_level(logging.CRITICAL)
    found: list[list[str]] = []
    for twin in TWINS:
        with monkeypatch.context() as patch:
            use(twin, patch)
            scene = Scene()
            states: list[str] = []
            for packet, fds in arrived:
                if scene.ended:
                    break
                scene.put(packet, fds=fds)
                for _ in range(turns):
                    scene.port.dispatch()
                states.append(repr(scene.state()))
            serve_turns(scene.port)
            states.append(repr(scene.state()))
            scene.close()
            found.append(states)
    assert found[0] == found[1]


# ---- the C twin alone


def test_an_intake_wants_a_connection() -> None:
    make = native().twin("intake", intake._intake)
    lent = native().twin("PacketSocket", PacketSocket)(0)
    channel, other_end = Channel.create()
    with channel, other_end:
        reader = reading.Reader(channel, _scm.ReceiveBuffer(), LIMIT)
        read: Any = native().twin("reader", reading._read_of)(reader, lent, channel)
        ways = (print, print, print)
        for arguments in (
            (),
            (ways, object(), read, "1"),
            ((), object(), read, 1),
            (1, 2, read, 3),
        ):
            with pytest.raises(TypeError):
                make(*arguments)
        with pytest.raises(AttributeError):
            make(ways, object(), read, 1)
        for other in (reader.read, print, lent.try_send, None):
            assert make(ways, object(), other, 1) is ways


def test_a_connection_that_is_over_is_collected(scene: Scene) -> None:
    class Hearer:
        def hear(self, *_: object) -> None:
            """Hear nothing."""

    ours, theirs = Channel.create()
    connection = Connection("test", ours, scene.port, Hearer().hear, scene.ended.append)
    seen = weakref.ref(connection.on_message.__self__)  # type: ignore[attr-defined]
    connection.resume()
    connection.nap()
    theirs.close()
    serve_turns(scene.port)
    assert len(scene.ended) == 1
    scene.ended.clear()
    assert seen() is not None
    del connection
    gc.collect()
    assert seen() is None


def test_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    use("native", monkeypatch)
    scene = Scene()
    scene.connection.nap()
    usual, several = frame(500, b"body"), frame(500, b"body") * 3

    def dispatch() -> None:
        scene.put(usual)
        scene.port.dispatch()
        scene.heard.clear()

    def shared() -> None:
        scene.put(several)
        scene.port.dispatch()
        scene.connection._in_bursts = False
        scene.heard.clear()

    def nap() -> None:
        scene.put(usual)
        scene.connection.nap()
        scene.heard.clear()

    def stopping() -> None:
        def stop() -> None:
            raise KeyboardInterrupt

        scene.then = stop
        scene.put(usual)
        with pytest.raises(KeyboardInterrupt):
            scene.connection.nap()
        scene.then = None
        scene.heard.clear()

    def failing() -> None:
        def fail() -> None:
            raise KeyError("missing")

        other = Scene()
        other.then = fail
        other.put(usual)
        other.port.dispatch()
        assert len(other.ended) == 1
        other.close()

    dispatch()
    assert growth_in_blocks(failing, 300) < 150
    hear = scene.connection.on_message
    before = sys.getrefcount(hear)
    for call in (dispatch, shared, nap, stopping):
        assert growth_in_blocks(call) < 50
    assert sys.getrefcount(hear) == before
    scene.close()


def test_each_allocation_may_fail(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each fails once, in turn: the connection is lost at worst, and nothing crashes."""
    caplog.set_level(logging.CRITICAL)
    testcapi = pytest.importorskip("_testcapi")
    use("native", monkeypatch)
    ended = 0
    for allocation in range(25):
        for packet in (frame(500, b"body"), frame(500, b"body") * 3):
            scene = Scene()
            scene.put(packet)
            testcapi.set_nomemory(allocation, allocation + 1)
            try:
                scene.connection._take()
            except MemoryError:
                ended += 1
            finally:
                testcapi.remove_mem_hooks()
            ended += len(scene.ended)
            assert not scene.connection.busy
            scene.close()
    assert ended >= 4
