"""Arguments, files, reports and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipcrt.fidl.command import MAX_FILE_BYTES, run_fidlc


def _run(*arguments: object) -> tuple[int, str, str]:
    out: list[str] = []
    err: list[str] = []
    code = run_fidlc([str(argument) for argument in arguments], out.append, err.append)
    return code, "".join(out), "".join(err)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.fidl"
    path.write_text("library good;\ntype A = struct {};\n")
    return path


def test_the_ir_is_written(tmp_path: Path, good: Path) -> None:
    target = tmp_path / "target.fidl"
    target.write_text(
        "@available(added=1)\nlibrary target;\nusing good;\ntype B = struct { a good.A; };\n"
    )
    written = tmp_path / "new" / "ir.json"
    arguments = ["--json", written, "--name", "target", "--available", "target:1,HEAD"]
    assert _run(*arguments, "--files", good, "--files", target) == (0, "", "")
    assert json.loads(written.read_text())["name"] == "target"


def test_diagnostics_as_text_and_as_json(tmp_path: Path) -> None:
    path = tmp_path / "bad.fidl"
    path.write_text("library bad;\ntype A = struct { b C; };\n")
    code, out, err = _run("--files", path)
    assert (code, out) == (1, "")
    assert f"{path}:2:21: error:" in err
    assert "[fi-0052]" in err
    code, out, err = _run("--format", "json", "--files", path)
    assert (code, err) == (1, "")
    assert [found["id"] for found in json.loads(out)] == ["fi-0052"]


def test_warnings_pass_unless_they_shall_not(tmp_path: Path) -> None:
    path = tmp_path / "warn.fidl"
    path.write_text("library warn;\n@discoverabl protocol P {};\n")
    assert _run("--files", path)[0] == 0
    assert _run("--werror", "--files", path)[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--files"],
        ["--nonsense", "--files", "a"],
        ["--json"],
        ["--available", "a", "--files", "a"],
        ["--available", "a:0", "--files", "a"],
        ["--available", "A:1", "--files", "a"],
        ["--available", "a:1", "--available", "a:2", "--files", "a"],
        ["--experimental", "flying", "--files", "a"],
        ["--format", "xml", "--files", "a"],
        ["stray"],
    ],
)
def test_arguments_that_are_wrong(arguments: list[str]) -> None:
    code, out, err = _run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert "usage: fidlc" in err


def test_files_that_are_wrong(tmp_path: Path, good: Path) -> None:
    assert "is a directory" in _run("--files", tmp_path)[2]
    assert "No such file" in _run("--files", tmp_path / "missing")[2]
    assert "error: " in _run("--files", "nul\0byte")[2]
    bad = tmp_path / "bytes.fidl"
    bad.write_bytes(b"library a;\n\xff\xfe")
    assert _run("--files", bad) == (1, "", f"error: {bad}:2: no valid UTF-8\n")
    huge = tmp_path / "huge.fidl"
    with huge.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert "exceed" in _run("--files", huge)[2]
    assert "--name says" in _run("--name", "other", "--files", good)[2]
    assert _run("--json", tmp_path, "--files", good)[0] == 1


def test_a_fault_in_a_file_reaches_json_readers_too(tmp_path: Path) -> None:
    code, out, err = _run("--format", "json", "--files", tmp_path)
    assert (code, json.loads(out)) == (1, [])
    assert err.startswith("error: ")
