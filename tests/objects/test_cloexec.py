"""No descriptor of ours outlives exec, whoever made it: a promise of the whole room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.openat import open_beneath
from ipcrt.objects.process import Process
from ipcrt.objects.rights import BASIC, Rights
from ipcrt.objects.socket import Socket
from ipcrt.objects.timer import Timer
from ipcrt.objects.vmo import Vmo

LIST = "import os; print(*sorted(int(n) for n in os.listdir('/proc/self/fd')))"


def narrowed_vmo() -> list[Handle]:
    with Vmo.create(1) as vmo:
        return [vmo.duplicate(Rights.READ | BASIC)]


def opened_file() -> list[Handle]:
    directory = os.open(Path(__file__).parent, os.O_PATH)
    try:
        return [open_beneath(directory, Path(__file__).name)]
    finally:
        os.close(directory)


MAKERS: dict[str, Callable[[], list[Handle]]] = {
    "channel": lambda: [*Channel.create()],
    "socket": lambda: [*Socket.create()],
    "fifo": lambda: [*Fifo.create(4, 8)],
    "event": lambda: [Event.create()],
    "eventpair": lambda: [*EventPair.create()],
    "vmo": lambda: [Vmo.create(1)],
    "narrowed vmo": narrowed_vmo,
    "process": lambda: [Process.open(os.getpid())],
    "timer": lambda: [Timer.create()],
    "file": opened_file,
}


def descriptors_after_exec() -> set[int]:
    """What a child has that was started with every inheritable descriptor of ours."""
    done = subprocess.run(
        [sys.executable, "-c", LIST], close_fds=False, check=True, capture_output=True
    )
    return set(map(int, done.stdout.split()))


def everything(kind: str) -> list[Handle]:
    """Objects of a kind as they are made, duplicated and received."""
    made = MAKERS[kind]()
    if Rights.DUPLICATE in made[0].rights:
        made += [handle.duplicate() for handle in made]
    near, far = Channel.create()
    with near, far:
        near.write(b"received", MAKERS[kind]())
        near.write(bytes(100_000), MAKERS[kind]())
        return made + far.read().handles + far.read().handles


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_survives_exec(kind: str) -> None:
    before = descriptors_after_exec()
    handles = everything(kind)
    try:
        assert len(handles) >= 3
        assert descriptors_after_exec() == before
    finally:
        close_all(handles)
