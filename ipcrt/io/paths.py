"""What `os` knows of paths, for resources whose server tells it: facts and directories.

In plain threads `stat`, `exists`, `listdir` and `scandir`; with an `a` before them, awaited.
All raise OSErrors; io.UnsupportedOperation: the server has no such method.
"""

from __future__ import annotations

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.errors import PeerClosed
from ipcrt.io.endings import reset
from ipcrt.io.errors import PosixErrors
from ipcrt.io.facts import STAT, Entry, Stat, parse_entry, parse_stat
from ipcrt.io.ways import LoopWays, ThreadWays, Ways, run_now
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.control import ResourceClient, data_channel


def stat(client: BlockingResourceClient, uri: str) -> Stat:
    """Tell what `uri` is. Raises: FileNotFoundError."""
    return run_now(_stat(ThreadWays(client), uri))


def exists(client: BlockingResourceClient, uri: str) -> bool:
    """True where `stat` tells something."""
    return run_now(_exists(ThreadWays(client), uri))


def scandir(client: BlockingResourceClient, uri: str) -> list[Entry]:
    """Answer the entries of a directory, in no order. Raises: NotADirectoryError."""
    return run_now(_scandir(ThreadWays(client), uri))


def listdir(client: BlockingResourceClient, uri: str) -> list[str]:
    """Answer the names in a directory, in no order. Raises: NotADirectoryError."""
    return [entry.name for entry in scandir(client, uri)]


async def astat(client: ResourceClient, uri: str) -> Stat:
    """As `stat`."""
    return await _stat(LoopWays(client), uri)


async def aexists(client: ResourceClient, uri: str) -> bool:
    """As `exists`."""
    return await _exists(LoopWays(client), uri)


async def ascandir(client: ResourceClient, uri: str) -> list[Entry]:
    """As `scandir`."""
    return await _scandir(LoopWays(client), uri)


async def alistdir(client: ResourceClient, uri: str) -> list[str]:
    """As `listdir`."""
    return [entry.name for entry in await ascandir(client, uri)]


async def _stat(ways: Ways, uri: str) -> Stat:
    with PosixErrors(uri):
        return parse_stat(await ways.invoke(uri, STAT, b""))


async def _exists(ways: Ways, uri: str) -> bool:
    try:
        await _stat(ways, uri)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


async def _scandir(ways: Ways, uri: str) -> list[Entry]:
    entries: list[Entry] = []
    with PosixErrors(uri):
        with data_channel(await ways.open_handle(uri, DEFAULT_TIMEOUT)) as channel:
            data = ways.data(channel)
        try:
            while True:
                entries.append(parse_entry(await data.recv()))
        except PeerClosed:
            if await ways.server_gone():
                raise reset() from None
            return entries
        finally:
            data.close()
