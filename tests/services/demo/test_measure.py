from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ipcrt_services.demo.measure import Descriptors, Memory, children, quiet, settled
from tests.support.processes import Spawner

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The conductor runs on asyncio alone."""
    return "asyncio"


OPENS = """
import os, sys
print("ready")
for line in sys.stdin:
    if line == "open\\n":
        fd = os.open("/dev/zero", os.O_RDONLY)
    else:
        os.close(fd)
    print("done")
"""


async def test_sees_what_another_process_has_open(spawn_python: Spawner) -> None:
    child = spawn_python(OPENS)
    assert child.line() == "ready"
    before = await quiet(child.pid)
    child.send("open")
    assert child.line() == "done"
    after = await settled(child.pid, before)
    assert after.since(before) == ["/dev/zero"]
    assert len(after) == len(before) + 1
    assert before.since(after) == []


async def test_gives_a_process_time_to_close_what_it_has(spawn_python: Spawner) -> None:
    child = spawn_python(
        "import os, sys, time; sys.stdin.readline();"
        "fd = os.open('/dev/zero', os.O_RDONLY); print('open');"
        "time.sleep(0.2); os.close(fd); sys.stdin.read()"
    )
    before = await quiet(child.pid)
    child.send("go")
    assert child.line() == "open"
    assert (await settled(child.pid, before)).since(before) == []


async def test_waits_until_a_process_is_quiet(spawn_python: Spawner) -> None:
    child = spawn_python(
        "import os, sys, time; print('open')\n"
        "for _ in range(20): os.open('/dev/zero', os.O_RDONLY); time.sleep(0.02)\n"
        "sys.stdin.read()"
    )
    assert child.line() == "open"
    found = await quiet(child.pid)
    assert found.kinds["/dev/zero"] == 20


def test_sockets_are_counted_whatever_their_numbers() -> None:
    read, write = os.pipe()
    try:
        assert Descriptors.of(os.getpid()).kinds["pipe"] >= 2
    finally:
        os.close(read)
        os.close(write)


def test_memory_is_what_the_kernel_says(spawn_python: Spawner) -> None:
    child = spawn_python("import sys; data = b'x' * (64 << 20); print('ready'); sys.stdin.read()")
    assert child.line() == "ready"
    memory = Memory.of(child.pid)
    assert memory.rss > 64 << 10
    assert 64 << 10 < memory.pss <= memory.rss


def test_children_are_the_living_ones(spawn_python: Spawner) -> None:
    child = spawn_python(
        "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid);"
        "sys.stdin.readline(); p.kill(); print('killed'); sys.stdin.read()"
    )
    pid = int(child.line())
    assert children(child.pid) == [pid]
    child.send("kill it")
    assert child.line() == "killed"
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until
    assert children(child.pid) == []  # though nobody has waited for it
