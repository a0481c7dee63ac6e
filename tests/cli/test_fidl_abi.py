from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.fidl_files import unreadable

BOTH = "library a;\ntype A = table {{ 1: b {}; }};\n"


def _ir(ipcrt: Command, where: Path, name: str, text: str) -> Path:
    source, ir = where / f"{name}.fidl", where / f"{name}.json"
    source.write_text(text)
    assert ipcrt("fidlc", "--json", ir, "--files", source).status == 0
    return ir


def test_says_what_changed_and_what_breaks(ipcrt: Command, where: Path) -> None:
    old = _ir(ipcrt, where, "old", BOTH.format("int32"))
    new = _ir(ipcrt, where, "new", BOTH.format("int64"))
    ended = ipcrt("fidl-abi", old, new)
    assert (ended.status, ended.errors) == (1, "")
    assert "breaking: a/A" in ended.output
    ended = ipcrt("fidl-abi", old, new, "--json")
    assert ended.status == 1
    assert json.loads(ended.output)[0]["severity"] == "breaking"


def test_what_breaks_nothing_is_status_0(ipcrt: Command, where: Path) -> None:
    old = _ir(ipcrt, where, "old", BOTH.format("int32"))
    new = _ir(ipcrt, where, "new", BOTH.format("int32") + "const C uint8 = 1;\n")
    ended = ipcrt("fidl-abi", old, new)
    assert (ended.status, ended.errors) == (0, "")
    assert "a/C" in ended.output
    assert ipcrt("fidl-abi", old, old, "--json").output == "[]\n"


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000, "library a;", '{"name": 1}'])
def test_what_is_no_ir_is_refused(ipcrt: Command, where: Path, text: str) -> None:
    path = where / "bad.json"
    path.write_text(text)
    ended = ipcrt("fidl-abi", path, path)
    assert (ended.status, ended.output) == (1, "")
    [line] = ended.errors.splitlines()
    assert line.startswith(f"ipcrt: {path}: not the JSON IR of a library: ")


def test_what_is_no_text_is_refused(ipcrt: Command, where: Path) -> None:
    for said, file in unreadable(where).items():
        ended = ipcrt("fidl-abi", file, file)
        assert (ended.status, ended.output) == (1, "")
        [line] = ended.errors.splitlines()
        assert said in line
