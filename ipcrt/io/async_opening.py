"""Opening files in tasks that await: binary ones. Text is anyio's `TextReceiveStream`'s.

async with await aopen(client, "file:///etc/motd") as lines:
    async for line in lines: ...
"""

from __future__ import annotations

from ipcrt.bindings.proxy import DEFAULT_TIMEOUT
from ipcrt.io.async_file import AsyncFile
from ipcrt.io.byte_stream import ResourceStream
from ipcrt.io.errors import PosixErrors
from ipcrt.io.modes import Mode
from ipcrt.io.sources import open_source, source_in
from ipcrt.io.ways import LoopWaits, LoopWays
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.resources.control import ResourceClient


async def aopen(
    client: ResourceClient,
    uri: str,
    mode: str = "rb",
    *,
    timeout: float | None = None,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> AsyncFile:
    """Open a resource as a file; the caller closes it. Used on the client's event loop.

    As `ipcrt.io.opening.open`, with a binary mode. Raises: as that.
    """
    parsed = _binary(mode)
    with PosixErrors(uri):
        source = await open_source(LoopWays(client), uri, parsed, open_timeout)
    return AsyncFile(source, parsed, uri, timeout)


def async_file_of(
    handle: Handle, port: AsyncPort, mode: str = "rb", *, timeout: float | None = None
) -> AsyncFile:
    """Make a file of a handle, which is moved, whether or not it works.

    As `ipcrt.io.opening.file_of`; a disk is waited for in a thread. Raises: as that.
    """
    with handle, PosixErrors():
        parsed = _binary(mode)
        name = repr(handle)
        return AsyncFile(source_in(handle, parsed, LoopWaits(port)), parsed, name, timeout)


async def open_stream(
    client: ResourceClient,
    uri: str,
    mode: str = "r+b",
    *,
    open_timeout: float | None = DEFAULT_TIMEOUT,
) -> ResourceStream:
    """Open a resource as anyio's `ByteStream`, both ways unless `mode` says otherwise.

    The caller closes it. Raises: as `aopen`.
    """
    parsed = _binary(mode)
    with PosixErrors(uri):
        source = await open_source(LoopWays(client), uri, parsed, open_timeout)
    return ResourceStream(source)


def _binary(mode: str) -> Mode:
    parsed = Mode.parse(mode)
    if "t" in mode:
        raise ValueError("an asynchronous file is binary; decode what it reads")
    return parsed
