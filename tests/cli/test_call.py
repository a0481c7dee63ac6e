"""`ipcrt call` against the real locator and services, in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Ended, start_service
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

STORE = "ipcrt.kvstore/Store"
FILES = "ipcrt.files/Files"
CANVAS = "ipcrt.canvas/Metered"


@pytest.fixture
def store(path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path) -> Child:
    del locator
    arguments = ["--directory", tmp_path]
    return start_service(spawn_python, path, "ipcrt_services.kvstore", STORE, arguments)


@pytest.fixture
def directory(path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path) -> Path:
    """What the files service serves."""
    del locator
    shown = tmp_path / "shown"
    shown.mkdir()
    arguments = ["--directory", shown]
    start_service(spawn_python, path, "ipcrt_services.files", FILES, arguments)
    return shown


@pytest.mark.usefixtures("store")
def test_writes_and_reads_an_item(ipcrt: Command) -> None:
    ended = ipcrt("call", STORE, "write_item", "attempt.key=demo/1", "attempt.value=a = b")
    assert (ended.status, ended.output, ended.errors) == (0, "", "")
    ended = ipcrt("call", STORE, "ReadItem", "key=demo/1")
    assert (ended.status, ended.output) == (0, '{\n  "value": "a = b"\n}\n')
    assert ipcrt("call", STORE, "read_item", '{"key": "demo/1"}', "--json").output == (
        '{"value": "a = b"}\n'
    )


@pytest.mark.usefixtures("store")
def test_a_domain_error_is_one_line(ipcrt: Command) -> None:
    ended = ipcrt("call", STORE, "read_item", "key=none")
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors == "ipcrt: ipcrt.kvstore/Store.ReadItem: NOT_FOUND\n"


@pytest.mark.usefixtures("store")
def test_a_bound_is_checked_before_anything_is_sent(ipcrt: Command) -> None:
    ended = ipcrt("call", STORE, "read_item", f"key={'k' * 129}")
    assert ended.status == 2
    [line] = ended.errors.splitlines()
    assert line.startswith("ipcrt: key: expected at most 128 bytes, got 129: 'kkk")


@pytest.mark.usefixtures("locator")
def test_a_list_of_structs_is_given_in_json(
    ipcrt: Command, path: Path, spawn_python: Spawner, tmp_path: Path
) -> None:
    arguments = ["--directory", tmp_path]
    start_service(spawn_python, path, "ipcrt_services.canvas", CANVAS, arguments)
    line = 'line=[{"x": 1, "y": 2}, {"x": 3, "y": 4}]'
    assert ipcrt("call", CANVAS, "add_line", line) == Ended(0, "", "")
    ended = ipcrt("call", CANVAS, "add_line", 'line=[{"x": 1, "y": 2}]')
    assert (ended.status, ended.errors) == (2, "ipcrt: line: expected a list of 2, got 1\n")


@pytest.mark.usefixtures("locator")
def test_the_locator_itself_can_be_called(ipcrt: Command) -> None:
    ended = ipcrt("call", "ipcrt.locator/Locator", "get_entries", "--json")
    assert (ended.status, json.loads(ended.output)) == (0, {"entries": []})


@pytest.mark.usefixtures("locator")
def test_a_name_that_nobody_serves(ipcrt: Command) -> None:
    ended = ipcrt("call", STORE, "read_item", "key=none")
    assert ended.status == 1
    assert ended.errors == (f"ipcrt: {STORE}: nobody serves it; see `ipcrt list` (NOT_FOUND)\n")


def test_policy_may_refuse(ipcrt: Command, path: Path, where: Path, spawn_python: Spawner) -> None:
    (where / "policy.toml").write_text("rule = []\n")
    child = spawn_python.module(
        "ipcrt.cli.main",
        "activate",
        "--socket",
        path,
        "ipcrt-locatord",
        "--policy",
        where / "policy.toml",
        capture_stderr=True,
    )
    wait_until(child.errors)
    ended = ipcrt("call", FILES, "open", "path=x")
    assert ended.status == 1
    assert ended.errors == (
        f"ipcrt: {FILES}: policy does not let this user open it (ACCESS_DENIED)\n"
    )


def test_a_file_goes_to_stdout_or_where_it_is_told(
    ipcrt: Command, directory: Path, where: Path
) -> None:
    (directory / "a").write_text("content\n")
    ended = ipcrt("call", FILES, "open", "path=a")
    assert (ended.output, ended.errors) == ("content\n", "")
    ended = ipcrt("call", FILES, "open", "path=a", "--json")
    assert json.loads(ended.output) == {"file": {"handle": "FILE"}}
    ended = ipcrt("call", FILES, "open", "path=a", "-o", where / "copy", "--json")
    assert json.loads(ended.output) == {"file": {"handle": "FILE"}}
    assert (where / "copy").read_text() == "content\n"


def test_an_output_that_cannot_be_written(ipcrt: Command, directory: Path) -> None:
    (directory / "a").write_text("content\n")
    ended = ipcrt("call", FILES, "open", "path=a", "--output", "/nonexistent/copy")
    assert ended.status == 1
    assert ended.errors == "ipcrt: /nonexistent/copy: No such file or directory\n"


@pytest.mark.usefixtures("store")
def test_output_without_a_file_in_the_reply(ipcrt: Command, where: Path) -> None:
    ended = ipcrt("call", "ipcrt.locator/Locator", "get_identity", "-o", where / "copy")
    assert ended.status == 2
    assert "no file came with the reply" in ended.errors


def test_another_name_for_the_same_protocol(
    ipcrt: Command, path: Path, locator: Child, spawn_python: Spawner, tmp_path: Path
) -> None:
    del locator
    (tmp_path / "a").write_text("content\n")
    arguments = ["--directory", tmp_path, "--name", "example/Manuals"]
    start_service(spawn_python, path, "ipcrt_services.files", "example/Manuals", arguments)
    ended = ipcrt("call", "example/Manuals", "open", "path=a", "--protocol", FILES)
    assert (ended.status, ended.output) == (0, "content\n")
