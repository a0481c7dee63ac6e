"""Protocols as types, and their two ends.

A protocol is a class that is never instantiated; it names its table. `ClientEnd[P]` and
`ServerEnd[P]` own a channel that speaks P and has not been bound yet.
Source: FIDL, client_end:P and server_end:P.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar

from ipcrt.objects.channel import Channel

if TYPE_CHECKING:
    from ipcrt.bindings.tables import ProtocolTable


class Protocol:
    """Base of all protocol markers."""

    TABLE: ClassVar[ProtocolTable]


P = TypeVar("P", bound=Protocol)


class ProtocolEnd(Generic[P]):
    """One unbound end of a protocol; owns its channel."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel) -> None:
        """Move `channel` here."""
        self._channel = Channel(channel.take(), channel.rights)

    @property
    def channel(self) -> Channel:
        """The channel, still owned here until `take_channel`."""
        return self._channel

    def take_channel(self) -> Channel:
        """Move the channel out.

        Raises: BadHandle: it was moved already.
        """
        return Channel(self._channel.take(), self._channel.rights)

    @property
    def closed(self) -> bool:
        """True once the end owns nothing."""
        return self._channel.closed

    def close(self) -> None:
        """Close the channel; the other end is told PEER_CLOSED."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._channel!r}>"


class ClientEnd(ProtocolEnd[P]):
    """The end that makes calls and receives events."""

    __slots__ = ()


class ServerEnd(ProtocolEnd[P]):
    """The end that serves calls and sends events."""

    __slots__ = ()


def create_endpoints(protocol: type[P]) -> tuple[ClientEnd[P], ServerEnd[P]]:
    """Make a channel for `protocol`; the client may call at once, before anybody serves.

    Raises: NoResources: no descriptors are free.
    """
    del protocol  # only its type matters
    client, server = Channel.create()
    return ClientEnd[P](client), ServerEnd[P](server)
