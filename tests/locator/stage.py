"""A locator, services and clients as real processes, at a socket of their own."""

from __future__ import annotations

import os
import pwd
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ipcrt.locator.protocol import LOCATOR_GET_IDENTITY
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from tests.support.proc import open_fds
from tests.support.processes import Child, Spawner
from tests.support.waiting import wait_until

IDENTITY_CALL = encode(1, LOCATOR_GET_IDENTITY.ordinal, FLEXIBLE, b"")
"""A whole request that every client may make."""

NOBODY = pwd.getpwnam("nobody")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


def let_others_in(path: Path) -> None:
    """Let other users reach `path`; what pytest makes is for its own user alone."""
    for directory in path.parents:
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode & 0o7777 | 0o711)


# Passes the listening socket on, as sd_listen_fds(3) has it.
STARTER = """
import os, sys
listener = int(sys.argv[1])
if listener == 3:
    os.set_inheritable(3, True)
else:
    os.dup2(listener, 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "locator"}
os.execv(sys.executable, [sys.executable, "-m", "ipcrt.locator.daemon", *sys.argv[2:]])
"""


class Daemon:
    """`ipcrt-locatord` as a child that is ready."""

    def __init__(self, child: Child, client: socket.socket) -> None:
        """`client` is connected to it; when it has been served, start-up is over for sure."""
        self.child = child
        self.pid = child.pid
        with client:
            client.send(IDENTITY_CALL)
            client.recv(65536)
            idle = len(self.fds()) - 1
        wait_until(lambda: len(self.fds()) == idle)
        self._idle = self.fds()

    def fds(self) -> dict[int, str]:
        return open_fds(self.pid)

    def log(self) -> str:
        return self.child.errors()

    def log_lines(self, word: str) -> list[str]:
        return [line for line in self.log().splitlines() if word in line]

    def settle(self) -> None:
        """Wait until it holds what it held when it was ready, and nothing else."""
        wait_until(lambda: self.fds() == self._idle)

    def cpu_ticks(self) -> int:
        """Its processor time so far, in clock ticks. Source: proc_pid_stat(5)."""
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def pss_kib(self) -> int:
        """Its memory, shared pages divided among those who share them."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
        raise AssertionError("no Pss in smaps_rollup")


class Stage:
    """One socket path, and who plays there."""

    def __init__(self, directory: Path, spawn: Spawner) -> None:
        self.directory = directory
        self.path = directory / "ipcrt" / "locator"
        self.spawn = spawn
        self._notifications: list[socket.socket] = []

    def locator(self, *options: object, environment: Mapping[str, str] | None = None) -> Daemon:
        """Start a locator and wait until it says that it is ready."""
        return self._ready(self.starting_locator(*options, environment=environment))

    def starting_locator(
        self, *options: object, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a locator that may not get as far as being ready."""
        argv = [sys.executable, "-m", "ipcrt.locator.daemon", "--socket", self.path, *options]
        return self._start(argv, environment or {})

    def locator_from(self, source: str, *options: object) -> Daemon:
        """Run Python source text as the locator, and wait until it is ready."""
        argv = [sys.executable, "-c", source, "--socket", self.path, *options]
        return self._ready(self._start(argv, {}))

    def _start(
        self, argv: Sequence[object], environment: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> Child:
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notifications.append(notifications)
        notifications.settimeout(20)
        where = self.directory / f"notify{len(self._notifications)}"
        notifications.bind(os.fspath(where))
        return self.spawn.command(
            list(map(str, argv)),
            environment={"NOTIFY_SOCKET": os.fspath(where), **environment},
            capture_stderr=True,
            pass_fds=pass_fds,
        )

    def _ready(self, child: Child) -> Daemon:
        while b"READY=1" not in self.notification():
            pass
        return Daemon(child, self.raw())

    def activated_locator(self, listener: socket.socket, *options: object) -> Daemon:
        """Start a locator that serves `listener`, as a supervisor does."""
        child = self._start(
            [sys.executable, "-c", STARTER, listener.fileno(), *options],
            {},
            pass_fds=[listener.fileno()],
        )
        return self._ready(child)

    def notification(self) -> bytes:
        """The next thing that the newest locator tells its supervisor."""
        return self._notifications[-1].recv(4096)

    def service(self, *options: object, registered: bool = True) -> Child:
        """Start an echo service, and wait until it is registered."""
        child = self.spawn.module("tests.locator.echo", self.path, *options, capture_stderr=True)
        if registered:
            assert child.line() == "registered", child.errors()
        return child

    def policy(self, text: str) -> Path:
        where = self.directory / "policy.toml"
        where.write_text(text)
        return where

    def raw(self) -> socket.socket:
        """A client that speaks bytes; the caller closes it."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(os.fspath(self.path))
        client.settimeout(20)
        return client

    def close(self) -> None:
        for notifications in self._notifications:
            notifications.close()
