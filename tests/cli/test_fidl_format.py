from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.fidl_files import NEAT, UGLY, unreadable


@pytest.fixture
def ugly(where: Path) -> Path:
    path = where / "ugly.fidl"
    path.write_text(UGLY)
    path.chmod(0o640)
    return path


def test_files_are_formatted_where_they_are(ipcrt: Command, where: Path, ugly: Path) -> None:
    link = where / "link.fidl"
    link.symlink_to(ugly)
    ended = ipcrt("fidl-format", link)
    assert (ended.status, ended.output, ended.errors) == (0, "", "")
    assert ugly.read_text() == NEAT
    assert link.is_symlink()
    assert ugly.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in where.iterdir()) == ["link.fidl", "ugly.fidl"]


def test_check_and_diff_and_stdout_write_nothing(ipcrt: Command, where: Path, ugly: Path) -> None:
    neat = where / "neat.fidl"
    neat.write_text(NEAT)
    ended = ipcrt("fidl-format", "--check", ugly, neat)
    assert (ended.status, ended.output) == (1, f"{ugly}: would change\n")
    ended = ipcrt("fidl-format", "--diff", ugly, neat)
    assert ended.status == 1
    assert "+    b vector<byte>:9;\n" in ended.output
    ended = ipcrt("fidl-format", "--stdout", ugly)
    assert (ended.status, ended.output) == (0, NEAT)
    for option in ("--check", "--diff"):
        ended = ipcrt("fidl-format", option, neat)
        assert (ended.status, ended.output) == (0, "")
    assert ugly.read_text() == UGLY


def test_line_ends_count_as_a_change(ipcrt: Command, where: Path) -> None:
    dos = where / "dos.fidl"
    dos.write_bytes(NEAT.replace("\n", "\r\n").encode())
    assert ipcrt("fidl-format", "--check", dos).status == 1


def test_a_bad_file_keeps_no_other_from_being_formatted(
    ipcrt: Command, where: Path, ugly: Path
) -> None:
    torn = where / "torn.fidl"
    torn.write_text("library a; type")
    bad = unreadable(where)
    ended = ipcrt("fidl-format", *bad.values(), torn, ugly)
    assert (ended.status, ended.output) == (1, "")
    for said, line in zip(bad, ended.errors.splitlines(), strict=False):
        assert line.startswith("ipcrt: ")
        assert said in line
    assert f"{torn}:1:" in ended.errors
    assert "Traceback" not in ended.errors
    assert torn.read_text() == "library a; type"
    assert ugly.read_text() == NEAT


def test_modes_exclude_each_other(ipcrt: Command, ugly: Path) -> None:
    assert ipcrt("fidl-format", "--check", "--diff", ugly).status == 2
    assert ipcrt("fidl-format").status == 2
