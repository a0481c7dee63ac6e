"""docs/patterns: every page's contract is compiled, and its programs do what the page says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.fidl.command import run_fidlc
from ipcrt.fidl.gen.module import Options, generate
from ipcrt.fidl.gen.names import module
from ipcrt.fidl.lint import lint_files
from tests.support import fidl_rubric
from tests.support.house import House, blocks, short_house
from tests.support.processes import ROOT, Spawner

FOLDER = ROOT / "docs" / "patterns"
INDEX = FOLDER / "README.md"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path != INDEX)

EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)

PYTHON = ("python", "-W", "always::ResourceWarning")
"""A handle that is forgotten is told on stderr."""

PATTERNS = (
    "Diagnostics",
    "Consider using Virtual Memory Objects (VMOs)",
    "How should I represent errors?",
    "Should I use a struct or a table?",
    "Should I use strict or flexible on types?",
    "Handle rights",
    "Should I use strict or flexible on methods and events?",
    "Protocol request pipelining",
    "Prefer pull to push",
    "Delay responses using hanging gets",
    "Throttle push using acknowledgements",
    "Push bounded data using events",
    "Throttle events using acknowledgements",
    "Feed-forward dataflow",
    "Privacy by design",
    "Client-assigned identifiers",
    "Command union",
    "Paginating writes",
    "Paginating reads",
    "Eventpair correlation",
    "Eventpair cancellation",
    "Empty protocols",
    "Controlling settings-like data",
    "Referring to union variants and table fields",
)
"""The rubric's headings that are patterns, in its order."""


def generate_into(directory: Path, contract: str) -> None:
    """Compile a contract, and write its module."""
    name = contract.splitlines()[0].lstrip("/ ")
    (directory / name).write_text(contract)
    ir, told = directory / f"{name}.json", list[str]()
    assert (
        run_fidlc(["--json", str(ir), "--files", str(directory / name)], told.append, told.append)
        == 0
    ), told
    read = json.loads(ir.read_text())
    (directory / f"{module(read['name'])}.py").write_text(generate(read, Options()))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A locator, and every page's modules, for all pages together."""
    spawner = Spawner()
    try:
        with short_house("patterns", spawner) as found:
            for page in PAGES:
                text = page.read_text()
                found.write(*blocks("python", text))
                for contract in blocks("fidl", text):
                    generate_into(found.directory, contract)
            found.start("ipcrt-locatord")
            found.until_offered()
            yield found
    finally:
        spawner.close()


@EACH_PAGE
def test_the_programs_print_what_the_page_says(
    page: Path, house: House, spawn_python: Spawner
) -> None:
    text = page.read_text()
    [contract] = blocks("fidl", text)
    server, client = house.write(*blocks("python", text))
    [printed] = blocks("text", text)
    [library] = re.findall(r"^library ([a-z.]+);", contract, re.MULTILINE)
    [protocol] = re.findall(r"^@discoverable\n.*?protocol (\w+)", contract, re.MULTILINE)
    serving = House(house.directory, spawn_python).start(*PYTHON, server, capture_stderr=True)
    house.until_offered(f"{library}/{protocol}")
    assert house.run(*PYTHON, client) == printed
    assert "ResourceWarning" not in serving.errors()


@EACH_PAGE
def test_the_linter_finds_nothing_to_say(page: Path) -> None:
    [contract] = blocks("fidl", page.read_text())
    assert [each.message for each in lint_files([("page.fidl", contract)])] == []


@EACH_PAGE
def test_a_page_is_short(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert len(lines) <= 160
    assert max(map(len, lines)) <= 110


def test_the_programs_are_typed(house: House) -> None:
    files = [str(path) for path in sorted(house.directory.glob("*.py"))]
    assert len(files) == 3 * len(PAGES)
    house.run("mypy", "--strict", "--python-version", "3.11", *files)


def test_the_programs_are_in_order(house: House) -> None:
    programs = [path.name for path in house.directory.glob("*.py") if "example_" not in path.name]
    settings = ["--quiet", "--config", str(ROOT / "pyproject.toml"), *sorted(programs)]
    assert house.run("ruff", "format", "--diff", *settings) == ""
    assert house.run("ruff", "check", "--select", "B,E,F,UP", *settings) == ""


def test_the_links_lead_somewhere() -> None:
    for page in (INDEX, *PAGES):
        for link in re.findall(r"\]\(([\w./-]+)\)", page.read_text()):
            assert (FOLDER / link).is_file(), f"{page.name}: {link}"


def test_the_commands_of_the_index_make_the_same_module(house: House) -> None:
    made = (house.directory / "example_vault.py").read_text()
    [commands] = blocks("sh", INDEX.read_text())
    compiled, wrote, *_ = map(shlex.split, commands.splitlines())
    (house.directory / "example_vault.py").unlink()
    assert house.run(*compiled) + house.run(*wrote) == ""
    assert (house.directory / "example_vault.py").read_text() == made


def entries() -> list[tuple[str, list[str]]]:
    """Answer the index's pages, with the rubric's headings that each is about."""
    rows = re.findall(r"^\| \[.+?\]\((.+?)\) \| .*? \| (.*?) \|$", INDEX.read_text(), re.MULTILINE)
    return [(page, [each for each in names.split("; ") if each]) for page, names in rows]


def test_the_index_names_every_page_once() -> None:
    assert sorted(page for page, _ in entries()) == [path.name for path in PAGES]


def test_every_pattern_has_a_page() -> None:
    told = {name for _, names in entries() for name in names}
    assert told == set(PATTERNS)


def test_the_pages_are_in_the_patterns_order() -> None:
    first = [PATTERNS.index(names[0]) for _, names in entries() if names]
    assert first == sorted(first)


def test_the_patterns_are_the_rubrics_in_its_order() -> None:
    lines = fidl_rubric.lines()
    if not lines:
        pytest.skip("the rubric does not lie beside the checkout")
    numbers = [lines.index(pattern) for pattern in PATTERNS]
    assert numbers == sorted(numbers)
