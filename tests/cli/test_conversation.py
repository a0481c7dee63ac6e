"""Calls and events by a protocol's table alone, against the real locator and a real service."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.tables import Event
from ipcrt.cli.conversation import Conversation
from ipcrt.errors import BadHandle, LocalProtocolError, NotFound, PeerClosed, TimedOut
from ipcrt.locator.connect import BlockingLocatorClient, connect_blocking
from ipcrt.locator.protocol import (
    LOCATOR_GET_ENTRIES,
    LOCATOR_OPEN,
    Locator,
    LocatorGetEntriesResponse,
    LocatorOpenRequest,
)
from ipcrt.objects.channel import Channel
from ipcrt_services.canvas.bindings import (
    REQUESTED_ADD_LINES,
    REQUESTED_READY,
    BoundingBox,
    Point,
    Requested,
    RequestedAddLinesRequest,
)
from tests.cli.conftest import start_service
from tests.support.processes import Child, Spawner

NAME = Requested.TABLE.name
LINE = [Point(3, 4), Point(1, 2)]


@pytest.fixture
def canvas(path: Path, locator: Child, spawn_python: Spawner, where: Path) -> Child:
    del locator
    return start_service(spawn_python, path, "ipcrt_services.canvas", NAME, ["--directory", where])


@pytest.fixture
def client(path: Path, locator: Child) -> Iterator[BlockingLocatorClient]:
    del locator
    with connect_blocking(path) as client:
        yield client


@pytest.mark.usefixtures("canvas")
def test_calls_are_answered_and_events_are_told(client: BlockingLocatorClient) -> None:
    told: list[tuple[str, object]] = []

    def on_event(event: Event[Any], payload: object) -> None:
        told.append((event.name, payload))

    with Conversation(client, NAME, Requested, on_event=on_event) as canvas:
        request = RequestedAddLinesRequest([LINE])
        assert canvas.call(REQUESTED_ADD_LINES, request, 10) is None
        assert canvas.call(REQUESTED_READY, None, 10) is None
        while not told:
            client.port.dispatch(10)
        assert canvas.error is None
    assert told == [("on_drawn", BoundingBox(Point(1, 2), Point(3, 4)))]


def test_the_locator_is_spoken_to_on_its_own_channel(client: BlockingLocatorClient) -> None:
    with Conversation(client, Locator.TABLE.name, Locator) as locator:
        assert locator.call(LOCATOR_GET_ENTRIES, None, 10) == LocatorGetEntriesResponse([])


def test_a_request_that_is_not_sent_is_closed(client: BlockingLocatorClient) -> None:
    with Conversation(client, Locator.TABLE.name, Locator) as locator:
        mine, theirs = Channel.create()
        with mine, pytest.raises(LocalProtocolError):
            locator.call(LOCATOR_OPEN, LocatorOpenRequest("x" * 1000, theirs), 10)
        assert theirs.closed
    mine, theirs = Channel.create()
    with mine, pytest.raises(BadHandle):
        locator.call(LOCATOR_OPEN, LocatorOpenRequest("a/B", theirs), 10)
    assert theirs.closed


def test_why_the_channel_is_closed_is_said_in_the_callers_words(
    client: BlockingLocatorClient,
) -> None:
    with Conversation(client, NAME, Requested) as canvas:
        with pytest.raises(NotFound, match="nobody serves it; see `ipcrt list`"):
            canvas.call(REQUESTED_READY, None, 10)
        assert isinstance(canvas.error, NotFound)


def test_a_server_that_dies_or_hangs(client: BlockingLocatorClient, canvas: Child) -> None:
    with Conversation(client, NAME, Requested) as conversation:
        conversation.call(REQUESTED_READY, None, 10)
        canvas.kill(signal.SIGSTOP)
        request = RequestedAddLinesRequest([LINE])
        conversation.call(REQUESTED_ADD_LINES, request, 10)
        with pytest.raises(TimedOut):
            conversation.call(REQUESTED_READY, None, 0.05)
        canvas.kill()
        with pytest.raises(PeerClosed):
            conversation.call(REQUESTED_READY, None, 10)
        assert isinstance(conversation.error, PeerClosed)


def test_it_tells_when_the_channel_is_closed(client: BlockingLocatorClient, canvas: Child) -> None:
    closed: list[object] = []

    def on_closed() -> None:
        closed.append(conversation.error)

    with Conversation(client, NAME, Requested, on_closed=on_closed) as conversation:
        conversation.call(REQUESTED_READY, None, 10)
        assert closed == []
        canvas.kill()
        while not closed:
            client.port.dispatch(10)
        [error] = closed
        assert isinstance(error, PeerClosed)
