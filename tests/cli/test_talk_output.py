from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.talk_output import Output
from ipcrt.errors import NotFound
from ipcrt.objects.vmo import Vmo
from tests.fidl.gen import sample

TICK, SHAPE, ECHO = sample.PLAYER_ON_TICK, sample.PLAYER_ON_SHAPE, sample.PLAYER_ECHO


class Place:
    """Counts how often there was room made for something."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def aside(self) -> Generator[None, None, None]:
        self.count += 1
        yield


def say(output: Output) -> None:
    output.reply(ECHO, sample.BaseEchoResponse("é"))
    output.reply(sample.PLAYER_CLOSE, None)
    output.reply(sample.PLAYER_LIST, None)
    output.event(TICK, None)
    output.event(SHAPE, sample.ShapeRadius(1))
    output.unknown_event(0x1234)
    output.error(NotFound("nobody is there"), 3)
    output.error(Misused("this\nwill not do"), None)


def test_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place()
    say(Output(place.aside, as_json=False))
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        '{"text": "\\u00e9"}',
        "()",
        "event on_tick",
        'event on_shape {"radius": 1}',
        "event 0x1234, which is unknown",
    ]
    assert told.err == "ipcrt: line 3: nobody is there (NOT_FOUND)\nipcrt: this will not do\n"
    assert place.count == 3  # for what comes by itself


def test_for_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    say(Output(Place().aside, as_json=True))
    told = capsys.readouterr()
    assert [json.loads(line) for line in told.out.splitlines()] == [
        {"reply": {"text": "é"}, "method": "echo"},
        {"reply": None, "method": "close_"},
        {"event": "on_tick", "payload": None},
        {"event": "on_shape", "payload": {"radius": 1}},
        {"event": None, "ordinal": 0x1234},
        {"error": "nobody is there (NOT_FOUND)", "status": "NOT_FOUND", "line": 3},
        {"error": "this will not do", "status": None, "line": None},
    ]
    assert told.err == ""


def test_handles_are_shown_and_closed(capsys: pytest.CaptureFixture[str]) -> None:
    vmo = Vmo.create(1)
    Output(Place().aside, as_json=False).event(SHAPE, vmo)
    assert vmo.closed
    assert capsys.readouterr().out == 'event on_shape {"handle": "VMO"}\n'
