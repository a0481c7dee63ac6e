"""python -m tests.conformance.serve LOOP FD: serve the closed target on a loop, to the end."""

from __future__ import annotations

import sys

import anyio

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import ServerBinding
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from tests.conformance.contract import ClosedTarget, ClosedTargetEventSender, SomeTable
from tests.conformance.targets import Closed


class Telling(Closed):
    """Answers one-way messages with events."""

    def _sender(self) -> ClosedTargetEventSender:
        assert self.binding is not None
        return ClosedTargetEventSender(self.binding)

    def one_way_no_payload(self) -> None:
        self._sender().on_no_payload()

    def one_way_struct(self, some: int) -> None:
        self._sender().on_struct(some)

    def one_way_table(self, payload: SomeTable) -> None:
        self._sender().on_table(payload)


async def main(fd: int) -> None:
    async with open_port() as port:
        binding = ServerBinding(ServerEnd[ClosedTarget](Channel(fd)), Telling(), port)
        await binding.wait_closed()


if __name__ == "__main__":
    loop, number = sys.argv[1:]
    options = {"use_uvloop": True} if loop == "uvloop" else {}
    backend = "trio" if loop == "trio" else "asyncio"
    anyio.run(main, int(number), backend=backend, backend_options=options)
