from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.fidl_files import unreadable

BASE = "@available(added=1)\nlibrary base;\ntype A = struct {};\n"
USER = (
    "@available(added=1)\nlibrary user;\nusing base;\n"
    "type B = struct { a base.A; };\n@available(added=2)\ntype C = struct {};\n"
)


@pytest.fixture
def files(where: Path) -> list[str]:
    (where / "base.fidl").write_text(BASE)
    (where / "user.fidl").write_text(USER)
    return ["--files", str(where / "base.fidl"), "--files", str(where / "user.fidl")]


def test_each_files_is_a_library_and_the_last_is_written(
    ipcrt: Command, where: Path, files: list[str]
) -> None:
    out = where / "ir.json"
    options = ["--json", out, "--name", "user", "--experimental", "zx_c_types"]
    available = ["--available", "base:1", "--available", "user:1,2"]
    ended = ipcrt("fidlc", *options, *available, *files)
    assert (ended.status, ended.output, ended.errors) == (0, "", "")
    assert json.loads(out.read_text())["name"] == "user"


def test_options_are_passed_on_wherever_they_stand(ipcrt: Command, files: list[str]) -> None:
    available = ["--available=base:1", "--available", "user:1"]
    ended = ipcrt("fidlc", *files, "--name=other", *available, "--format", "json")
    assert (ended.status, json.loads(ended.output)) == (1, [])
    assert ended.errors == "error: --name says 'other', and the library is 'user'\n"


def test_diagnostics_are_text_or_json(ipcrt: Command, where: Path) -> None:
    bad = where / "bad.fidl"
    bad.write_text("library bad;\ntype A = struct { b C; };\n")
    ended = ipcrt("fidlc", "--files", bad)
    assert (ended.status, ended.output) == (1, "")
    assert "fi-0052" in ended.errors
    ended = ipcrt("fidlc", "--format", "json", "--files", bad)
    assert (ended.status, ended.errors) == (1, "")
    assert [found["id"] for found in json.loads(ended.output)] == ["fi-0052"]


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_is_the_compiler_s(ipcrt: Command, word: str) -> None:
    ended = ipcrt("fidlc", "--json", "x", word)
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.startswith("Usage: ipcrt fidlc [--json OUT]")


def test_what_is_no_text_is_refused(ipcrt: Command, where: Path) -> None:
    for said, file in unreadable(where).items():
        ended = ipcrt("fidlc", "--files", file)
        assert (ended.status, ended.output) == (1, "")
        [line] = ended.errors.splitlines()
        assert said in line
    assert ipcrt("fidlc").errors.startswith("error: no --files\nusage: ")
