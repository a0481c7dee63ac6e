"""A layout that the tests of shared state have in common, and writers in processes of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from ipcrt.objects.vmo import Vmo
from ipcrt.shm.layout import Layout, Section
from ipcrt.shm.record import F32, I64, U64, Array, F32x3, F32x4, Record

if TYPE_CHECKING:
    from tests.support.processes import Child, Spawner


class Head(Record):
    timestamp_ns: I64
    position: F32x3
    rotation: F32x4


class Words(Record):
    """256 bytes, all of them the same number: so a torn copy shows."""

    words: Annotated[tuple[int, ...], Array(U64, 32)]


class Big(Record):
    """16 KiB, likewise: so large that a careless copy is torn often."""

    words: Annotated[tuple[int, ...], Array(U64, 2048)]


class Fov(Record):
    left: F32
    right: F32


HEAD = Section("head", Head)
WORDS = Section("words", Words)
FOV = Section("fov", Fov)
BIG = Section("big", Big)
LAYOUT = Layout("scene", (HEAD, WORDS, FOV, BIG))

AT_REST = Head(7, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))

WRITER = """
import sys, time
from tests.shm.state_scene import BIG, LAYOUT, WORDS, Words
from ipcrt.shm.shared_state import SharedState

state = SharedState.create(LAYOUT, checked=sys.argv[1] == "True")
writer = state.writer(WORDS)
print(state._vmo.fileno(), flush=True)
"""
"""Makes a state; argument: whether it is checked. Prints the number of its descriptor."""

AT_10_KHZ = (
    WRITER
    + """
import threading
values = [number.to_bytes(8, sys.byteorder) * 32 for number in range(1000)]
ended = threading.Thread(target=sys.stdin.read)
ended.start()
big = state.writer(BIG)
due = begin = time.monotonic()
count = 0
while ended.is_alive():
    writer.publish_bytes(values[count % 1000])
    big.publish_bytes(values[count % 1000] * 64)
    count += 1
    due += 0.0001
    while time.monotonic() < due:
        pass
print(count, time.monotonic() - begin)
state.close()
"""
)
"""Publishes 10,000 values a second until its stdin ends; then prints how many, and for how long."""

IN_THE_MIDDLE = (
    WRITER
    + """
import os, signal
writer.publish(Words((1,) * 32))
writer.publish(Words((2,) * 32))
sys.stdin.readline()
writer._slots[writer._begin() % 4][:100] = b"\\xff" * 100
os.kill(os.getpid(), signal.SIGKILL)
"""
)
"""Publishes two values; when told to, it dies while it writes the third."""


def start_writer(
    spawn_python: Spawner, source: str, *arguments: object, checked: bool = False
) -> tuple[Child, Vmo]:
    """Start a writer in a process of its own; answer it and a handle to what it writes."""
    child = spawn_python(source, checked, *arguments)
    number = int(child.line())
    return child, Vmo(os.open(f"/proc/{child.pid}/fd/{number}", os.O_RDONLY | os.O_CLOEXEC))


def no_sleep(seconds: float) -> None:
    """Stands in for `time.sleep`."""
    assert seconds > 0
