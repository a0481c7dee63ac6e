"""Every call gets one answer, whatever its handler makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ipcrt.bindings.connection import Connection
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.replies import Replies
from ipcrt.errors import Canceled, IpcError, PeerClosed, Status
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import ALL, Rights
from ipcrt.port.blocking import BlockingPort
from ipcrt.wire.header import EPITAPH_ORDINAL
from tests.bindings.calc import CalcError, CalcFailed, File, Number
from tests.bindings.hand import ADD, GIVE, fill, null, received, serve_turns
from tests.support.proc import open_fds

INTERNAL = (7, EPITAPH_ORDINAL, 0x20, b"\xff")


def _ignore(*_: object) -> None:
    """Take what nobody needs."""


class Scene:
    """Replies on a connection that a full queue may clog."""

    def __init__(self, port: BlockingPort) -> None:
        ours, self.peer = Channel.create()
        self.port = port
        self.ended: list[IpcError] = []
        self.connection = Connection("test", ours, port, _ignore, self.ended.append)
        self.connection.resume()
        self.replies = Replies(self.connection)

    def close(self) -> None:
        self.connection.close(PeerClosed("the test is over"))
        self.peer.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with BlockingPort() as port:
        scene = Scene(port)
        yield scene
        scene.close()


def test_a_value_is_the_reply_and_its_handles_are_moved(scene: Scene) -> None:
    file = null()
    scene.replies.succeed(ADD, 7, Number(5))
    assert received(scene.peer) == [(7, ADD.ordinal, 0x20, b"\x91\x05")]
    scene.replies.succeed(GIVE, 8, File(file))
    assert file.closed
    message = scene.peer.read()
    assert len(message.handles) == 1
    assert message.data[16:] == b"\x92\x01\x91\xd4\x01\x00"
    message.close()


@pytest.mark.parametrize("value", [None, Number("5"), 5])  # type: ignore[arg-type]
def test_a_value_that_is_no_response_ends_the_call_only(
    value: Any, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.replies.succeed(ADD, 7, value)
    assert received(scene.peer) == [INTERNAL]
    assert "test/Tiny.Add failed" in caplog.text
    assert not scene.ended


def test_handles_of_a_value_that_is_not_sent_are_closed(scene: Scene) -> None:
    before = len(open_fds())
    unfit: list[Any] = [File(Handle(null().take(), ALL & ~Rights.TRANSFER)), [null(), null()]]
    for value in unfit:
        scene.replies.succeed(GIVE, 7, value)
    assert len(open_fds()) == before
    assert received(scene.peer) == [INTERNAL, INTERNAL]


def test_a_reply_to_a_closed_connection_only_closes_its_handles(scene: Scene) -> None:
    before = len(open_fds())
    scene.connection.close(PeerClosed("gone"))
    scene.replies.succeed(GIVE, 7, File(null()))
    scene.replies.refuse("test", 7, Status.INTERNAL)
    scene.replies.fail(GIVE, 7, PeerClosed("gone"))
    assert len(open_fds()) == before - 1
    assert received(scene.peer) == []


def test_a_reply_to_a_peer_that_has_just_gone_is_no_error(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(open_fds())
    scene.peer.close()
    scene.replies.succeed(GIVE, 7, File(null()))
    assert len(open_fds()) == before - 1
    assert not caplog.records
    assert not scene.ended


def test_a_declared_error_crosses_the_wire(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.replies.fail(GIVE, 7, CalcFailed(CalcError.DIVISION_BY_ZERO))
    assert received(scene.peer) == [(7, GIVE.ordinal, 0x22, b"\x92\x02\x01")]
    assert not caplog.records


class OtherError(DomainError[CalcError]):
    ERROR = CalcError


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KeyError("secret"), id="a defect"),
        pytest.param(OtherError(CalcError.DIVISION_BY_ZERO), id="an error of another method"),
        pytest.param(CalcFailed(99), id="no value of its enum"),  # type: ignore[arg-type]
    ],
)
def test_any_other_error_is_logged_here_and_told_as_internal(
    error: Exception, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.replies.fail(GIVE, 7, error)
    assert received(scene.peer) == [INTERNAL]
    assert [record.getMessage() for record in caplog.records] == ["test/Tiny.Give failed"]


def test_nobody_is_told_of_a_failed_one_way_message(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.replies.fail(GIVE, 0, CalcFailed(CalcError.DIVISION_BY_ZERO))
    assert received(scene.peer) == []
    assert "test/Tiny.Give failed" in caplog.text


def test_refusals(scene: Scene) -> None:
    scene.replies.refuse("test", 7, Status.CANCELED)
    scene.replies.refuse_unknown(0x1234, 8)
    assert received(scene.peer) == [
        (7, EPITAPH_ORDINAL, 0x20, b"\xe9"),
        (8, 0x1234, 0x22, b"\x92\x03\xfe"),
    ]


def test_a_reply_without_room_waits_in_its_order(scene: Scene) -> None:
    count = fill(scene.connection.channel)
    scene.replies.succeed(ADD, 7, Number(5))
    scene.replies.succeed(ADD, 8, Number(6))
    assert len(scene.connection.outbox) == 2
    assert len(received(scene.peer)) == count
    serve_turns(scene.port)
    assert [txid for txid, *_ in received(scene.peer)] == [7, 8]


@pytest.mark.parametrize("error", [PeerClosed("gone"), Canceled("closed")])
def test_replies_that_wait_are_dropped_with_the_connection(
    error: IpcError, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(open_fds())
    fill(scene.connection.channel)
    scene.replies.succeed(GIVE, 7, File(null()))
    scene.connection.close(error)
    assert len(open_fds()) == before - 1
    assert not caplog.records
