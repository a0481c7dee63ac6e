from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipcrt.locator.activation import inherited_sockets
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

# Puts what its arguments name at descriptors 3 and up, sets the variables and becomes the receiver.
SUPERVISOR = """
import json, os, socket, sys

kinds, variables, receiver = json.loads(sys.argv[1])

def make(kind):
    if kind == "file":
        return os.open("/dev/null", os.O_RDONLY)
    if kind == "connected":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return theirs.detach()
    family = socket.AF_INET if kind == "inet" else socket.AF_UNIX
    made = socket.socket(family, socket.SOCK_STREAM if kind == "inet" else getattr(socket, kind))
    if kind != "SOCK_DGRAM":
        made.bind(("127.0.0.1", 0) if kind == "inet" else "")
        made.listen()
    return made.detach()

made = [make(kind) if kind != "missing" else None for kind in kinds]
made = [fd if fd is None else os.dup2(fd, 40 + index) for index, fd in enumerate(made)]
os.closerange(3, 40)
for index, fd in enumerate(made):
    if fd is not None:
        os.dup2(fd, 3 + index)
os.closerange(40, 60)
pidfd = os.pidfd_open(os.getpid())
own = {"pid": os.getpid(), "pidfdid": os.fstat(pidfd).st_ino}
os.close(pidfd)
os.environ.update({name: value.format(**own) for name, value in variables.items()})
os.execv(sys.executable, [sys.executable, "-W", "always", "-c", receiver])
"""

RECEIVER = """
import json, os
from ipcrt.errors import IpcError
from ipcrt.locator.activation import inherited_sockets

def fds():  # the listing's own descriptor is gone when it is looked at
    names = [name for name in os.listdir("/proc/self/fd") if int(name) > 2]
    return [name for name in names if os.path.lexists("/proc/self/fd/" + name)]

def blocks(sock):
    return sock.getblocking() or os.get_blocking(sock.fileno())

found, error, before = [], "", fds()
try:
    found = inherited_sockets()
except IpcError as raised:
    error = f"{type(raised).__name__}: {raised}"
print(json.dumps({
    "error": error,
    "names": [item.name for item in found],
    "fds": [item.socket.fileno() for item in found],
    "blocking": [blocks(item.socket) for item in found],
    "inheritable": [item.socket.get_inheritable() for item in found],
    "open_before": len(before),
    "open": len(fds()),
    "variables": [name for name in os.environ if name.startswith("LISTEN_")],
    "second": len(inherited_sockets()),
}))
for item in found:
    item.socket.close()
"""

OURS = {"LISTEN_PID": "{pid}"}


@dataclass
class Received:
    error: str
    names: list[str]
    fds: list[int]
    blocking: list[bool]
    inheritable: list[bool]
    open_before: int
    open: int
    variables: list[str]
    second: int


def activate(spawn: Spawner, kinds: list[str], **variables: str) -> Received:
    """Start a receiver that was passed `kinds`; LISTEN_FDS counts them unless told otherwise."""
    told = {"LISTEN_FDS": str(len(kinds)), **variables}
    child = spawn(SUPERVISOR, json.dumps([kinds, told, RECEIVER]), capture_stderr=True)
    answer: dict[str, Any] = json.loads(child.finish())
    assert child.errors() == ""  # nor a ResourceWarning
    return Received(**answer)


