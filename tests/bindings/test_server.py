"""One binding and a client that is bytes by hand."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.bindings.tables import Kind
from ipcrt.errors import (
    InvalidArgs,
    LocalProtocolError,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    Status,
)
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import EPITAPH_ORDINAL, FLEXIBLE
from tests.bindings import calc
from tests.bindings.calc import Calc, CalcServer, Text
from tests.bindings.hand import (
    ADD,
    GIVE,
    KEEP,
    ON_NEWS,
    SAY,
    Tiny,
    TinyServer,
    fill,
    hung_up,
    null,
    raw,
    received,
    serve_turns,
)
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

PAIR = b"\x92\x02\x03"
TEXT = b"\x91\xa2hi"
FILE = b"\x91\xd4\x01\x00"
STRANGER = 0x123456789
NO_BODY = b""


class Scene:
    """A served client on a plain thread, and the client's channel."""

    def __init__(self, port: BlockingPort, limits: Limits | None = None) -> None:
        client, end = create_endpoints(Tiny)
        self.port = port
        self.peer = client.take_channel()
        self.server = TinyServer()
        self.binding = ServerBinding(end, self.server, port, limits)

    def turn(self) -> None:
        serve_turns(self.port)

    def close(self) -> None:
        self.binding.close()
        self.peer.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with BlockingPort() as port:
        scene = Scene(port)
        yield scene
        scene.close()


class Lacking(Server[Tiny]):
    PROTOCOL = Tiny

    def add(self, a: int, b: int) -> None: ...


def test_a_server_that_lacks_a_method_is_told_before_it_serves() -> None:
    client, end = create_endpoints(Tiny)
    with BlockingPort() as port, client, end:
        with pytest.raises(TypeError, match=r"Lacking serves test/Tiny without give\(\)"):
            ServerBinding(end, Lacking(), port)
        assert not end.closed


def test_a_plain_thread_takes_no_async_handler() -> None:
    client, end = create_endpoints(Calc)
    with BlockingPort() as port, client, end:
        with pytest.raises(TypeError, match="divide is async"):
            ServerBinding(end, CalcServer(port), port)
        assert not end.closed


def test_a_closed_port_closes_the_end() -> None:
    client, end = create_endpoints(Tiny)
    port = BlockingPort()
    port.close()
    with client:
        with pytest.raises(Exception, match="closed"):
            ServerBinding(end, TinyServer(), port)
        assert hung_up(client.channel)


def test_replies_come_in_the_order_of_calls_that_shared_a_packet(scene: Scene) -> None:
    scene.peer.write(b"".join(raw(txid, ADD, PAIR) for txid in (7, 5, 6)))
    scene.turn()
    replies = [(txid, ADD.ordinal, 0x20, b"\x91\x05") for txid in (7, 5, 6)]
    assert received(scene.peer) == replies


