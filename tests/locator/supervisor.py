"""A supervisor as systemd is one to the locator: its socket, its notifications, its fd store."""

from __future__ import annotations

import array
import json
import os
import selectors
import signal
import socket
import sys
from typing import Protocol

from ipcrt.objects.vmo import Vmo
from tests.locator.stage import Stage
from tests.support.processes import Child

# Puts the descriptors that it is given at 3 and up, and becomes the locator.
STARTER = """
import json, os, sys
passed, names = json.loads(sys.argv[1])
high = [os.dup2(fd, 500 + index) for index, fd in enumerate(passed)]
for index, fd in enumerate(high):
    os.dup2(fd, 3 + index)
os.closerange(3 + len(passed), 1000)
os.environ |= {
    "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(passed)), "LISTEN_FDNAMES": names
}
os.execv(sys.executable, [sys.executable, "-m", "ipcrt.locator.daemon", *sys.argv[2:]])
"""


class Supervisor:
    """Runs one locator after another for one listening socket, and keeps what they store."""

    def __init__(self, stage: Stage, *options: object) -> None:
        self._stage = stage
        self.options: tuple[object, ...] = options
        self.environment: dict[str, str] = {}
        stage.path.parent.mkdir(exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(os.fspath(stage.path))
        self._listener.listen(64)
        self._notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._where = stage.directory / "supervisor"
        self._notifications.bind(os.fspath(self._where))
        self.stored: list[tuple[str, int]] = []
        self.told: list[str] = []
        self.locator: Child | None = None

    def start(self) -> Child:
        """Start a locator with all that is stored, and wait until it is ready."""
        passed = [("locator", self._listener.fileno()), *self.stored]
        names = ":".join(name for name, _ in passed)
        fds = [fd for _, fd in passed]
        self.told.clear()
        self.locator = self._stage.spawn.command(
            [
                *(sys.executable, "-c", STARTER, json.dumps([fds, names])),
                *map(str, self.options),
            ],
            pass_fds=fds,
            environment={"NOTIFY_SOCKET": os.fspath(self._where), **self.environment},
            capture_stderr=True,
        )
        self._listen(self.locator, "READY=1")
        return self.locator

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the locator and answer its status; what it stores on its way is kept."""
        assert self.locator is not None
        self.locator.kill(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until the locator has ended, and answer its status."""
        assert self.locator is not None
        self._listen(self.locator, None)
        return self.locator.wait()

    def has_ended(self) -> bool:
        """True once the locator has ended; takes what it tells."""
        assert self.locator is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._notifications, selectors.EVENT_READ)
            while selector.select(0.005):
                self._take()
        return self.locator.process.poll() is not None

    def restart(self) -> Child:
        """Stop and start, as `systemctl restart` does."""
        assert self.stop() == 0, self.log()
        return self.start()

    def log(self) -> str:
        """What the newest locator has said."""
        assert self.locator is not None
        return self.locator.errors()

    def replace(self, name: str, what: str) -> None:
        """Put "nonsense" where a descriptor is stored, or nothing: "missing"."""
        for stored, fd in self.stored:
            if stored == name:
                os.close(fd)
        self.stored = [each for each in self.stored if each[0] != name]
        if what == "nonsense":
            with Vmo.from_bytes(b"nonsense") as vmo:
                vmo.seal()
                self.stored.append((name, os.dup(vmo.fileno())))

    def forget(self) -> None:
        """Let go of all that is stored, as when a unit is stopped for good."""
        for _, fd in self.stored:
            os.close(fd)
        self.stored.clear()

    def close(self) -> None:
        self.forget()
        self._listener.close()
        self._notifications.close()

    def _listen(self, child: Child, until: str | None) -> None:
        """Take notifications until one says `until`, or the child has ended and all are taken."""
        pidfd = os.pidfd_open(child.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._notifications, selectors.EVENT_READ, "told")
                selector.register(pidfd, selectors.EVENT_READ, "ended")
                while True:
                    ready = {key.data for key, _ in selector.select(20)}
                    assert ready, f"{self.told}: nothing came\n{child.errors()}"
                    if "told" in ready:
                        self._take()
                        if until is not None and until in self.told:
                            return
                    else:
                        assert until is None, f"it has ended:\n{child.errors()}"
                        return
        finally:
            os.close(pidfd)

    def _take(self) -> None:
        room = socket.CMSG_SPACE(253 * 4)
        data, ancillary, _, _ = self._notifications.recvmsg(4096, room, socket.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for _, _, raw in ancillary:
            fds.frombytes(raw)
        lines = data.decode().splitlines()
        self.told.extend(lines)
        said = dict(line.split("=", 1) for line in lines)
        name = said.get("FDNAME", "")
        if "FDSTOREREMOVE" in said:
            for stored, fd in self.stored:
                if stored == name:
                    os.close(fd)
            self.stored = [each for each in self.stored if each[0] != name]
        elif "FDSTORE" in said:
            assert said["FDPOLL"] == "0"
            self.stored[:0] = [(name, fd) for fd in fds]  # systemd hands them out last first
        else:
            assert not fds


class Supervise(Protocol):
    """Makes a supervisor that keeps so many descriptors, and starts its first locator."""

    def __call__(self, *options: object, keep: int = 100, start: bool = True) -> Supervisor: ...
