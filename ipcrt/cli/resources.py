"""Resources for the verbs: the servers of URIs, and what is opened there.

1. The server of a scheme is asked for at the first call, and spoken to on one control channel.
2. A data channel that closes is an end only where its server is there still (`check_end`): else the
   data may be cut, and that must not look like success.
3. What is opened to be written says so in its query. Where a person has said it by an option, or by
   the place of the URI, the flags are added here.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeVar

import msgspec

from ipcrt.cli.complaint import Misused
from ipcrt.errors import (
    AccessDenied,
    InvalidArgs,
    IpcError,
    NotFound,
    NotSupported,
    PeerClosed,
    WrongType,
)
from ipcrt.locator.connect import LocatorClient
from ipcrt.locator.resources import name_of, open_resources, scheme_of
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType
from ipcrt.resources.accepting import Accepting
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel

T = TypeVar("T")

LISTENS: Final = "tcp-listen"
CONNECTIONS: Final = frozenset(("tcp", LISTENS))
DUPLEX: Final = CONNECTIONS | {"process"}
"""Schemes whose data goes both ways."""
ONE_WAY: Final = frozenset(("file", "kv"))
"""Schemes that are read unless the query says otherwise."""

END: Final = b""
"""What the frame holds that ends a stream, while the other direction goes on."""


class Resources:
    """The control channels of one command; owns them."""

    def __init__(self, locator: LocatorClient, timeout: float) -> None:
        """`timeout` is in seconds, for each opening and each call."""
        self._locator = locator
        self._timeout = timeout
        self._clients: dict[str, ResourceClient] = {}

    async def ask(self, uri: str, call: Callable[[ResourceClient], Awaitable[T]]) -> T:
        """Make a call at the server of a URI; a refusal of the locator's is said as such."""
        client = await self._client(uri)
        try:
            return await call(client)
        except IpcError as error:
            raise explained(error, uri, closed=client.closed) from error

    async def open(self, uri: str) -> DataChannel:
        """Open a data channel, which the caller owns: of a listener the first that connects.

        Raises: IpcError.
        """
        handle = await self.open_handle(uri)
        if not isinstance(handle, Channel):
            handle.close()
            kind = ObjType(handle.TYPE).name
            raise WrongType(f"{uri:.80}: a {kind} descriptor came, and no data: leave out ?fd")
        if scheme_of(uri) == LISTENS:
            async with Accepting(handle, self._locator.port) as accepting:
                return await accepting.accept()
        return DataChannel(handle, self._locator.port)

    async def open_handle(self, uri: str) -> Handle:
        """Open what is behind a URI, which the caller owns. Raises: IpcError."""
        return await self.ask(uri, lambda client: client.open_handle(uri, timeout=self._timeout))

    async def pipe(self, uri: str, write_to: DataChannel | Handle) -> int:
        """Have the server write all of a resource; answer how many bytes. Raises: IpcError."""
        return await self.ask(uri, lambda client: client.pipe(uri, write_to))

    async def size_of(self, uri: str) -> int | None:
        """Answer how many bytes reading will bring, or None: nobody knows."""
        plain, _, query = uri.partition("?")
        if query:
            return None
        try:
            told = await self.ask(
                uri, lambda client: client.invoke(plain, "stat", timeout=self._timeout)
            )
            return msgspec.msgpack.decode(told, type=_Stat).size
        except (IpcError, msgspec.MsgspecError):
            return None

    async def check_end(self, uri: str) -> None:
        """Make sure of a closed data channel that its server has closed it (rule 2).

        Raises: PeerClosed: it may as well have died. TimedOut.
        """
        try:
            await self.ask(uri, lambda client: client.invoke(None, "alive", timeout=self._timeout))
        except (NotSupported, NotFound):  # which it can tell: it is
            pass
        except PeerClosed as error:
            raise PeerClosed(f"{uri:.80}: its server has gone; the data may be cut") from error

    async def _client(self, uri: str) -> ResourceClient:
        name = server_of(uri)
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = await open_resources(self._locator, uri)
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()


class _Stat(msgspec.Struct):
    size: int


def check_output() -> None:
    """Raises: Misused: standard output is closed, so that its number may be another's."""
    if sys.stdout is None:
        raise Misused("standard output is closed")


def server_of(uri: str) -> str:
    """Answer the name of a URI's server. Raises: Misused."""
    try:
        return name_of(uri)
    except InvalidArgs as error:
        raise Misused(f"{uri!r:.80} is no URI, such as file:///etc/motd: {error}") from error


def check_uri(uri: str) -> str:
    """Answer the scheme of a whole URI. Raises: Misused: it is none."""
    server_of(uri)
    if ":" not in uri:
        raise Misused(f"{uri!r:.80} is no URI, such as file:///etc/motd")
    return scheme_of(uri)


def explained(error: IpcError, uri: str, *, closed: bool) -> IpcError:
    """Say what a refusal means that is the locator's: it closes the control channel.

    Others are the server's, of the one resource.
    """
    if closed and isinstance(error, AccessDenied):
        return AccessDenied(f"{name_of(uri)}: policy does not let this user open it")
    if closed and isinstance(error, NotFound):
        return NotFound(f"{name_of(uri)}: nobody serves it; see `ipcrt list`")
    return error


def writes(uri: str) -> bool:
    """True where the query says that the resource is opened to be written."""
    return not flags_of(uri).isdisjoint(("write", "append"))


def flags_of(uri: str) -> set[str]:
    """Answer the fields of a query that are not said to be off."""
    fields = (field.partition("=") for field in uri.partition("?")[2].split("&"))
    return {name for name, _, value in fields if value != "0"}


def for_writing(uri: str, *, append: bool) -> str:
    """Answer the URI with the flags of writing, where its scheme has such, and it says nothing.

    Raises: Misused: it says that it is written over, and is to be appended to.
    """
    if check_uri(uri) in DUPLEX:
        return uri
    if writes(uri):
        if append:
            raise Misused(f"{uri:.80} says itself how it is written: leave out --append")
        return uri
    return with_flags(uri, "append&create" if append else "write&create&truncate")


def with_flags(uri: str, flags: str) -> str:
    """Answer the URI with more in its query."""
    return f"{uri}{'&' if '?' in uri else '?'}{flags}"
