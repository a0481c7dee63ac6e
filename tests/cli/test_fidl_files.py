from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ipcrt.cli.complaint import Failed, complaint, exit_status
from ipcrt.cli.fidl_files import read_text, replace_text
from tests.cli.conftest import IPCRT
from tests.support.fidl_files import UGLY, unreadable


def test_text_comes_as_it_is(where: Path) -> None:
    path = where / "a"
    path.write_bytes("\ufeffa\r\n\u00fc".encode())
    assert read_text(str(path)) == "\ufeffa\r\n\u00fc"


def test_what_is_no_text_fails_in_one_line(where: Path) -> None:
    for said, file in unreadable(where).items():
        with pytest.raises(Failed, match=said) as caught:
            read_text(str(file))
        assert exit_status(caught.value) == 1
        assert complaint(caught.value) == str(caught.value)


def test_a_replacement_that_fails_changes_nothing(where: Path) -> None:
    path = where / "a"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        replace_text(str(path), "\ud800")
    assert [(each.name, each.read_text()) for each in where.iterdir()] == [("a", "before")]


def test_a_new_file_has_the_mode_that_others_have(where: Path) -> None:
    (where / "other").touch()
    replace_text(str(where / "new"), "a")
    assert (where / "new").read_text() == "a"
    assert (where / "new").stat().st_mode == (where / "other").stat().st_mode


def test_what_is_no_file_is_written_to_or_refused(where: Path) -> None:
    os.mkfifo(where / "pipe")
    reader = os.open(where / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_text(str(where / "pipe"), "a")
        assert os.read(reader, 9) == b"a"
    finally:
        os.close(reader)
    assert (where / "pipe").is_fifo()
    with pytest.raises(IsADirectoryError):
        replace_text(str(where), "a")
    with pytest.raises(FileNotFoundError) as caught:
        replace_text(str(where / "missing/a"), "a")
    assert caught.value.filename == str(where / "missing/a")


def test_a_name_that_is_no_text_comes_out_as_its_bytes(where: Path) -> None:
    path = os.fsencode(where) + b"/\xfc.fidl"
    with open(path, "w") as file:
        file.write(UGLY)
    command: list[str | bytes] = [*IPCRT, "fidl-format", "--check", path]
    ended = subprocess.run(command, check=False, capture_output=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, path + b": would change\n", b"")
