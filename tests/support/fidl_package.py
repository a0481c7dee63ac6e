"""Packages of generated modules: compiled, written, type-checked and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ipcrt.fidl.compile import compile_library
from ipcrt.fidl.diagnostics import Reporter
from ipcrt.fidl.gen.ir import Json
from ipcrt.fidl.gen.module import Options, generate
from ipcrt.fidl.gen.names import module
from ipcrt.fidl.json_ir import generate as generate_ir
from ipcrt.fidl.library import Session
from ipcrt.fidl.source import SourceFile
from ipcrt.fidl.versions import parse_version
from tests.support.fidl import REFERENCE, ROOT, library_order
from tests.support.processes import MYPY_CACHE

EXERCISE = ROOT / "tests/fidl/gen/exercise.py"


def compile_all(
    libraries: Iterable[Sequence[SourceFile]], available: Mapping[str, str] | None = None
) -> dict[str, Json]:
    """Answer the IRs of libraries by name; each comes behind those that it uses."""
    session, irs = Session(), dict[str, Json]()
    for platform, text in (available or {}).items():
        version = parse_version(text)
        assert version is not None
        assert session.selection.insert(platform, [version])
    for sources in libraries:
        reporter = Reporter()
        library = compile_library(sources, session, reporter)
        assert library is not None, [found.render() for found in reporter.diagnostics]
        irs[library.name] = json.loads(generate_ir(library, session))
    return irs


def reference_libraries() -> list[list[SourceFile]]:
    """Answer the reference's libraries, each behind those that it uses."""
    folder = REFERENCE / "libraries"
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    return [
        [SourceFile(file, (folder / file).read_text()) for file in manifest[name]["files"]]
        for name in library_order(manifest)
    ]


class Package:
    """The modules of some libraries, in one package of a folder."""

    def __init__(self, folder: Path, name: str, irs: Mapping[str, Json]) -> None:
        """Generate and write them, their IRs beside them."""
        self.folder = folder
        self.name = name
        self.texts = {
            f"{module(library)}.py": generate(ir, Options(name)) for library, ir in irs.items()
        }
        where = folder / name
        where.mkdir()
        (where / "__init__.py").write_text("")
        (folder / "irs").mkdir()
        for file, text in self.texts.items():
            (where / file).write_text(text)
        for library, ir in irs.items():
            (folder / "irs" / f"{library}.json").write_text(json.dumps(ir))

    def mypy(self) -> str:
        """Answer what mypy says with the project's own settings; nothing where it is content."""
        settings = ["--config-file", str(ROOT / "pyproject.toml"), "--follow-imports", "silent"]
        cache = ["--cache-dir", str(MYPY_CACHE / "project"), "--no-error-summary"]
        return self._run(["-m", "mypy", *settings, *cache, "-p", self.name])

    def pyright(self) -> str:
        """Answer what pyright says at its strictest."""
        settings = {
            "typeCheckingMode": "strict",
            "pythonVersion": "3.11",
            "include": [self.name],
            "extraPaths": [str(ROOT)],
        }
        (self.folder / "pyrightconfig.json").write_text(json.dumps(settings))
        where = ["--pythonpath", sys.executable, "--project", str(self.folder)]
        said = self._run(["-m", "pyright", *where])
        return said.removeprefix("0 errors, 0 warnings, 0 informations").strip()

    def ruff(self) -> str:
        """Answer what the formatter and the import sorter would do."""
        settings = ["--quiet", "--config", str(ROOT / "pyproject.toml"), self.name]
        formatted = self._run(["-m", "ruff", "format", "--diff", *settings])
        return formatted + self._run(["-m", "ruff", "check", "--select", "F,I", *settings])

    def use(self) -> dict[str, int]:
        """Import all of it in a process of its own and send a sample of every type."""
        said = self._run(["-W", "error", str(EXERCISE), self.name, "irs"])
        assert said.startswith("{"), said
        counts: dict[str, int] = json.loads(said)
        return counts

    def _run(self, arguments: list[str]) -> str:
        path = os.pathsep.join((str(self.folder), str(ROOT)))
        environment = {**os.environ, "PYTHONPATH": path, "MYPYPATH": path}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stdout + done.stderr).strip()
        assert done.returncode == 0 or said, f"{arguments} ended with {done.returncode}"
        return said
