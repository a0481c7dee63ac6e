"""What `import ipcrt` gives, and what it does not load."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ipcrt

SOURCE = Path(ipcrt.__file__).read_text()


def _typed_imports() -> dict[str, set[str]]:
    """What the type checkers see: the imports under TYPE_CHECKING."""
    [block] = [
        node
        for node in ast.parse(SOURCE).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    found: dict[str, set[str]] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        found[node.module] = {alias.name for alias in node.names}
    return found


def test_the_type_checkers_see_what_is_there_at_run_time() -> None:
    assert {module: set(names) for module, names in ipcrt._HOMES.items()} == _typed_imports()
    assert set(ipcrt.__all__) == set().union(*_typed_imports().values())
    assert set(ipcrt.__all__) <= set(dir(ipcrt))


def test_a_name_is_the_one_that_its_module_defines() -> None:
    for name in ipcrt.__all__:
        [home] = [module for module, names in ipcrt._HOMES.items() if name in names]
        assert getattr(ipcrt, name) is getattr(importlib.import_module(home), name), name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Chanel'"):
        ipcrt.Chanel  # type: ignore[attr-defined]  # noqa: B018


def _loaded(source: str) -> set[str]:
    source += "; import sys; print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", source], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return set(printed.split())


def test_each_room_has_its_face_here() -> None:
    faces = {
        "port": {"BlockingChannel", "Executor", "Interrupter", "Spawned", "open_port"},
        "bindings": {"BlockingProxy", "Proxy", "Server"},
        "shm": {
            "AsyncStateReader",
            "ClientSwapchain",
            "SharedState",
            "TimelineSync",
            "create_ring",
        },
        "resources": {"Accepting", "BlockingResourceClient", "DataChannel", "ResourceApp"},
        "locator": {"Grant", "LocatedApp", "Namespace", "connect_through", "spawn"},
        "io": {"AsyncFile", "ResourceFile", "aopen", "file_of", "wait_readable"},
        "inspect": {"Inspector", "Snapshot"},
    }
    for room, names in faces.items():
        here = [each for module, each in ipcrt._HOMES.items() if module.split(".")[1] == room]
        assert names <= {name for each in here for name in each}, room
    assert "open" not in ipcrt.__all__  # `from ipcrt import *` would hide Python's own


def test_importing_is_light() -> None:
    heavy = {"asyncio", "msgspec", "rich", "trio", "typer", "uvloop"}
    alone = _loaded("import ipcrt")
    assert not heavy & alone
    assert not [name for name in alone if name.startswith("ipcrt.")]
    loops = {"anyio._backends", "asyncio", "numpy", "trio", "uvloop", "typer", "rich"}
    assert not loops & _loaded("from ipcrt import *")
