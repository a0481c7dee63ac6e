"""scripts/regenerate: what is committed is what the FIDL says, and --check notices a difference."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("ipcrt", "services")
    for path in (ROOT / folder).rglob("*.fidl")
    if path.name != "zx.fidl"  # no protocol of anybody's: its types are the bindings' own
)
GENERATED = "services/kvstore/bindings.py"


class Tree:
    """A copy of the tree."""

    def __init__(self, root: Path) -> None:
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("ipcrt", "services", "scripts", "tests"):
            shutil.copytree(ROOT / name, root / name, ignore=ignore)
        self.root = root

    def run(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, str(self.root / "scripts" / "regenerate"), *arguments]
        ended = subprocess.run(
            command,
            check=False,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return ended.returncode, ended.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "tree")


def test_what_is_committed_is_what_the_fidl_says(tree: Tree) -> None:
    assert tree.run("--check") == (0, "")
    assert tree.run() == (0, "")


def test_contracts_that_changed(tree: Tree) -> None:
    """All at once: each run compiles them all."""
    folders = {contract: (tree.root / contract).parent for contract in CONTRACTS}
    assert len({*folders.values()}) == len(CONTRACTS)
    for contract in CONTRACTS:
        path = tree.root / contract
        path.write_text(f"{path.read_text()}\nconst ADDED_HERE uint8 = 1;\n")
    before = {name: _texts(folder) for name, folder in folders.items()}
    code, printed = tree.run("--check")
    assert code == 1
    differing = dict(_differences(printed))
    assert len(differing) == len(CONTRACTS)
    assert {name: _texts(folder) for name, folder in folders.items()} == before
    assert tree.run()[0] == 0
    for name, folder in folders.items():
        after = _texts(folder)
        [changed] = [path for path, text in before[name].items() if after[path] != text]
        assert "ADDED_HERE: Final = 1" in after[changed]
        assert "+ADDED_HERE: Final = 1" in differing[str(changed.relative_to(tree.root))]
    assert tree.run("--check") == (0, "")


def _texts(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in folder.glob("*.py")}


def _differences(printed: str) -> Iterator[tuple[str, list[str]]]:
    """Cut what is printed into the differences of one module each."""
    for part in printed.split("--- ")[1:]:
        head, *lines = part.splitlines()
        yield head.removesuffix(" (committed)"), lines


def test_a_module_that_somebody_edited(tree: Tree) -> None:
    path = tree.root / GENERATED
    committed = path.read_text()
    path.write_text(committed.replace("128", "129"))
    code, printed = tree.run("--check")
    assert (code, f"--- {GENERATED} (committed)" in printed.splitlines()) == (1, True)
    assert tree.run() == (0, f"wrote {GENERATED}\n")
    assert path.read_text() == committed


def test_a_module_that_is_missing(tree: Tree) -> None:
    path = tree.root / GENERATED
    committed = path.read_text()
    path.unlink()
    assert tree.run("--check")[0] == 1
    assert not path.exists()
    assert tree.run() == (0, f"wrote {GENERATED}\n")
    assert path.read_text() == committed


def test_a_contract_with_a_mistake(tree: Tree) -> None:
    path = tree.root / "services/kvstore/kvstore.fidl"
    path.write_text(path.read_text().replace("alias Key = string:128;", ""))
    for arguments in (["--check"], []):
        code, printed = tree.run(*arguments)
        assert (code, "[fi-0052]" in printed) == (1, True)
