"""What a client loads beside what it uses. Goal: 60 ms over bare Python."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import sys
sys.path[:] = {path!r}
{imports}
print(*sys.modules)
"""
BLOCKING = """
from ipcrt import connect_blocking
from scripts.bench.perf.contract import BenchBlockingProxy  # generated, with its server beside it
"""
ASYNC = """
from ipcrt import connect, open_port
from scripts.bench.perf.contract import BenchProxy
"""
UNUSED = {
    "_hashlib",  # OpenSSL
    "anyio",
    "argparse",
    "asyncio",
    "dataclasses",
    "importlib.metadata",
    "ipcrt.bindings.completer",
    "ipcrt.bindings.handlers",
    "ipcrt.bindings.handling",
    "ipcrt.bindings.replies",
    "ipcrt.bindings.route",
    "ipcrt.bindings.running",
    "ipcrt.bindings.server",
    "ipcrt.bindings.shortcut",
    "ipcrt.inspect",
    "ipcrt.locator.daemon",
    "ipcrt.locator.listener",
    "ipcrt.locator.service",
    "json",
    "msgpack",
    "pathlib",
    "random",
    "secrets",
    "ssl",
    "subprocess",
    "tempfile",
    "trio",
    "typer",
    "urllib.parse",
    "uvloop",
    "zipfile",
}


UNUSED_IN_THREADS = UNUSED | {"signal"}  # which every event loop has


@pytest.mark.parametrize(
    "imports, unused",
    [(BLOCKING, UNUSED_IN_THREADS), (ASYNC, UNUSED)],
    ids=["blocking", "async"],
)
def test_a_client_loads_nothing_that_it_does_not_use(imports: str, unused: set[str]) -> None:
    code = LOADED.format(path=sys.path, imports=imports)
    # -S: what a virtual environment loads by itself is not ours.
    loaded = subprocess.check_output([sys.executable, "-S", "-c", code], text=True).split()
    assert "ipcrt.bindings.proxy" in loaded
    assert unused.isdisjoint(loaded)
