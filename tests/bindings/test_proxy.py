"""The typed face: who may use it, and what becomes of its end."""

from __future__ import annotations

import math
import subprocess
import sys
import threading

import anyio
import anyio.lowlevel
import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    BadState,
    Canceled,
    IpcError,
    PeerClosed,
    RemoteProtocolError,
    ShouldWait,
    Status,
    TimedOut,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort, open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.executor import open_executor
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from tests.bindings import calc
from tests.bindings.calc import CalcBlockingProxy, CalcProxy, File, Number, Pair, Text
from tests.bindings.hand import (
    ADD,
    KEEP,
    ON_NEWS,
    SAY,
    Raw,
    Tiny,
    fill,
    hung_up,
    null,
    raw,
    received,
)
from tests.support.proc import open_fds
from tests.support.processes import ROOT

TEXT = b"\x91\xa2hi"
FIVE = b"\x91\x05"


class TinyProxy(BlockingProxy[Tiny]):
    PROTOCOL = Tiny

    def add(self, a: int, b: int, *, timeout: float | None = DEFAULT_TIMEOUT) -> Number:
        return self._call(ADD, Pair(a, b), timeout)

    def say(self, text: str) -> None:
        self._send(SAY, Text(text))

    def say_now(self, text: str) -> None:
        self._send_now(SAY, Text(text))

    def keep(self, file: Handle) -> None:
        self._send(KEEP, File(file))


class AsyncTinyProxy(Proxy[Tiny]):
    PROTOCOL = Tiny

    async def say(self, text: str) -> None:
        await self._send(SAY, Text(text))


class Listener:
    """Calls its own proxy out of an event."""

    def __init__(self) -> None:
        self.proxy: TinyProxy | None = None
        self.refusals: list[Exception] = []
        self.heard: list[str] = []

    def on_news(self, text: str) -> None:
        self.heard.append(text)
        if self.proxy is None:
            return
        try:
            self.proxy.add(1, 1)
        except BadState as error:
            self.refusals.append(error)
        try:
            self.proxy.say("hi")
        except BadState as error:
            self.refusals.append(error)

    def on_file(self, file: Handle) -> None:
        file.close()


# ---------------------------------------------------------------------------------- plain threads


def test_a_process_that_ends_with_open_proxies_says_nothing() -> None:
    source = """if True:
        from ipcrt.bindings.ends import create_endpoints
        from ipcrt.port.blocking import BlockingPort
        from tests.bindings.test_proxy import Listener, Tiny, TinyProxy
        client, server = create_endpoints(Tiny)
        port = BlockingPort()
        proxy = TinyProxy(client, port)
        other, _ = create_endpoints(Tiny)
        listening = TinyProxy(other, port, Listener())
    """
    told = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True, cwd=ROOT)
    assert told.stderr == b""


def test_a_blocking_call_serves_events_until_its_reply() -> None:
    client, server = create_endpoints(Tiny)
    listener = Listener()
    with BlockingPort() as port, server.take_channel() as peer:
        with TinyProxy(client, port, listener) as proxy:
            peer.write(raw(0, ON_NEWS, TEXT) + raw(0, ON_NEWS, b"\x91\xa1x"))
            peer.write(raw(1, ADD, FIVE))
            assert proxy.add(2, 3) == Number(5)
            assert listener.heard == ["hi", "x"]
            assert proxy.statistics() == {"calls": 0, "calls_given_up": 0, "backlog": 0}
        assert received(peer) == [(1, ADD.ordinal, 0x20, b"\x92\x02\x03")]


@pytest.mark.parametrize("listens", [False, True])
def test_a_call_naps_for_its_reply_unless_another_proxy_listens(listens: bool) -> None:
    client, server = create_endpoints(Tiny)
    other, far = create_endpoints(Tiny)
    with (
        BlockingPort() as port,
        server.take_channel() as peer,
        far,
        TinyProxy(client, port) as proxy,
        TinyProxy(other, port, Listener() if listens else None),
    ):
        port._looked = math.inf  # as if just now, however slow this machine is
        peer.write(raw(1, ADD, FIVE))
        assert proxy.add(2, 3) == Number(5)
        napped = proxy._client.connection._sleep is not None
        assert napped is not listens


