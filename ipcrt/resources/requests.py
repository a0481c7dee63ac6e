"""Requests: what a server's handler is given of a call, beside its URI's parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Self, TypeAlias

from ipcrt.errors import WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.control import typed
from ipcrt.resources.data import DataChannel, DataSender
from ipcrt.resources.link import SENDER_RIGHTS
from ipcrt.resources.uri import query_of

Session: TypeAlias = Callable[[DataChannel], Awaitable[object]]
"""Serves one data channel, which is closed when it ends."""

Opened: TypeAlias = Session | Handle
"""What an `open` handler answers: who serves the data channel, or the client's end of it, or
another descriptor for the client; a handle is moved."""


class Request:
    """A call, as its handler sees it."""

    __slots__ = ("port", "uri")

    def __init__(self, uri: str, port: AsyncPort) -> None:
        self.uri: Final = uri
        """All of it, as it came; empty where a method of the server itself is meant."""
        self.port: Final = port

    @property
    def query(self) -> Mapping[str, str]:
        """The fields behind the `?`. Raises: InvalidArgs: they are none; it is told the client."""
        return query_of(self.uri)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.uri:.80}>"


class OpenRequest(Request):
    """An Open; its handler answers `Opened`."""

    __slots__ = ()


class InvokeRequest(Request):
    """An Invoke; its handler answers bytes."""

    __slots__ = ("args", "method")

    def __init__(self, uri: str, port: AsyncPort, method: str, args: bytes) -> None:
        super().__init__(uri, port)
        self.method: Final = method
        """The name alone."""
        self.args: Final = args


class PipeRequest(Request):
    """A Pipe; its handler writes to `write_to`, and answers how many bytes.

    Owns `write_to`, which is closed when the handler has ended.
    """

    __slots__ = ("_sender", "write_to")

    def __init__(self, uri: str, port: AsyncPort, write_to: Handle) -> None:
        """Move `write_to` here, whatever it is."""
        super().__init__(uri, port)
        self._sender: DataSender | None = None
        self.write_to: Final = typed(write_to)
        """A `Channel`, a `Socket`, or a `Handle` of any other descriptor: look before writing."""
        if isinstance(self.write_to, Channel):
            self.write_to.restrict(SENDER_RIGHTS)

    @property
    def sender(self) -> DataSender:
        """What sends data by `write_to`, which is moved there at the first use.

        Raises: WrongType: it is no channel.
        """
        if self._sender is None:
            if not isinstance(self.write_to, Channel):
                kind = ObjType(self.write_to.TYPE).name
                raise WrongType(f"write_to is a {kind} descriptor, not a channel")
            self._sender = DataSender(self.write_to, self.port)
        return self._sender

    @property
    def sent_bytes(self) -> int:
        """How many bytes went by `sender`."""
        return 0 if self._sender is None else self._sender.sent_bytes

    def close(self) -> None:
        """Close `write_to`; idempotent."""
        self.write_to.close()
        if self._sender is not None:
            self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
