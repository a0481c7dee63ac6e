"""Serve client ends without a locator: `python -m tests.services.child SERVICE LOOP DIR FD...`.

SERVICE is the service's name, and ":" and the protocol's where it has several. Each FD is a server
end that the test kept the other end of. Prints "ready", and ends cleanly when
its stdin does; or prints why it cannot serve, and ends with status 1.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import anyio
import anyio.to_thread

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import IpcError
from ipcrt.locator.protocol import Identity
from ipcrt.locator.service import Peer
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt_services.canvas.__main__ import SERVICE as CANVAS
from ipcrt_services.codec.__main__ import SERVICE as CODEC
from ipcrt_services.files.__main__ import SERVICE as FILES
from ipcrt_services.kvstore.__main__ import SERVICE as KVSTORE
from ipcrt_services.monado.__main__ import SERVICE as MONADO
from ipcrt_services.patterns.__main__ import SERVICE as PATTERNS

SERVICES = {
    "canvas": CANVAS,
    "codec": CODEC,
    "files": FILES,
    "kvstore": KVSTORE,
    "monado": MONADO,
    "patterns": PATTERNS,
}


async def serve(name: str, directory: str, fds: list[int]) -> None:
    name, _, protocol = name.partition(":")
    service = SERVICES[name]
    peer = Peer(Identity(os.getppid(), os.getuid(), os.getgid()), None)
    try:
        async with open_port() as port, service.serve(port, directory) as factories:
            factory = factories[protocol or service.name]
            for fd in fds:
                os.set_inheritable(fd, False)
                end = ServerEnd[Any](Channel(fd))
                ServerBinding(end, factory(peer), port, service.limits.client)
            print("ready", flush=True)
            await anyio.to_thread.run_sync(sys.stdin.buffer.read)
    except IpcError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        sys.exit(1)


def main() -> None:
    _, name, loop, directory, *fds = sys.argv
    backend = "trio" if loop == "trio" else "asyncio"
    options = {"use_uvloop": True} if loop == "uvloop" else {}
    numbers = [int(fd) for fd in fds]
    anyio.run(serve, name, directory, numbers, backend=backend, backend_options=options)


if __name__ == "__main__":
    main()
