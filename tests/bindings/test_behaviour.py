"""How client and server behave together, on each event loop."""

from __future__ import annotations

import logging
import os

import anyio
import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.server import Limits, ServerBinding
from ipcrt.errors import (
    Canceled,
    IpcError,
    LocalProtocolError,
    PeerClosed,
    Status,
    TimedOut,
    Unavailable,
)
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port
from tests.bindings.calc import (
    ON_NOTE,
    Calc,
    CalcError,
    CalcFailed,
    CalcProxy,
    CalcServer,
    Text,
    pair,
)

pytestmark = pytest.mark.anyio


class Listener:
    """Hears the events of one client."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_note(self, text: str) -> None:
        self.heard.append(text)


async def _until_nothing_is_owed(client: CalcProxy) -> None:
    """Wait for the late replies; the test's time limit is the bound."""
    while client.statistics()["calls_given_up"]:
        await client.add(0, 0)


async def test_calls_answer_inline_and_beside_the_others() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            assert await client.add(2, 3) == 5
            assert await client.divide(7, 2) == 3
        await server.binding.wait_closed()  # type: ignore[union-attr]
        assert len(server.gone) == 1


async def test_a_domain_error_is_the_exception_of_its_enum() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            with pytest.raises(CalcFailed) as caught:
                await client.divide(1, 0)
            assert caught.value.error is CalcError.DIVISION_BY_ZERO
            assert await client.add(1, 1) == 2
        assert server.binding is not None
        server.binding.close()


async def test_an_exception_ends_its_call_alone_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            with caplog.at_level(logging.ERROR), pytest.raises(IpcError) as caught:
                await client.crash()
            assert caught.value.status is Status.INTERNAL
            assert "secret" not in str(caught.value)
            assert "a secret of the server" in caplog.text
            assert await client.add(1, 1) == 2
        server.binding.close()  # type: ignore[union-attr]


async def test_a_slow_handler_does_not_hold_up_the_next() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.hang)
            while not server.hanging:
                await port.sleep(0)
            assert await client.add(1, 2) == 3
            server.hanging[0].set_result(None)
        server.binding.close()  # type: ignore[union-attr]


async def test_a_call_ends_at_its_deadline_and_its_late_reply_is_known() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            with pytest.raises(TimedOut, match=r"0\.02"):
                await client.hang(timeout=0.02)
            assert client.statistics()["calls_given_up"] == 1
            server.hanging[0].set_result(None)
            await _until_nothing_is_owed(client)
            assert await client.add(1, 2) == 3
        server.binding.close()  # type: ignore[union-attr]


async def test_a_cancelled_call_leaves_the_channel_usable() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            for _ in range(3):
                with anyio.move_on_after(0.01):
                    await client.hang()
            assert client.statistics()["calls"] == 0
            for waiter in server.hanging:
                waiter.set_result(None)
            await _until_nothing_is_owed(client)
            assert await client.add(4, 4) == 8
        server.binding.close()  # type: ignore[union-attr]


async def test_an_unknown_method_is_answered_where_it_is_flexible() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            with pytest.raises(UnknownMethod):
                await client.strange(strict=False)
            assert await client.add(1, 1) == 2
            with pytest.raises(PeerClosed):
                await client.strange(strict=True)
        assert server.binding is not None
        assert server.binding.closed


async def test_a_bound_that_is_exceeded_is_the_callers_error() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            for text in ("123456789", "\u00e9\u00e9\u00e9\u00e9\u00e9"):
                with pytest.raises(LocalProtocolError):
                    await client.note(text)
            with pytest.raises(LocalProtocolError):
                await client.add("1", 2)  # type: ignore[arg-type]
            assert await client.add(1, 1) == 2
            assert server.notes == []
        server.binding.close()  # type: ignore[union-attr]


async def test_events_come_in_order_between_replies() -> None:
    async with open_port() as port:
        ends = create_endpoints(Calc)
        listener = Listener()
        server = CalcServer(port)
        server.binding = ServerBinding(ends[1], server, port)
        async with CalcProxy(ends[0], port, listener) as client:
            for number in range(20):
                await client.note(str(number))
            assert await client.add(1, 1) == 2
            assert listener.heard == [str(number) for number in range(20)]
        server.binding.close()


