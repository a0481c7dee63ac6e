"""How `ipcrt demo` starts the demonstration; what that does is tested beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import IPCRT
from tests.support.processes import ROOT

MONADO = "monado"

FAKE = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getpid()]))"


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A directory with another demonstration in it, which says what it was given."""
    package = tmp_path / "fake" / "ipcrt_services" / "demo"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE)
    (package.parent / "monado").mkdir()
    (package.parent / "monado" / "__init__.py").touch()
    (package.parent / "monado" / "demo.py").write_text(FAKE)
    return tmp_path / "fake"


def run(arguments: list[str], path: Path, cwd: Path) -> tuple[list[str], int]:
    """Run it to its end; answer what the demonstration was given, and its pid."""
    started = subprocess.Popen(
        [*IPCRT, "demo", *arguments],
        stdout=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}"},
    )
    output, _ = started.communicate()
    given, pid = json.loads(output)
    assert pid == started.pid  # it takes our place, and so our signals and our exit status
    return given, pid


def test_passes_on_what_it_was_given(fake: Path, tmp_path: Path) -> None:
    assert run([], fake, tmp_path)[0] == ["--clients", "0", "--"]
    given, _ = run(["a", "--clients", "3", "--json", "--", "-b"], fake, tmp_path)
    assert given == ["--clients", "3", "--json", "--", "a", "-b"]


def test_monado_is_a_demonstration_of_its_own(fake: Path, tmp_path: Path) -> None:
    assert run([MONADO], fake, tmp_path)[0] == ["--clients", "3"]
    wishes = ["--seconds", "2.5", "--size", "640x480", "--png", "a b.png", "--video", "v.mp4"]
    given, _ = run([MONADO, "--clients", "1", *wishes, "--window", "--json"], fake, tmp_path)
    assert given == ["--clients", "1", *wishes, "--window", "--json"]
    path = str(tmp_path / MONADO)
    assert run([path], fake, tmp_path)[0] == ["--clients", "0", "--", path]


def test_what_is_for_monado_is_refused_elsewhere(fake: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [*IPCRT, "demo", "--png", "out.png", "a"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{fake}{os.pathsep}{ROOT}"},
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "ipcrt: --png is for 'ipcrt demo monado'\n"


def test_the_working_directory_is_not_where_it_looks(fake: Path) -> None:
    ended = subprocess.run(
        [*IPCRT, "demo", "/nonexistent/file"],
        check=False,
        capture_output=True,
        text=True,
        cwd=fake,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "ipcrt demo: /nonexistent/file: No such file or directory\n"


def test_says_so_where_the_services_are_missing(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f).lower()]\n"
        "from ipcrt.cli.main import main; sys.exit(main(['demo']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 2
    assert ended.stderr == "ipcrt: the package ipcrt_services.demo is not installed\n"