REFUSED = [
    pytest.param(raw(1, SAY, TEXT), "is one-way, txid is 1", id="one-way with a txid"),
    pytest.param(raw(0, ADD, PAIR), "is two-way, txid is 0", id="call without a txid"),
    pytest.param(raw(0, ON_NEWS, TEXT), "has no method", id="event"),
    pytest.param(raw(1, ON_NEWS, TEXT), "has no method", id="event with a txid"),
    pytest.param(encode_epitaph(-1), "has no method 0xffffffffffffffff", id="epitaph"),
    pytest.param(encode(0, STRANGER, 0, NO_BODY), "has no method", id="unknown and strict"),
    pytest.param(encode(1, STRANGER, FLEXIBLE, NO_BODY), "has no method", id="unknown, ajar"),
    pytest.param(raw(1, ADD, b"\x92\x01\xa1x"), "Pair: ", id="wrong type"),
    pytest.param(raw(1, ADD, b"\x91\x01"), "Pair: ", id="member missing"),
    pytest.param(raw(0, SAY, b"\x91\xaa\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), "10 bytes"),
]


@pytest.mark.parametrize("data, reason", REFUSED)
def test_a_breach_ends_the_binding_with_one_line_in_the_log(
    data: bytes, reason: str, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.peer.write(data)
    scene.turn()
    assert scene.binding.closed
    assert hung_up(scene.peer)
    assert [type(error) for error in scene.server.gone] == [RemoteProtocolError]
    assert reason in str(scene.server.gone[0])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert reason in caplog.text
    assert not scene.server.added
    assert not scene.server.said


def test_no_handle_of_a_breach_is_left(scene: Scene) -> None:
    before = len(open_fds())
    for data in (raw(3, KEEP, FILE, 1), encode(0, STRANGER, 0, FILE, 1), raw(0, SAY, TEXT, 1)):
        with BlockingPort() as port:
            other = Scene(port)
            other.peer.write(data, [null()])
            other.turn()
            assert other.binding.closed
            other.close()
    assert len(open_fds()) == before


def test_an_unknown_one_way_message_is_told_and_its_handles_are_closed(scene: Scene) -> None:
    before = len(open_fds())
    scene.peer.write(encode(0, STRANGER, FLEXIBLE, FILE, 1), [null()])
    scene.peer.write(raw(0, SAY, TEXT))
    scene.turn()
    assert scene.server.unknown == [(STRANGER, Kind.ONE_WAY)]
    assert scene.server.said == ["hi"]
    assert len(open_fds()) == before


def test_a_hook_that_raises_is_logged_and_ends_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.server.mishap = KeyError("oops")
    scene.peer.write(encode(0, STRANGER, FLEXIBLE, NO_BODY))
    scene.turn()
    assert "unknown_method failed" in caplog.text
    assert not scene.binding.closed
    scene.peer.close()
    scene.turn()
    assert "client_gone failed" in caplog.text
    assert scene.binding.closed


def test_a_handler_that_raises_leaves_no_handle(scene: Scene) -> None:
    before = len(open_fds())
    scene.server.mishap = KeyError("oops")
    scene.peer.write(raw(0, KEEP, FILE, 1), [null()])
    scene.peer.write(raw(1, GIVE, FILE, 1), [null()])
    scene.turn()
    scene.server.mishap = None
    assert len(open_fds()) == before
    assert received(scene.peer) == [(1, EPITAPH_ORDINAL, 0x20, b"\xff")]
    assert not scene.binding.closed


def test_a_handler_keeps_the_handles_that_it_was_given(scene: Scene) -> None:
    scene.peer.write(raw(0, KEEP, FILE, 1), [null()])
    scene.turn()
    scene.binding.close()
    (file,) = scene.server.kept
    assert not file.closed
    file.close()


def test_a_message_over_the_limit_ends_the_binding() -> None:
    with BlockingPort() as port:
        for size, closed in ((30, False), (31, True)):
            scene = Scene(port, Limits(message_bytes=30))
            scene.peer.write(encode(0, STRANGER, FLEXIBLE, bytes(size - 16)))
            scene.turn()
            assert scene.binding.closed is closed
            assert len(scene.server.unknown) == 1 - closed
            scene.close()


def test_a_limit_of_no_calls_is_refused() -> None:
    with pytest.raises(InvalidArgs, match="limit of 0 calls"):
        Limits(calls_in_flight=0)


def test_close_tells_the_reason_and_then_hangs_up(scene: Scene) -> None:
    scene.binding.close(Status.UNAVAILABLE)
    scene.binding.close(Status.INTERNAL)
    assert received(scene.peer) == [(0, EPITAPH_ORDINAL, 0x20, b"\xe4")]
    assert hung_up(scene.peer)
    assert [type(error) for error in scene.server.gone] == [PeerClosed]


def test_close_without_a_reason_only_hangs_up(scene: Scene) -> None:
    with scene.binding as binding:
        assert not binding.closed
    assert scene.binding.closed
    assert hung_up(scene.peer)


def test_close_does_not_wait_for_room(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        count = fill(scene.binding.channel)
        scene.binding.close(Status.UNAVAILABLE)
    assert "no room for the epitaph UNAVAILABLE" in caplog.text
    assert len(received(scene.peer)) == count


def test_an_event_goes_at_once_or_not_at_all(scene: Scene) -> None:
    scene.binding.send_event(ON_NEWS, Text("hi"))
    assert received(scene.peer) == [(0, ON_NEWS.ordinal, 0x22, TEXT)]
    count = fill(scene.binding.channel)
    with pytest.raises(ShouldWait):
        scene.binding.send_event(ON_NEWS, Text("hi"))
    assert scene.binding.statistics() == {"calls_in_flight": 0, "backlog": 0}
    assert scene.binding.traffic()["sent"] == 1
    assert len(received(scene.peer)) == count


def test_an_event_that_breaks_the_contract_is_our_error(scene: Scene) -> None:
    with pytest.raises(LocalProtocolError):
        scene.binding.send_event(ON_NEWS, Text("much too long"))
    assert received(scene.peer) == []
    scene.binding.close()
    with pytest.raises(PeerClosed, match="closed by the server"):
        scene.binding.send_event(ON_NEWS, Text("hi"))


def test_a_client_that_reads_no_replies_is_not_read(scene: Scene) -> None:
    count = fill(scene.binding.channel)
    for txid in range(1, 11):
        scene.peer.write(raw(txid, ADD, PAIR))
    scene.turn()
    assert len(scene.server.added) == 1
    assert scene.binding.statistics()["backlog"] == 1
    assert len(received(scene.peer)) == count
    for _ in range(10):
        scene.turn()
    assert len(scene.server.added) == 10
    assert [txid for txid, *_ in received(scene.peer)] == list(range(1, 11))


# ------------------------------------------------------------------- handlers beside the others


async def _wait(server: CalcServer, count: int) -> None:
    await wait_until_async(lambda: len(server.hanging) == count)


def _call(peer: Channel, *txids: int) -> None:
    for txid in txids:
        peer.write(raw(txid, calc.HANG, NO_BODY))


@pytest.mark.anyio
async def test_no_more_calls_are_read_than_may_be_in_flight() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        with client.take_channel() as peer:
            server = calc.serve(end, port, Limits(calls_in_flight=2))
            assert server.binding is not None
            _call(peer, 1, 2, 3)
            peer.write(raw(4, calc.ADD, PAIR))
            await _wait(server, 2)
            assert server.binding.statistics()["calls_in_flight"] == 2
            assert received(peer) == []
            server.hanging[1].set_result(None)
            await _wait(server, 3)
            assert [txid for txid, *_ in received(peer)] == [2]
            server.hanging[0].set_result(None)
            replies: list[int] = []
            with anyio.fail_after(10):
                while len(replies) < 2:
                    await anyio.lowlevel.checkpoint()
                    replies += [txid for txid, *_ in received(peer)]
            assert replies == [1, 4]
            server.binding.close()


@pytest.mark.anyio
async def test_nothing_is_read_while_replies_wait_even_when_a_handler_ends() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        with client.take_channel() as peer:
            server = calc.serve(end, port)
            binding = server.binding
            assert binding is not None
            _call(peer, 1, 2)
            await _wait(server, 2)
            unread = fill(binding.channel)
            for count in (1, 2):
                server.hanging[count - 1].set_result(None)
                await wait_until_async(lambda: binding.statistics()["backlog"] == count)  # noqa: B023
                peer.write(raw(2 + count, calc.ADD, PAIR))
            await port.sleep(0.01)
            assert binding.traffic()["received"] == 2
            replies: list[int] = []
            with anyio.fail_after(10):
                while len(replies) < unread + 4:
                    await anyio.lowlevel.checkpoint()
                    replies += [txid for txid, *_ in received(peer)]
            assert sorted(replies[unread:]) == [1, 2, 3, 4]
            binding.close()


@pytest.mark.anyio
async def test_calls_are_cancelled_when_the_client_goes() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        server = calc.serve(end, port)
        with client.take_channel() as peer:
            _call(peer, 1, 2)
            await _wait(server, 2)
            peer.write(raw(0, calc.NOTE, b"\x91\xa4last"))
        assert server.binding is not None
        with anyio.fail_after(10):
            await server.binding.wait_closed()
            while server.binding.statistics()["calls_in_flight"]:
                await anyio.lowlevel.checkpoint()
        assert [type(error) for error in server.gone] == [PeerClosed]
        assert server.notes == ["last"]


@pytest.mark.anyio
async def test_close_cancels_handlers_and_wakes_who_waits_for_the_end() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        server = calc.serve(end, port)
        binding = server.binding
        assert binding is not None
        with client.take_channel() as peer:
            _call(peer, 1)
            await _wait(server, 1)
            with anyio.move_on_after(0):
                await binding.wait_closed()
            with anyio.fail_after(10):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(binding.wait_closed)
                    await anyio.lowlevel.checkpoint()
                    binding.close(Status.UNAVAILABLE)
                await wait_until_async(lambda: not binding.statistics()["calls_in_flight"])
            await binding.wait_closed()
            assert received(peer) == [(0, EPITAPH_ORDINAL, 0x20, b"\xe4")]


@pytest.mark.anyio
async def test_an_event_waits_for_room_and_is_taken_back_when_cancelled() -> None:
    async with open_port() as port:
        client, end = create_endpoints(Calc)
        server = calc.serve(end, port)
        binding = server.binding
        assert binding is not None
        with client.take_channel() as peer:
            count = fill(binding.channel)
            with anyio.move_on_after(0.01):
                await binding.send_event_wait(calc.ON_NOTE, Text("lost"))
            assert binding.statistics()["backlog"] == 0
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(binding.send_event_wait, calc.ON_NOTE, Text("sent"))
                await wait_until_async(lambda: binding.statistics()["backlog"])
                assert len(received(peer)) == count
            assert [body for *_, body in received(peer)] == [b"\x91\xa4sent"]
            binding.close()