def test_a_blocking_call_inside_its_own_listener_is_refused() -> None:
    client, server = create_endpoints(Tiny)
    listener = Listener()
    with BlockingPort() as port, server.take_channel() as peer:
        with TinyProxy(client, port, listener) as listener.proxy:
            peer.write(raw(0, ON_NEWS, TEXT))
            peer.write(raw(1, ADD, FIVE))
            assert listener.proxy.add(2, 3) == Number(5)
        assert [str(error) for error in listener.refusals] == [
            "a blocking call inside its own listener would never see its reply"
        ] * 2
        assert len(received(peer)) == 1


def test_another_thread_may_not_call() -> None:
    client, server = create_endpoints(Tiny)
    refusals: list[Exception] = []

    def use() -> None:
        try:
            proxy.say("hi")
        except BadState as error:
            refusals.append(error)

    with BlockingPort() as port, server.take_channel() as peer:
        with TinyProxy(client, port) as proxy:
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        assert len(refusals) == 1
        assert received(peer) == []


def test_a_blocking_send_that_never_finds_room_is_taken_back() -> None:
    client, server = create_endpoints(Tiny)
    with BlockingPort() as port, server.take_channel() as peer:
        with TinyProxy(client, port) as proxy:
            count = fill(proxy._client.connection.channel)
            with pytest.raises(ShouldWait):
                proxy.say_now("no")
            port.deadlines.add(0, port.close)
            file = null()
            with pytest.raises(Canceled):
                proxy.keep(file)
            assert file.closed
            assert proxy.statistics()["backlog"] == 0
        assert len(received(peer)) == count


def test_a_call_out_of_time_leaves_its_txid_in_use() -> None:
    client, server = create_endpoints(Tiny)
    with BlockingPort() as port, server, TinyProxy(client, port) as proxy:
        with pytest.raises(TimedOut, match="add: no reply within 0 seconds"):
            proxy.add(1, 2, timeout=0)
        assert proxy.statistics()["calls_given_up"] == 1
        with pytest.raises(BadState, match="calls_given_up 1"):
            proxy.into_client_end()
        assert not proxy.closed


def test_an_end_that_moves_out_leaves_a_closed_proxy() -> None:
    client, server = create_endpoints(Tiny)
    with BlockingPort() as port, server.take_channel() as peer:
        proxy = TinyProxy(client, port)
        assert client.closed
        with proxy.into_client_end() as end:
            assert type(end) is ClientEnd
            assert proxy.closed
            with pytest.raises(BadHandle, match="moved out"):
                proxy.say("hi")
            with pytest.raises(BadHandle, match="moved out"):
                proxy.into_client_end()
            proxy.close()
            assert not end.closed
            with TinyProxy(end, port) as again:
                again.say("hi")
        assert received(peer) == [(0, SAY.ordinal, 0x22, TEXT)]
        assert hung_up(peer)


@pytest.mark.parametrize("listener", [object(), None])
def test_a_listener_that_does_not_fit_leaves_the_end(listener: object) -> None:
    client, server = create_endpoints(Tiny)
    with BlockingPort() as port, client, server:
        if listener is None:
            TinyProxy(client, port, listener).close()
            assert client.closed
            return
        with pytest.raises(TypeError, match="without on_news"):
            TinyProxy(client, port, listener)
        assert not client.closed


def test_repr_names_the_class_and_the_channel() -> None:
    client, server = create_endpoints(Tiny)
    with BlockingPort() as port, server, TinyProxy(client, port) as proxy:
        assert repr(proxy).startswith("<TinyProxy <Channel fd=")


# ------------------------------------------------------------------------------------ event loops


def _clogged(port: AsyncPort) -> tuple[AsyncTinyProxy, ClientEnd[Tiny], int]:
    client, server = create_endpoints(Tiny)
    proxy = AsyncTinyProxy(client, port)
    count = fill(proxy._client.connection.channel)
    return proxy, ClientEnd[Tiny](server.take_channel()), count


