"""Accepting one connection of a listen channel, such as `tcp-listen:` opens."""

from __future__ import annotations

from ipcrt.bindings.ends import ServerEnd
from ipcrt.bindings.server import Limits, Server, ServerBinding
from ipcrt.errors import IpcError, PeerClosed
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.messages import Listen


async def accept_one(port: AsyncPort, listener: Channel) -> Channel:
    """Await the first connection, and listen no more; the caller owns its data channel.

    Moves `listener` here. Raises: PeerClosed, or an error of the server's: there will be none.
    """
    waiting = _First(port)
    try:
        with ServerBinding(ServerEnd[Listen](listener), waiting, port, Limits(calls_in_flight=1)):
            await port.wait_result(waiting.come)
    except BaseException:
        waiting.close()
        raise
    channel, waiting.channel = waiting.channel, None
    assert channel is not None
    return channel


class _First(Server[Listen]):
    """Keeps the first that comes; owns it until it is taken."""

    PROTOCOL = Listen

    def __init__(self, port: AsyncPort) -> None:
        self.come = port.create_waiter()
        self.channel: Channel | None = None

    def connect(self, handle: Channel) -> None:
        """Handle a Connect."""
        if self.channel is not None or self.come.done():
            handle.close()  # who comes behind the first is turned away
            return
        self.channel = handle
        self.come.set_result(None)

    def client_gone(self, reason: IpcError) -> None:
        if not self.come.done():
            self.come.set_exception(PeerClosed(f"nobody has connected: {reason}"))

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
