"""README.md: its programs and commands are run as they stand there, by a real locator."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import House, blocks, section, short_house
from tests.support.processes import ROOT, Spawner
from tests.support.waiting import wait_until

README = (ROOT / "README.md").read_text()
BY_HAND = (ROOT / "docs/fidl-python.md").read_text()


def commands(title: str) -> list[list[str]]:
    block = blocks("sh", section(title, README))[0]
    return [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]


@pytest.fixture
def house(spawn_python: Spawner) -> Iterator[House]:
    """The README's contract and programs, and what its commands make of them."""
    with short_house("readme", spawn_python) as found:
        found.write(*blocks("fidl", README), *blocks("python", README))
        for command in commands("A contract"):
            assert found.run(*command) == ""
        yield found


def start_echo(house: House) -> None:
    house.start("ipcrt-locatord")
    house.until_offered()
    house.start("python", "echo_server.py")
    house.until_offered("example/Echo")


def test_the_programs_work_as_they_stand_there(house: House) -> None:
    start_echo(house)
    assert "prints `hello` and `hello again`" in " ".join(README.split())
    assert house.run("python", "echo_client.py") == "hello\nhello again\n"

    client = (house.directory / "echo_client.py").read_text()
    on_trio = client.replace("asyncio.run(main())", "trio.run(main)").replace("asyncio", "trio")
    assert on_trio.count("trio") == 2
    (house.directory / "on_trio.py").write_text(on_trio)
    assert house.run("python", "on_trio.py") == "hello\nhello again\n"

    [declaration] = blocks("toml", README)
    info = house.directory / "example-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1\n")
    name, _, proxy = declaration.splitlines()[1].replace('"', "").partition(" = ")
    (info / "entry_points.txt").write_text(f"[ipcrt.protocols]\n{name} = {proxy}\n")
    answer = house.run("ipcrt", "call", "example/Echo", "say", "text=hi", "--json")
    assert answer == '{"text": "hi"}\n'


def test_a_module_written_by_hand_speaks_with_a_generated_one(house: House) -> None:
    start_echo(house)
    generated = (house.directory / "echo.py").read_text()
    house.write(*blocks("python", section("By hand", BY_HAND)))
    assert (house.directory / "echo.py").read_text() != generated
    assert house.run("python", "echo_client.py") == "hello\nhello again\n"
    house.run("mypy", "--strict", "--python-version", "3.11", "echo.py", "echo_server.py")


@pytest.mark.parametrize("command", commands("Run the locator"), ids=" ".join)
def test_the_locator_runs_by_each_command(house: House, command: list[str]) -> None:
    locator = house.start(*command)
    house.until_offered()
    locator.kill(15)
    assert locator.wait() == 0


def test_the_command_line_does_what_it_says(house: House) -> None:
    shutil.copy(ROOT / "README.md", house.directory)
    (house.directory / "store").mkdir()
    house.start("ipcrt", "activate", "--", "ipcrt-locatord")
    wait_until(Path(house.environment["IPCRT_LOCATOR"]).exists)
    house.start("python", "-m", "ipcrt_services.kvstore", "--directory", "store")
    house.start("python", "-m", "ipcrt_services.files", "--directory", ".")
    house.until_offered("ipcrt.kvstore/Store", "ipcrt.files/Files")
    printed = [house.run(*command) for command in commands("The command line")]
    assert printed[0].split() == ["ipcrt.files/Files", "ipcrt.kvstore/Store"]
    assert printed[2] == '{"value": "hello"}\n'
    assert (house.directory / "copy.md").read_text() == README


def test_its_fidl_goes_through_every_tool(house: House) -> None:
    shutil.copy(house.directory / "echo.json", house.directory / "released.json")
    for command in commands("FIDL"):
        assert house.run(*command) == "", command


def test_the_scripts_and_files_that_it_names_are_there() -> None:
    for path in re.findall(r"scripts/[a-z-]+", README):
        assert os.access(ROOT / path, os.X_OK), path
    for path in re.findall(r"\]\(([A-Za-z/.-]+)\)", README):
        assert (ROOT / path).is_file(), path
    for pattern in re.findall(r"(?<!/)systemd/[a-z.*/-]+", README):
        assert list(ROOT.glob(pattern.rstrip("/."))), pattern


def test_its_python_is_typed(house: House) -> None:
    files = [str(path) for path in house.directory.glob("*.py")]
    house.run("mypy", "--strict", "--python-version", "3.11", *files)
