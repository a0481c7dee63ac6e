"""What the tests activate: `python -m tests.cli.activated LOG MODE [STATUS]`.

Writes a line of JSON to LOG about how it was started. MODE serve: accept, send our pid to each
client, end with STATUS when a client says so. MODE fail: end with STATUS at once. MODE stubborn:
as serve, but SIGTERM is ignored.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

from tests.support.proc import open_fds


def main() -> int:
    log, mode, *rest = sys.argv[1:]
    listener = socket.socket(fileno=3)
    facts = {
        "pid": os.getpid(),
        "group": os.getpgrp(),
        "listen": {key: value for key, value in os.environ.items() if key.startswith("LISTEN_")},
        "fds": sorted(open_fds()),
        "accepting": listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
        "blocking": os.get_blocking(3),
    }
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(note(log, signal.Signals(number).name)))
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(log, json.dumps(facts))
    while mode != "fail":
        client, _ = listener.accept()
        with client:
            client.send(str(os.getpid()).encode())
            if client.recv(16) == b"end":
                break
    return int(rest[0]) if rest else 0


def note(log: str, text: str) -> int:
    with Path(log).open("a") as file:
        file.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
