"""A locator, services and clients as real processes, at a socket of their own."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
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


class Daemon:
    """`ipcrt-locatord` as a child that is ready."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.pid = child.pid
        self._idle = self.fds()

    def fds(self) -> dict[int, str]:
        return open_fds(self.pid)

    def log(self) -> str:
        return self.child.errors()

    def log_lines(self, word: str) -> list[str]:
        return [line for line in self.log().splitlines() if word in line]

    def settle(self) -> None:
        """Wait until it holds no more descriptors than when it was ready."""
        wait_until(lambda: set(self.fds()) == set(self._idle))

    def idle(self) -> None:
        """Take what it holds now for what it holds when it has nothing to do."""
        self._idle = self.fds()

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
        child = self.starting_locator(*options, environment=environment)
        notifications = self._notifications[-1]
        while b"READY=1" not in notifications.recv(4096):
            pass
        return Daemon(child)

    def starting_locator(
        self, *options: object, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a locator that may not get as far as being ready."""
        notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notifications.append(notifications)
        notifications.settimeout(20)
        where = self.directory / f"notify{len(self._notifications)}"
        notifications.bind(os.fspath(where))
        return self.spawn.module(
            "ipcrt.locator.daemon",
            "--socket",
            self.path,
            *options,
            environment={"NOTIFY_SOCKET": os.fspath(where), **(environment or {})},
            capture_stderr=True,
        )

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
        client.settimeout(20)
        client.connect(os.fspath(self.path))
        return client

    def close(self) -> None:
        for notifications in self._notifications:
            notifications.close()