def test_takes_named_sockets(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"] * 2, LISTEN_FDNAMES="locator:extra", **OURS)
    assert got.error == ""
    assert got.names == ["locator", "extra"]
    assert got.fds == [3, 4]


def test_sockets_come_out_non_blocking_and_close_on_exec(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"] * 2, **OURS)
    assert got.blocking == [False, False]
    assert got.inheritable == [False, False]


def test_variables_are_read_once(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"], LISTEN_FDNAMES="locator", **OURS)
    assert got.variables == []
    assert got.second == 0


def test_sockets_without_names_are_called_unknown(spawn_python: Spawner) -> None:
    assert activate(spawn_python, ["SOCK_SEQPACKET"], **OURS).names == ["unknown"]


def test_another_process_is_meant(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"], LISTEN_PID="1", LISTEN_FDNAMES="locator")
    assert (got.error, got.names) == ("", [])
    assert got.variables == []
    assert got.open == got.open_before == 1  # not ours to close either


def test_pidfd_id_is_ours(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"], LISTEN_PIDFDID="{pidfdid}", **OURS)
    assert got.names == ["unknown"]


def test_pid_was_reused(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"], LISTEN_PIDFDID="{pidfdid}0", **OURS)
    assert (got.error, got.names, got.variables) == ("", [], [])


def test_no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN_PID", raising=False)
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert inherited_sockets() == []
    assert "LISTEN_FDS" not in os.environ


@pytest.mark.parametrize(
    "kind, complaint",
    [
        ("file", "WrongType: inherited descriptor 4 (b) is no socket"),
        ("connected", "WrongType: inherited socket 4 (b) is not listening"),
        ("inet", "WrongType: inherited socket 4 (b) is of family <AddressFamily.AF_INET"),
        ("SOCK_STREAM", "WrongType: inherited socket 4 (b) is of type <SocketKind.SOCK_STREAM"),
        ("SOCK_DGRAM", "WrongType: inherited socket 4 (b) is of type <SocketKind.SOCK_DGRAM"),
        ("missing", "BadState: LISTEN_FDS=3, but descriptor 4 is not open"),
    ],
)
def test_wrong_kind_closes_everything(spawn_python: Spawner, kind: str, complaint: str) -> None:
    kinds = ["SOCK_SEQPACKET", kind, "SOCK_SEQPACKET"]
    got = activate(spawn_python, kinds, LISTEN_FDNAMES="a:b:c", **OURS)
    assert got.error.startswith(complaint)
    assert got.open_before >= 2
    assert got.open == 0
    assert got.variables == []


def test_names_that_do_not_match_close_everything(spawn_python: Spawner) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"], LISTEN_FDNAMES="a:b", **OURS)
    assert got.error == "InvalidArgs: LISTEN_FDNAMES has 2 names for LISTEN_FDS=1"
    assert got.open == 0


@pytest.mark.parametrize(
    "variables, complaint",
    [
        ({"LISTEN_PID": "me"}, "InvalidArgs: LISTEN_PID='me' is not a number"),
        ({**OURS, "LISTEN_FDS": "-1"}, "InvalidArgs: LISTEN_FDS='-1' is not a number"),
        ({**OURS, "LISTEN_FDS": "4000000000"}, "InvalidArgs: LISTEN_FDS=4000000000 is more than"),
        ({**OURS, "LISTEN_PIDFDID": "x"}, "InvalidArgs: LISTEN_PIDFDID='x' is not a number"),
    ],
)
def test_malformed_variable(
    spawn_python: Spawner, variables: dict[str, str], complaint: str
) -> None:
    got = activate(spawn_python, ["SOCK_SEQPACKET"], **variables)
    assert got.error.startswith(complaint)
    assert got.variables == []


KEEPER = """
import json, os
from ipcrt.locator.activation import inherited_descriptors
names = {"kept", "state"}
found = inherited_descriptors(names)
print(json.dumps({
    "sockets": [each.name for each in found.sockets],
    "stored": [[name, each.fileno(), os.get_inheritable(each.fileno())]
               for name, each in found.stored],
    "second": len(inherited_descriptors(names).stored),
}))
for each in found.sockets:
    each.socket.close()
for _, each in found.stored:
    each.close()
"""


def test_what_was_stored_is_told_apart_by_its_name(spawn_python: Spawner) -> None:
    kinds = ["SOCK_SEQPACKET", "connected", "file", "connected"]
    variables = {"LISTEN_FDS": "4", "LISTEN_FDNAMES": "locator:kept:state:kept", **OURS}
    child = spawn_python(SUPERVISOR, json.dumps([kinds, variables, KEEPER]), capture_stderr=True)
    assert json.loads(child.finish()) == {
        "sockets": ["locator"],
        "stored": [["kept", 4, False], ["state", 5, False], ["kept", 6, False]],
        "second": 0,
    }
    assert child.errors() == ""  # nor a ResourceWarning


SERVER = """
from ipcrt.locator.activation import inherited_sockets
(inherited,) = inherited_sockets()
import select
with inherited.socket as listener:
    select.select([listener], [], [])
    connection, _ = listener.accept()
    with connection:
        connection.send(inherited.name.encode())
"""

SOCKET_ACTIVATE = ["systemd-socket-activate", "--seqpacket", "--fdname=locator"]


@pytest.mark.skipif(
    shutil.which(SOCKET_ACTIVATE[0]) is None, reason="systemd-socket-activate is not installed"
)
def test_systemd_socket_activate(spawn_python: Spawner, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = spawn_python.command(
        [*SOCKET_ACTIVATE, f"--listen={path}", "-EPYTHONPATH", sys.executable, "-c", SERVER],
        capture_stderr=True,
    )
    # The path is there before anybody listens.
    wait_until(lambda: "Listening on" in server.errors() or server.process.poll() is not None)
    assert ask(server, path) == b"locator"
    assert server.wait() == 0, server.errors()


def ask(server: Child, path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(20)
        client.connect(os.fspath(path))
        return client.recv(100) or server.errors().encode()