async def test_an_epitaph_fails_pending_and_later_calls() -> None:
    async with open_port() as port:
        client, server = pair(port)
        failures: list[IpcError] = []

        async def hang() -> None:
            with pytest.raises(Unavailable) as caught:
                await client.hang()
            failures.append(caught.value)

        async with client, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(hang)
            while len(server.hanging) < 3:
                await port.sleep(0)
            assert server.binding is not None
            server.binding.close(Status.UNAVAILABLE)
        assert len(failures) == 3
        with pytest.raises((Unavailable, Canceled)):
            await client.add(1, 1)


async def test_closing_the_client_cancels_its_calls() -> None:
    async with open_port() as port:
        client, server = pair(port)

        async def hang() -> None:
            with pytest.raises(Canceled):
                await client.hang()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hang)
            while not server.hanging:
                await port.sleep(0)
            client.close()
        await server.binding.wait_closed()  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [1, 60_000, 65_536, 1 << 20])
async def test_long_bodies_arrive_as_one_message(size: int) -> None:
    data = os.urandom(size)
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            assert await client.echo(data) == data
        server.binding.close()  # type: ignore[union-attr]


async def test_handles_travel_both_ways() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            vmo = Vmo.from_bytes(bytes(range(10)))
            assert await client.sum(vmo) == 46
            assert vmo.closed
            file = Handle(os.open(__file__, os.O_RDONLY | os.O_CLOEXEC))
            koid = file.koid
            with await client.reverse(file) as back:
                assert back.koid == koid
                assert not os.get_inheritable(back.fileno())
        server.binding.close()  # type: ignore[union-attr]


async def test_a_handle_of_the_wrong_kind_stays_with_the_caller() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            with Handle(os.open(__file__, os.O_RDONLY | os.O_CLOEXEC)) as file:
                with pytest.raises(LocalProtocolError):
                    await client.sum(file)  # type: ignore[arg-type]
                assert not file.closed
            assert await client.add(1, 1) == 2
        server.binding.close()  # type: ignore[union-attr]


async def test_a_pipelined_end_may_be_called_before_it_is_served() -> None:
    async with open_port() as port:
        client, server = pair(port)
        async with client:
            ends = create_endpoints(Calc)
            async with CalcProxy(ends[0], port) as second, anyio.create_task_group() as tasks:

                async def call() -> None:
                    assert await second.add(5, 6) == 11

                tasks.start_soon(call)
                await client.clone(ends[1])
        server.binding.close()  # type: ignore[union-attr]


async def test_a_client_that_does_not_read_stalls_itself_alone() -> None:
    async with open_port() as port:
        stalled, stalled_server = pair(port)
        other, other_server = pair(port)
        assert stalled_server.binding is not None
        async with stalled, other:
            stalled._client.connection.pause()
            sent = 0
            with anyio.move_on_after(0.5):
                while True:
                    await stalled_server.binding.send_event_wait(ON_NOTE, Text("x"))
                    sent += 1
            assert 0 < sent < 10_000
            assert await other.add(1, 2) == 3
            assert stalled_server.binding.statistics()["backlog"] <= 1, "a shared packet"
        for server in (stalled_server, other_server):
            assert server.binding is not None
            server.binding.close()


async def test_calls_in_flight_are_limited_and_none_is_lost() -> None:
    async with open_port() as port:
        client, server = pair(port, Limits(calls_in_flight=4))
        done: list[int] = []

        async def hang(number: int) -> None:
            await client.hang()
            done.append(number)

        async with client, anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(hang, number)
            while len(done) < 12:
                await port.sleep(0.001)
                assert server.binding is not None
                assert server.binding.statistics()["calls_in_flight"] <= 4
                for waiter in server.hanging:
                    if not waiter.done():
                        waiter.set_result(None)
        server.binding.close()  # type: ignore[union-attr]


async def test_unread_messages_move_with_the_end() -> None:
    async with open_port() as port:
        ends = create_endpoints(Calc)
        first = CalcProxy(ends[0], port)
        for number in range(5):
            await first.note(str(number))
        server = CalcServer(port)
        server.binding = ServerBinding(ends[1], server, port)
        await port.sleep(0.02)
        first._client.connection.pause()
        listener = Listener()
        async with CalcProxy(first.into_client_end(), port, listener) as second:
            assert await second.add(1, 1) == 2
            assert server.notes == ["0", "1", "2", "3", "4"]
        server.binding.close()