@pytest.mark.anyio
async def test_a_cancelled_send_is_taken_back() -> None:
    async with open_port() as port:
        proxy, server, count = _clogged(port)
        with server:
            async with proxy:
                with anyio.move_on_after(0.01):
                    await proxy.say("lost")
                assert proxy.statistics()["backlog"] == 0
            assert len(received(server.channel)) == count


@pytest.mark.anyio
async def test_closing_wakes_who_waits_for_room() -> None:
    async with open_port() as port:
        proxy, server, _ = _clogged(port)

        async def say() -> None:
            with pytest.raises(Canceled):
                await proxy.say("lost")

        with server, anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(say)
                while not proxy.statistics()["backlog"]:
                    await anyio.lowlevel.checkpoint()
                proxy.close()
        with pytest.raises(BadHandle, match="closed"):
            await proxy.say("later")


@pytest.mark.anyio
async def test_a_peer_that_dies_fails_who_waits_for_room() -> None:
    async with open_port() as port:
        proxy, server, _ = _clogged(port)

        async def say() -> None:
            with pytest.raises(PeerClosed):
                await proxy.say("lost")

        with anyio.fail_after(10):
            async with proxy, anyio.create_task_group() as tasks:
                tasks.start_soon(say)
                while not proxy.statistics()["backlog"]:
                    await anyio.lowlevel.checkpoint()
                server.close()
            assert proxy.closed


@pytest.mark.anyio
async def test_one_proxy_serves_many_calls_out_of_order() -> None:
    async with open_port() as port:
        client, server = create_endpoints(calc.Calc)
        with server.take_channel() as peer, anyio.fail_after(10):
            async with CalcProxy(client, port) as proxy, anyio.create_task_group() as tasks:

                async def add(number: int) -> None:
                    assert await proxy.add(number, 0) == number

                for number in range(10):
                    tasks.start_soon(add, number)
                asked: list[Raw] = []
                while len(asked) < 10:
                    await anyio.lowlevel.checkpoint()
                    asked += received(peer)
                for txid, ordinal, _, body in reversed(asked):
                    peer.write(encode(txid, ordinal, 0, b"\x91" + body[1:2]))
            assert proxy.statistics() == {"calls": 0, "calls_given_up": 0, "backlog": 0}


@pytest.mark.anyio
async def test_an_unknown_flexible_event_changes_nothing() -> None:
    async with open_port() as port:
        client, server = create_endpoints(Tiny)
        with server.take_channel() as peer, anyio.fail_after(10):
            async with AsyncTinyProxy(client, port, Listener()) as proxy:
                peer.write(encode(0, 12345, FLEXIBLE, b""))
                await port.sleep(0.01)
                assert not proxy.closed
                await proxy.say("hi")
            assert received(peer) == [(0, SAY.ordinal, 0x22, TEXT)]


# -------------------------------------------------------------------------- from world to world


def fresh_proxy(port: AsyncPort) -> CalcProxy:
    """A proxy whose server runs on the same loop."""
    end, _ = calc.fresh_end(port)
    return CalcProxy(end, port)


@pytest.mark.anyio
async def test_a_proxy_moves_to_the_blocking_world_and_back() -> None:
    async with open_executor() as executor, fresh_proxy(executor.port) as proxy:
        assert await proxy.add(1, 2) == 3
        blocking = proxy.into_blocking_proxy(CalcBlockingProxy)
        with pytest.raises(BadHandle):
            await proxy.add(1, 2)
        for number in range(3):  # in whichever thread
            assert await executor.call_blocking(blocking.add, number, 1) == number + 1
        with pytest.raises(BadState, match="event loop"):
            blocking.add(1, 2)
        async with blocking.into_proxy(CalcProxy, executor.port) as back:
            assert await back.add(3, 4) == 7
        assert blocking.closed
        assert blocking._port.closed


