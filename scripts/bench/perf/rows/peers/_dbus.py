"""A private dbus-daemon, and the names that the D-Bus rows use on it.

The libraries have no server's side of a connection, so peers cannot speak to each other directly.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from scripts.bench.perf import beside

NAME: Final = "bench.Calc"
FD_NAME: Final = "bench.Descriptors"
PATH: Final = "/bench"
COMMAND: Final = "command:dbus-daemon"

_LIMITS: Final = ("max_incoming_bytes", "max_outgoing_bytes", "max_message_size")
"""dbus-daemon's session bus has them at the same number; its own defaults refuse large arrays."""


def bus_address(address: str) -> str:
    """Answer the D-Bus address of the daemon that serves this row."""
    return f"unix:path={address}/bus"


def start_daemon(address: str) -> subprocess.Popen[bytes]:
    """Start the daemon and wait until clients can connect; the caller owns the process.

    Raises: OSError: it did not start. Source: dbus-daemon(1); session.conf.
    """
    configuration = Path(address, "bus.conf")
    configuration.write_text(
        "<busconfig><type>session</type>"
        f"<listen>{bus_address(address)}</listen><auth>EXTERNAL</auth>"
        '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
        '<allow eavesdrop="true"/><allow own="*"/></policy>'
        + "".join(f'<limit name="{name}">1000000000</limit>' for name in _LIMITS)
        + '<limit name="max_replies_per_connection">50000</limit></busconfig>'
    )
    complaints = Path(address, "bus.log")
    with complaints.open("wb") as log:
        daemon = beside.start(
            ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=log,
        )
    if not (daemon.stdout and daemon.stdout.readline()):
        raise OSError(f"dbus-daemon did not start: {complaints.read_text()}")
    return daemon
