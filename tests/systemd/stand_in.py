"""A daemon in the locator's place that tells its clients what it sees of them and of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.systemd.box import Box

PLACE = "/run/ipcrt-test"

# Answers each connection with what it knows of the client and of itself.
DAEMON = """
import json, os, select, signal, socket, struct
from ipcrt.locator.activation import inherited_sockets
from ipcrt.locator.notify import Notifier

notifier = Notifier.from_environment()
(inherited,) = inherited_sockets()
wake, waker = os.pipe()
os.set_blocking(waker, False)
signal.set_wakeup_fd(waker)
signal.signal(signal.SIGTERM, lambda *_: None)
notifier.status("serving " + inherited.name)
notifier.ready()

def attempt(look):
    try:
        return look()
    except OSError as error:
        return type(error).__name__

def seen(client):
    cred = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, gid = struct.unpack("iII", cred)
    return {
        "name": inherited.name, "uid": uid, "gid": gid, "served_by": os.getpid(),
        "own_uid": os.getuid(), "watchdog_us": notifier.watchdog_interval_us,
        "cgroup": attempt(lambda: open(f"/proc/{pid}/cgroup").read().splitlines()[-1]),
        "variables": sorted({"LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC"} & set(os.environ)),
    }

while wake not in (ready := select.select([inherited.socket, wake], [], [])[0]):
    client, _ = inherited.socket.accept()
    with client:
        client.send(json.dumps(seen(client)).encode())
notifier.status("stopped by signal")
notifier.stopping()
"""

# Connects to the path that it is given and prints the answer.
CLIENT = """
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
    client.connect("%s")
    print(client.recv(10000).decode())
"""


@dataclass
class Seen:
    name: str
    uid: int
    gid: int
    served_by: int
    own_uid: int
    watchdog_us: int
    cgroup: str
    variables: list[str]


def install(box: Box, drop_ins: str) -> None:
    """Let a unit, whose directory of drop-ins is given, start the stand-in; reload yourself."""
    box.write(f"{PLACE}/daemon.py", DAEMON)
    exec_start = f"ExecStart=/opt/ipcrt/bin/python {PLACE}/daemon.py"
    box.write(f"{drop_ins}/daemon.conf", f"[Service]\nExecStart=\n{exec_start}\n")


def remove(box: Box, drop_ins: str) -> None:
    """Undo `install`; reload yourself."""
    box.run("rm", "-r", drop_ins, PLACE)


def connect(box: Box, user: str = "root", path: str = "/run/ipcrt/locator") -> Seen:
    """Connect as `user`, in a unit of its own, and return the answer."""
    answer: dict[str, Any] = json.loads(box.python(CLIENT % path, user))
    return Seen(**answer)
