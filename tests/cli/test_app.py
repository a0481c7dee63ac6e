"""The verbs together: help, version, completion."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.cli.conftest import Command

VERBS = [
    "activate",
    "spawn",
    "list",
    "call",
    "talk",
    "inspect",
    "open",
    "pipe",
    "invoke",
    "demo",
    "fidlc",
    "fidlgen",
    "fidl-format",
    "fidl-lint",
    "fidl-abi",
    "policy",
]


def test_help_names_every_verb_in_whole_sentences(ipcrt: Command) -> None:
    ended = ipcrt("--help")
    assert (ended.status, ended.errors) == (0, "")
    for verb in VERBS:
        [line] = [line for line in ended.output.splitlines() if line.startswith(f"  {verb} ")]
        assert line.endswith("."), line
        assert not line.endswith("..."), line


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(ipcrt: Command, verb: str) -> None:
    ended = ipcrt(verb, "-h")
    assert (ended.status, ended.errors) == (0, "")
    assert f"ipcrt {verb}" in ended.output


def test_says_its_version(ipcrt: Command) -> None:
    assert ipcrt("--version").output == f"ipcrt {version('ipcrt')}\n"


def test_without_a_verb_it_shows_the_help(ipcrt: Command) -> None:
    ended = ipcrt()
    assert "Commands:" in ended.output + ended.errors
    assert "Traceback" not in ended.errors


def test_the_help_loads_nothing_that_it_does_not_need() -> None:
    source = (
        "import sys, ipcrt.cli.main as m; m.main(['--help']);"
        "print({'asyncio', 'rich', 'trio', 'msgspec', 'ipcrt.bindings.client', 'ipcrt.fidl'}"
        " & set(sys.modules))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", source], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    assert printed.endswith("set()\n")


def test_completes_in_the_shell(ipcrt: Command) -> None:
    wanted = {"_IPCRT_COMPLETE": "complete_bash", "COMP_WORDS": "ipcrt a", "COMP_CWORD": "1"}
    assert ipcrt(environment=wanted).output.split() == ["activate"]
    wanted |= {"COMP_WORDS": "ipcrt call ipcrt.loc", "COMP_CWORD": "2"}
    assert ipcrt(environment=wanted).output.split() == ["ipcrt.locator/Locator"]
    wanted["COMP_WORDS"] = "ipcrt talk ipcrt.loc"
    assert ipcrt(environment=wanted).output.split() == ["ipcrt.locator/Locator"]
