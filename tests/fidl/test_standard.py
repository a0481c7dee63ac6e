"""Library zx, which nobody needs to give."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.fidl.command import run_fidlc
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.library import Session
from ipcrt.fidl.standard import ZX, provide

USER = """\
library user;
using zx as z;
type A = resource struct { vmo z.Handle:<VMO, z.Rights.READ>; status z.Status; };
"""
OWN_ZX = "library zx;\nalias Status = int64;\nalias Mine = int32;\n"


def _run(*arguments: object) -> tuple[int, str]:
    said: list[str] = []
    code = run_fidlc([str(argument) for argument in arguments], said.append, said.append)
    return code, "".join(said)


@pytest.fixture
def user(tmp_path: Path) -> Path:
    path = tmp_path / "user.fidl"
    path.write_text(USER)
    return path


@pytest.mark.parametrize("options", [[], ["--werror"], ["--available", "some:1,HEAD"]], ids=str)
def test_it_is_as_if_it_were_given(tmp_path: Path, user: Path, options: list[str]) -> None:
    without, given = tmp_path / "without.json", tmp_path / "given.json"
    assert _run(*options, "--json", without, "--files", user) == (0, "")
    assert _run(*options, "--json", given, "--files", ZX, "--files", user) == (0, "")
    assert without.read_text() == given.read_text()


def test_one_that_is_given_takes_its_place(tmp_path: Path) -> None:
    own, using = tmp_path / "zx.fidl", tmp_path / "using.fidl"
    own.write_text(OWN_ZX)
    using.write_text("library user;\nusing zx;\nalias A = zx.Mine;\n")
    assert _run("--files", own, "--files", using) == (0, "")
    code, said = _run("--files", using)
    assert (code, "zx" in said, "Mine" in said) == (1, True, True)


def test_two_libraries_may_use_it(tmp_path: Path, user: Path) -> None:
    other = tmp_path / "other.fidl"
    other.write_text(USER.replace("user;", "other;") + "alias B = z.Status;\n")
    assert _run("--files", user, "--files", other) == (0, "")


def test_there_is_no_other(tmp_path: Path) -> None:
    path = tmp_path / "bad.fidl"
    path.write_text("library bad;\nusing zxy;\n")
    code, said = _run("--files", path)
    assert (code, "fi-0046" in said) == (1, True)
    session, reporter = Session(), Reporter()
    assert provide("fidl", session, reporter) is None
    assert (session.libraries, reporter.diagnostics) == ({}, [])


def test_nothing_is_provided_unasked() -> None:
    assert Session().imported("zx") is None
