"""What is generated passes both type checkers, at their strictest."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ipcrt.fidl.gen.module import generate
from tests.fidl.gen.compiling import ROOT, compile_ir

NAMES = """
library ipcrt.names;
type Int = struct { int int8; str string; bytes bytes; list vector<bool>; bool bool; float float64;
                    None box<Int>; type uint8; };
type list = table { 1: int int8; 2: list vector<string>; 3: dict bytes; };
type Any = flexible union { 1: int int8; 2: self Int; 3: none list; };
type Struct = strict enum { NAME = 1; VALUE = 2; MRO = 3; };
type Meta = flexible bits { NAME = 1; VALUE = 2; };
const TYPE Struct = Struct.NAME;
open protocol Protocol {
    flexible Int(Any) -> (list) error int32;
    flexible Str(struct { str string; timeout int8; self Int; payload Any; }) -> (Int);
    flexible List(list);
    flexible Float() -> (struct { float float64; });
    flexible Bytes(struct { bytes vector<bytes>; }) -> () error Struct;
    flexible Close() -> ();
    flexible Lambda(Int);
    flexible -> Bool(struct { bool bool; int int8; });
    flexible -> Events(Any);
};
open protocol Server { compose Protocol; };
open protocol Blocking {};
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "names_of_all_kinds.py"
    path.write_text(generate(compile_ir(tmp_path, NAMES)))
    return path


def test_mypy_is_content(module: Path, tmp_path: Path) -> None:
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "c")]
    _run(["mypy", *settings, str(module)])


def test_pyright_is_content(module: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    settings = {"typeCheckingMode": "strict", "include": [module.name], "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    _run(["pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)])


def test_the_formatter_and_the_import_sorter_have_nothing_to_do(module: Path) -> None:
    settings = ["--config", str(ROOT / "pyproject.toml"), str(module)]
    _run(["ruff", "format", "--diff", *settings])
    _run(["ruff", "check", "--select", "F,I", *settings])


def _run(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
