"""The client for plain threads: the names of `control`, with calls that block.

    with BlockingPort() as port, BlockingResourceClient(channel, port) as client:
        with client.open("file:///etc/motd") as data:
            print(data.recv().data)

All timeouts are in seconds; None: for ever.
"""

from __future__ import annotations

from typing import Any, Self

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.port.blocking import BlockingPort
from ipcrt.resources.asking import Asked
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.control import Requests, WriteTo, data_channel, typed
from ipcrt.resources.data_end import Octets


class BlockingResourceClient(Requests):
    """As `ResourceClient`; made and used on one plain thread."""

    __slots__ = ("port",)

    def __init__(self, channel: Channel, port: BlockingPort) -> None:
        """Move `channel`, the client's end of a control channel, here."""
        super().__init__(channel, port)
        self.port = port
        """The port that the client was made with; lent."""
        port.let_wait(self.channel)  # only its replies are waited for

    def open(self, uri: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> BlockingDataChannel:
        """As `ResourceClient.open`."""
        handle = self.open_handle(uri, timeout=timeout)
        return BlockingDataChannel(data_channel(handle), self.port)

    def open_handle(self, uri: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> Handle:
        """As `ResourceClient.open_handle`."""
        self.port.check_blocking(timeout)
        return typed(self._answer(self._ask_open(uri), timeout).handle)

    def invoke(
        self,
        uri: str | None,
        method: str,
        args: Octets = b"",
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> bytes:
        """As `ResourceClient.invoke`."""
        self.port.check_blocking(timeout)
        result: bytes = self._answer(self._ask_invoke(uri, method, args), timeout).result
        return result

    def pipe(self, uri: str, write_to: WriteTo, *, timeout: float | None = None) -> int:
        """As `ResourceClient.pipe`."""
        self.port.check_blocking(timeout)
        written: int = self._answer(self._ask_pipe(uri, write_to), timeout).written
        return written

    def _answer(self, asked: Asked, timeout: float | None) -> Any:
        try:
            self.port.run_until(asked.waiter, timeout, self._asking.connection)
        except BaseException:
            self._asking.abandon(asked)
            raise
        return self._asking.finish(asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
