"""The client: opens resources, calls their methods, and pipes them, on one control channel.

    async with open_port() as port, ResourceClient(channel, port) as client:
        async with await client.open("file:///etc/motd") as data:
            print((await data.recv()).data)

All timeouts are in seconds; None: for ever.
"""

from __future__ import annotations

from typing import Any, Final, Self, TypeAlias

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.errors import WrongType
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, kind_of
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort
from ipcrt.port.port import Port
from ipcrt.resources.asking import Asked, Asking
from ipcrt.resources.data import DataChannel
from ipcrt.resources.data_end import Octets, SenderEnd
from ipcrt.resources.messages import (
    CONNECT,
    INVOKE,
    INVOKE_REPLY,
    OPEN,
    OPEN_REPLY,
    PIPE,
    PIPE_REPLY,
    Connect,
    Invoke,
    Open,
    Pipe,
)
from ipcrt.resources.uri import check_uri, join_method
from ipcrt.wire.frames import encode
from ipcrt.wire.header import NO_TXID

WriteTo: TypeAlias = SenderEnd | Handle
"""What Pipe may write to: a data channel, which is cloned; or a handle, which is moved."""

_KINDS: Final[dict[ObjType, type[Handle]]] = {ObjType.CHANNEL: Channel, ObjType.SOCKET: Socket}


class Requests:
    """What the awaiting and the blocking client share: all that never waits."""

    __slots__ = ("_asking",)

    def __init__(self, channel: Channel, port: Port) -> None:
        """Move `channel`, the client's end of a control channel, here."""
        self._asking = Asking(channel, port)

    def _ask_open(self, uri: str) -> Asked:
        check_uri(uri)
        return self._asking.ask(OPEN, lambda id_: Open(id_, uri), OPEN_REPLY, f"open {uri:.80}")

    def _ask_invoke(self, uri: str | None, method: str, args: Octets) -> Asked:
        name = join_method(uri, method)
        given = bytes(args)
        doing = f"invoke {name:.80}"
        return self._asking.ask(INVOKE, lambda id_: Invoke(id_, name, given), INVOKE_REPLY, doing)

    def _ask_pipe(self, uri: str, write_to: WriteTo) -> Asked:
        handle = write_to.clone_sender() if isinstance(write_to, SenderEnd) else write_to
        try:
            check_uri(uri)
            return self._asking.ask(
                PIPE, lambda id_: Pipe(id_, uri, handle), PIPE_REPLY, f"pipe {uri:.80}"
            )
        except BaseException:
            handle.close()
            raise

    @property
    def channel(self) -> Channel:
        """The control channel, owned here."""
        return self._asking.connection.channel

    @property
    def closed(self) -> bool:
        """True once either side has closed the control channel."""
        return self._asking.connection.error is not None

    def statistics(self) -> dict[str, int]:
        """See `Asking.statistics`."""
        return self._asking.statistics()

    def into_channel(self) -> Channel:
        """Move the control channel out. Raises: BadState: replies are owed. BadHandle: closed."""
        return self._asking.release()

    def close(self) -> None:
        """Close the control channel; calls in flight fail with Canceled. Idempotent.

        Data channels that were opened go on.
        """
        self._asking.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.channel!r}>"


class ResourceClient(Requests):
    """A client whose calls are awaited, many at once. Made and used on its port's event loop.

    A call that is cancelled, or whose deadline passes, is given up: the server finishes what it has
    begun, its reply is dropped when it comes, and the channel stays usable.
    """

    __slots__ = ("port",)

    def __init__(self, channel: Channel, port: AsyncPort) -> None:
        """Move `channel`, the client's end of a control channel, here."""
        super().__init__(channel, port)
        self.port = port
        """The port that the client was made with; lent."""

    async def open(self, uri: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> DataChannel:
        """Open a resource: a data channel of one's own.

        Raises: the server's error (NotFound, AccessDenied, ...); WrongType: it gave another
        descriptor (see `open_handle`). TimedOut, PeerClosed, RemoteProtocolError: the server broke
        the contract, and the channel is closed; InvalidArgs: no URI; NoResources.
        """
        return DataChannel(data_channel(await self.open_handle(uri, timeout=timeout)), self.port)

    async def open_handle(self, uri: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> Handle:
        """Open a resource: a `Channel` of data, or what the server has: a `Socket`, a plain file.

        The caller owns it. Raises: as `open`.
        """
        return typed((await self._answer(self._ask_open(uri), timeout)).handle)

    async def invoke(
        self,
        uri: str | None,
        method: str,
        args: Octets = b"",
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> bytes:
        """Call a method of a resource, or of the server itself where `uri` is None.

        Raises: as `open`; NotSupported: there is no such method.
        """
        reply = await self._answer(self._ask_invoke(uri, method, args), timeout)
        result: bytes = reply.result
        return result

    async def pipe(self, uri: str, write_to: WriteTo, *, timeout: float | None = None) -> int:
        """Have the server write all of a resource to `write_to`; answer how many bytes.

        A data channel is cloned (see `clone_sender`) and stays yours; its peer may see messages of
        both. A handle, such as a file, a socket or a pipe, is moved, whether or
        not it works. Raises: as `open`. A server
        that goes on with a pipe that was given up stops when nobody reads it.
        """
        reply = await self._answer(self._ask_pipe(uri, write_to), timeout)
        written: int = reply.written
        return written

    async def _answer(self, asked: Asked, timeout: float | None) -> Any:
        try:
            await self.port.wait_result(asked.waiter, timeout)
        except BaseException:
            self._asking.abandon(asked)
            raise
        return self._asking.finish(asked)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def send_connect(listen: Channel) -> Channel:
    """Make a control channel, hand its far end in on a listen channel, and answer the near one.

    It may be used at once, before anybody serves. Raises: ShouldWait: the listener's queue is full.
    PeerClosed: nobody listens. NoResources.
    """
    near, far = Channel.create()
    try:
        body, handles = CONNECT.request.encode(Connect(far))
        data = encode(NO_TXID, CONNECT.ordinal, CONNECT.flags, body, len(handles))
        listen.write(data, handles)
    except BaseException:
        near.close()
        far.close()
        raise
    return near


def typed(handle: Handle) -> Handle:
    """Move what a peer sent into an object of the kind that it is; a plain `Handle` for others."""
    try:
        kind = _KINDS.get(kind_of(handle.fileno()))
        return handle if kind is None else kind.from_handle(handle)
    except BaseException:
        handle.close()
        raise


def data_channel(handle: Handle) -> Channel:
    """Answer a reply's handle as the channel that it is. Raises: WrongType; then it is closed."""
    if isinstance(handle, Channel):
        return handle
    handle.close()
    raise WrongType(f"the server gave a {handle.TYPE.name} descriptor, not a channel: open_handle")
