"""The household: the demonstration's processes and its directory, all gone in the end.

1. Every process has a session of its own, so that Ctrl-C reaches the conductor alone, who ends the
   others; and each is told SIGTERM by the kernel should the conductor die.
2. What a process writes to stderr goes to a file here, and is shown when it fails.
3. Whoever ends without having been told to, fails the demonstration.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self

from ipcrt.locator.spawn_with_parent import die_with_parent
from ipcrt.objects.process import Process
from ipcrt.port.packet import Packet
from ipcrt.port.port import Port
from ipcrt.port.signals import Signals

_GRACE_S: Final = 5.0
_MAX_SOCKET_PATH: Final = 90
_SHOWN_LINES: Final = 5


class Member:
    """One process; owns its pidfd. `pid` is where its work is done, which may be in a child."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], errors: Path) -> None:
        self.name = name
        self.pid = popen.pid
        self.popen = popen
        self.process = Process.of_child(popen)
        self.expected_to_end = False
        self._errors = errors

    def ending(self) -> str:
        """Say how it ended and what it last wrote; it must have ended."""
        status = self.popen.wait()
        how = f"status {status}" if status >= 0 else signal.Signals(-status).name
        return f"{self.name} (pid {self.popen.pid}) ended with {how}{self.complaints()}"

    def complaints(self) -> str:
        """Answer the last lines that it wrote to stderr, if it wrote any."""
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return "".join(f"\n  {line}" for line in lines[-_SHOWN_LINES:])


class Household:
    """Owns the processes and the directory."""

    def __init__(self, port: Port, on_lost: Callable[[Member], None]) -> None:
        """`on_lost` is told, on the port's thread, of a process that ended unasked."""
        self.directory = Path(_make_directory())
        self._port = port
        self._on_lost = on_lost
        self._members: list[Member] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Member:
        """Start a command; the descriptors in `pass_fds` keep their numbers and stay ours, too."""
        errors = self.directory / f"{name}.stderr"
        with errors.open("wb") as file:
            popen = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=tuple(pass_fds),
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                # Safe: this process has one thread.
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509
            )
        member = Member(name, popen, errors)
        self._members.append(member)
        key = self._port.new_key()
        self._port.bind(key, partial(self._ended, member))
        self._port.wait_async(member.process, key, Signals.TERMINATED)
        return member

    def module(
        self, name: str, module: str, *arguments: str, pass_fds: Sequence[int] = (), **more: str
    ) -> Member:
        """Start `python -m module`; `more` adds to its environment."""
        # -P: a module in the working directory must not take the place of one of ours.
        command = [sys.executable, "-P", "-m", module, *arguments]
        return self.start(name, command, pass_fds=pass_fds, environment=more)

    def _ended(self, member: Member, packet: Packet) -> None:
        if packet.signals & Signals.TERMINATED and not member.expected_to_end:
            self._on_lost(member)

    def end(self, member: Member, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell a process to end, and see to it; answer its status, negative for a signal."""
        member.expected_to_end = True
        if member.popen.poll() is None:
            member.popen.send_signal(number)
            try:
                member.popen.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                member.popen.kill()
        status = member.popen.wait()
        member.process.close()
        if member in self._members:
            self._members.remove(member)
        return status

    def close(self) -> None:
        """End everybody and remove the directory, undisturbed by another Ctrl-C; idempotent."""
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for member in self._members:
                member.expected_to_end = True
                if member.popen.poll() is None:
                    member.popen.terminate()
            while self._members:
                self.end(self._members[-1])
            shutil.rmtree(self.directory, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, handler)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _make_directory() -> str:
    """Make a private directory in which a socket's path is not too long."""
    path = tempfile.mkdtemp(prefix="ipcrt-demo-")
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
        return path
    Path(path).rmdir()
    return tempfile.mkdtemp(prefix="ipcrt-demo-", dir="/tmp")