@pytest.mark.anyio
async def test_a_proxy_whose_calls_are_in_flight_does_not_move() -> None:
    async with open_executor() as executor, fresh_proxy(executor.port) as proxy:
        hanging = executor.spawn(proxy.hang())
        await executor.port.sleep(0.001)
        before = open_fds()
        with pytest.raises(BadState, match="calls 1"):
            proxy.into_blocking_proxy(CalcBlockingProxy)
        assert open_fds() == before
        assert await proxy.add(1, 2) == 3
        with pytest.raises(TypeError, match="another protocol"):
            proxy.into_blocking_proxy(TinyProxy)
        hanging.abort()


@pytest.mark.anyio
async def test_cancelling_a_blocking_call_leaves_the_proxy_usable() -> None:
    async with open_executor() as executor, fresh_proxy(executor.port) as proxy:
        with proxy.into_blocking_proxy(CalcBlockingProxy) as blocking:
            for _ in range(3):
                with anyio.move_on_after(0.02) as scope:
                    await executor.call_blocking(blocking.hang)
                assert scope.cancelled_caught
                assert await executor.call_blocking(blocking.add, 20, 22) == 42
            assert blocking.statistics()["calls_given_up"] == 3


# ---------------------------------------------------------------------------------- the server goes


def _go(peer: Channel, how: str) -> type[IpcError] | None:
    """Close the server's end; answers what the client is told of it."""
    with peer:
        if how == "denied":
            peer.write(encode_epitaph(Status.ACCESS_DENIED))
            return AccessDenied
        if how == "nonsense":
            peer.write(b"nonsense")
            return RemoteProtocolError
        return None


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["plainly", "denied", "nonsense"])
async def test_the_servers_going_is_awaited(how: str) -> None:
    client, server = create_endpoints(Tiny)
    peer = server.take_channel()
    async with open_port() as port, AsyncTinyProxy(client, port) as proxy:
        with pytest.raises(TimedOut):
            await proxy.wait_closed(timeout=0.01)
        ended: list[BaseException | None] = []
        expected: type[IpcError] | None = None

        async def wait() -> None:
            try:
                await proxy.wait_closed(timeout=20)
            except IpcError as error:
                ended.append(error)
            else:
                ended.append(None)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await port.sleep(0.01)
            expected = _go(peer, how)
        await wait()  # and when it has gone
        assert [type(error) for error in ended] == [expected or type(None)] * 3


@pytest.mark.anyio
async def test_who_awaits_it_is_told_of_the_closing_here() -> None:
    client, server = create_endpoints(Tiny)
    with server.take_channel():
        async with open_port() as port, anyio.create_task_group() as tasks:
            proxy = AsyncTinyProxy(client, port)

            async def wait() -> None:
                with pytest.raises(Canceled):
                    await proxy.wait_closed()

            tasks.start_soon(wait)
            await port.sleep(0.01)
            proxy.close()
            with pytest.raises(BadHandle):
                await proxy.wait_closed()


@pytest.mark.parametrize("how", ["plainly", "denied", "nonsense"])
def test_the_servers_going_is_blocked_for(how: str) -> None:
    client, server = create_endpoints(Tiny)
    peer = server.take_channel()
    with BlockingPort() as port, TinyProxy(client, port) as proxy:
        with pytest.raises(TimedOut):
            proxy.wait_closed(timeout=0.01)
        told: list[type[IpcError] | None] = []
        going = threading.Timer(0.02, lambda: told.append(_go(peer, how)))
        going.start()
        for _ in range(2):
            try:
                proxy.wait_closed(timeout=20)
            except IpcError as error:
                told.append(type(error))
            else:
                told.append(None)
        going.join()
        assert len(told) == 3
        assert len(set(told)) == 1


def test_blocking_for_it_is_interrupted_and_the_proxy_goes_on() -> None:
    client, server = create_endpoints(Tiny)
    with (
        BlockingPort() as port,
        server.take_channel() as peer,
        TinyProxy(client, port) as proxy,
    ):

        def interrupt() -> None:
            while not proxy.interrupt():
                pass

        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(Canceled):
            proxy.wait_closed()
        other.join()
        peer.write(raw(1, ADD, FIVE))
        assert proxy.add(2, 3) == Number(5)
