from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.cli.complaint import Misused
from ipcrt.cli.talk_input import MAX_LINE_BYTES, Input
from ipcrt.port.blocking import BlockingPort


@pytest.fixture
def port() -> Iterator[BlockingPort]:
    with BlockingPort() as port:
        yield port


class Typed:
    """An `Input` and the other end of its pipe."""

    def __init__(self, port: BlockingPort, prompt: str = "") -> None:
        self.port = port
        self.news = 0
        read, self._write = os.pipe()
        self.input = Input(port, read, self._on_news, prompt=prompt)
        os.close(read)

    def _on_news(self) -> None:
        self.news += 1

    def type(self, data: bytes) -> None:
        os.write(self._write, data)

    def end(self) -> None:
        os.close(self._write)

    def line(self) -> str | None:
        self.input.ask()
        while not self.input.ready:
            self.port.dispatch(10)
        return self.input.take()


def test_lines_come_one_by_one_and_then_the_end(port: BlockingPort) -> None:
    typed = Typed(port)
    typed.type(b"one\n\ntw")
    assert [typed.line(), typed.line()] == ["one", ""]
    typed.type(b"o\nthr\xffe")
    assert typed.line() == "two"
    typed.end()
    assert [typed.line(), typed.line(), typed.line()] == ["thr\udcffe", None, None]
    typed.input.close()


def test_nothing_is_read_before_it_is_asked_for(port: BlockingPort) -> None:
    typed = Typed(port)
    typed.type(b"one\n")
    port.dispatch(0)
    assert (typed.news, typed.input.ready) == (0, False)
    assert port.statistics()["watched_handles"] == 0
    typed.input.ask()
    port.dispatch(10)
    assert (typed.news, typed.input.take()) == (1, "one")
    assert port.statistics()["watched_handles"] == 0
    typed.end()
    typed.input.close()


@pytest.mark.parametrize("text", ["a\nb", "a\nb\n"])
def test_a_file_is_read_without_waiting(port: BlockingPort, tmp_path: Path, text: str) -> None:
    (tmp_path / "script").write_text(text)
    found: list[str | None] = []
    with (tmp_path / "script").open() as script:
        lines = Input(port, script.fileno(), lambda: None)
    while None not in found:
        lines.ask()
        found.append(lines.take())
    assert found == ["a", "b", None]
    lines.close()


def test_a_line_that_never_ends_is_refused_once(port: BlockingPort, tmp_path: Path) -> None:
    (tmp_path / "script").write_bytes(b"x" * (MAX_LINE_BYTES + 1))
    with (tmp_path / "script").open() as script:
        lines = Input(port, script.fileno(), lambda: None)
    lines.ask()
    with pytest.raises(Misused, match="a line of more than 16777216 bytes"):
        lines.take()
    lines.ask()
    assert lines.take() is None
    lines.close()


def test_what_cannot_be_read_says_so(port: BlockingPort, tmp_path: Path) -> None:
    number = os.open(tmp_path / "script", os.O_WRONLY | os.O_CREAT)
    lines = Input(port, number, lambda: None)
    os.close(number)
    lines.ask()
    with pytest.raises(OSError, match="Bad file descriptor"):
        lines.take()
    lines.close()


def test_news_stand_above_the_prompt(
    port: BlockingPort, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = Typed(port, "> ")
    with typed.input.aside():  # nothing is asked: no prompt to make room for
        print("a")
    typed.input.ask()
    with typed.input.aside():
        print("b")
    assert capsys.readouterr().out == "a\n> \nb\n> "
    typed.end()
    typed.input.close()
