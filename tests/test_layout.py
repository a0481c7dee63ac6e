"""Rules of the tree that no linter knows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path.relative_to(ROOT) for path in (ROOT / "ipcrt").rglob("*.py"))
INNER_INITS = [path for path in SOURCES if path.name == "__init__.py" and len(path.parts) > 2]

# The one file that may pass control messages: descriptors enter and leave the process there.
SCM = Path("ipcrt/objects/_scm.py")
SCM_CALLS = {"sendmsg", "sendmsg_afalg", "recvmsg", "recvmsg_into", "send_fds", "recv_fds"}


def _is_generated(path: Path) -> bool:
    with (ROOT / path).open() as source:
        return any(
            "generated; do not edit" in line.lower()
            for _, line in zip(range(5), source, strict=False)
        )


WITHOUT_TEST = {"__init__.py", "__main__.py"}
TESTED = [path for path in SOURCES if path.name not in WITHOUT_TEST and not _is_generated(path)]


def test_each_source_has_its_test() -> None:
    for source in TESTED:
        inside = source.relative_to("ipcrt")
        test = Path("tests") / inside.with_name(f"test_{inside.stem.lstrip('_')}.py")
        assert (ROOT / test).is_file(), f"{source} has no test file: write {test}"


@pytest.mark.parametrize("source", INNER_INITS, ids=str)
def test_an_inner_init_is_a_docstring(source: Path) -> None:
    tree = ast.parse((ROOT / source).read_text())
    assert ast.get_docstring(tree), f"{source}: say what the room knows and must not know"
    rest = [node for node in tree.body[1:] if not _is_future_import(node)]
    assert not rest, f"{source}:{rest[0].lineno}: only a docstring; import the defining module"


def _is_future_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def test_only_scm_passes_control_messages() -> None:
    for source in SOURCES:
        if source != SCM:
            _refuse_control_messages(source)


def _refuse_control_messages(source: Path) -> None:
    text = (ROOT / source).read_text()
    if not any(call in text for call in SCM_CALLS):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in SCM_CALLS, f"{source}:{node.lineno}: {node.attr}: only {SCM}"
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            assert not names & SCM_CALLS, f"{source}:{node.lineno}: {names & SCM_CALLS}: only {SCM}"
