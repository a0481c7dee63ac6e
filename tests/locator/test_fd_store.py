from __future__ import annotations

import array
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcrt.locator.fd_store import FdStore
from ipcrt.locator.notify import Notifier
from ipcrt.objects.handle import Handle, close_all
from ipcrt.objects.vmo import Vmo


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"{tmp_path}/notify")
        receiver.settimeout(10)
        yield receiver


@pytest.fixture
def kept() -> Iterator[list[Handle]]:
    handles: list[Handle] = [Vmo.create(0, f"kept {number}") for number in range(203)]
    try:
        yield handles
    finally:
        close_all(handles)


@pytest.fixture
def state() -> Iterator[Vmo]:
    with Vmo.create(0, "state") as vmo:
        yield vmo


def take(supervisor: socket.socket) -> tuple[str, list[str]]:
    """What was told, and what the descriptors are that came with it."""
    data, ancillary, _, _ = supervisor.recvmsg(4096, socket.CMSG_SPACE(253 * 4))
    fds = array.array("i")
    for _, _, raw in ancillary:
        fds.frombytes(raw)
    names = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds]
    for fd in fds:
        os.close(fd)
    return data.decode(), [
        name.removeprefix("/memfd:").removesuffix(" (deleted)") for name in names
    ]


def test_batches_in_order_and_the_record_behind_them(
    supervisor: socket.socket, kept: list[Handle], state: Vmo
) -> None:
    store = FdStore(Notifier(supervisor.getsockname(), fd_store=204))
    assert store.put(kept, state) == 203
    first, second, last = (take(supervisor) for _ in range(3))
    assert first[0] == second[0] == "FDSTORE=1\nFDPOLL=0\nFDNAME=ipcrt-kept"
    assert first[1] + second[1] == [f"kept {number}" for number in range(203)]
    assert last == ("FDSTORE=1\nFDPOLL=0\nFDNAME=ipcrt-state", ["state"])


def test_what_there_is_no_room_for(
    supervisor: socket.socket, kept: list[Handle], state: Vmo
) -> None:
    assert FdStore(Notifier(supervisor.getsockname()), 3).put(kept, state) == 2
    assert take(supervisor)[1] == ["kept 0", "kept 1"]
    assert take(supervisor)[1] == ["state"]


@pytest.mark.parametrize("capacity", [0, 1])
def test_no_room_for_anything(
    supervisor: socket.socket, kept: list[Handle], state: Vmo, capacity: int
) -> None:
    assert FdStore(Notifier(supervisor.getsockname(), fd_store=5), capacity).put(kept, state) == 0
    supervisor.setblocking(False)
    with pytest.raises(BlockingIOError):
        supervisor.recv(100)


def test_without_a_supervisor_there_is_no_room() -> None:
    assert FdStore(Notifier(), 100).capacity == 0


def test_a_supervisor_that_has_gone(tmp_path: Path, kept: list[Handle], state: Vmo) -> None:
    assert FdStore(Notifier(f"{tmp_path}/none"), 100).put(kept, state) == 0


def test_all_leaves(supervisor: socket.socket) -> None:
    FdStore(Notifier(supervisor.getsockname())).clear()
    told = [supervisor.recv(100).decode() for _ in range(2)]
    assert told == [
        "FDSTOREREMOVE=1\nFDNAME=ipcrt-state",
        "FDSTOREREMOVE=1\nFDNAME=ipcrt-kept",
    ]
