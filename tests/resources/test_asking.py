"""The client's calls by their ids, against a peer that is told what to say."""

from __future__ import annotations

import contextlib

import pytest

from ipcrt.errors import BadState, Canceled, IpcError, NotFound, PeerClosed, ShouldWait
from ipcrt.objects.channel import Channel
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.asking import Asked, Asking
from ipcrt.resources.messages import (
    ABORT,
    INVOKE,
    INVOKE_REPLY,
    OPEN,
    OPEN_REPLY,
    Invoke,
    InvokeReply,
    Open,
)
from tests.resources.raw import message, null, place


def _ask(asking: Asking, uri: str = "x:") -> Asked:
    return asking.ask(OPEN, lambda call_id: Open(call_id, uri), OPEN_REPLY, f"open {uri}")


def test_replies_come_in_any_order() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        asking = Asking(near, port)
        calls = [
            asking.ask(INVOKE, lambda call_id: Invoke(call_id, "m", b""), INVOKE_REPLY, "invoke m")
            for _ in range(20)
        ]
        for call in reversed(calls):
            far.write(message(INVOKE_REPLY.ordinal, [call.call_id, str(call.call_id).encode()]))
        for call in calls:
            port.run_until(call.waiter)
            reply = InvokeReply(call.call_id, str(call.call_id).encode())
            assert asking.finish(call) == reply
        assert not any(asking.statistics().values())
        asking.close()


def test_a_late_reply_is_known_and_its_handle_closed() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        asking = Asking(near, port)
        for late in (
            message(OPEN_REPLY.ordinal, [1, place(0)], 1),
            message(ABORT.ordinal, [2, -25]),
        ):
            call = _ask(asking)
            asking.abandon(call)
            assert asking.statistics()["calls_given_up"] == 1
            far.write(late, [null()] if call.call_id == 1 else ())
            while any(asking.statistics().values()):
                port.dispatch(0.1)
        assert asking.connection.error is None
        asking.close()


def test_a_reply_that_nobody_takes_any_more_is_closed() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        asking = Asking(near, port)
        call = _ask(asking)
        far.write(message(OPEN_REPLY.ordinal, [1, place(0)], 1), [null()])
        port.run_until(call.waiter)
        handle = call.reply.handle
        asking.abandon(call)
        assert handle.closed
        asking.close()


def test_a_call_that_did_not_leave_is_taken_back() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        asking = Asking(near, port)
        calls = [_ask(asking)]
        while calls[-1].outgoing is None:
            calls.append(_ask(asking))
            asking.connection.outbox.release()
        asking.abandon(calls[-1])
        assert asking.statistics() == {"calls": len(calls) - 1, "calls_given_up": 0, "backlog": 0}
        with pytest.raises(BadState, match="cannot move"):
            asking.release()
        asking.close()
        with pytest.raises(Canceled):
            calls[0].waiter.result()  # type: ignore[attr-defined]


def test_a_peer_that_goes_fails_each_call_with_an_error_of_its_own() -> None:
    near, far = Channel.create()
    with BlockingPort() as port:
        asking = Asking(near, port)
        calls = [_ask(asking) for _ in range(3)]
        far.close()
        failed: list[IpcError] = []
        for call in calls:
            with pytest.raises(PeerClosed) as caught:
                port.run_until(call.waiter)
            failed.append(caught.value)
        assert len({id(error) for error in failed}) == 3
        with pytest.raises(PeerClosed):
            _ask(asking)


def test_an_abort_says_what_was_asked() -> None:
    near, far = Channel.create()
    with BlockingPort() as port, far:
        asking = Asking(near, port)
        call = _ask(asking, "x://y")
        far.write(message(ABORT.ordinal, [call.call_id, -25]))
        with pytest.raises(NotFound, match="open x://y: NOT_FOUND"):
            port.run_until(call.waiter)
        with contextlib.suppress(ShouldWait):
            far.read()
        with asking.release() as moved:
            assert not moved.closed
