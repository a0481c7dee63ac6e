"""Ways: how a file waits: in a task on an event loop, or in a plain thread.

Sources are written once, as coroutines. In a plain thread whatever they await blocks, so that each
coroutine runs to its end in its first step (`run_now`); nothing is awaited there really.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import anyio.to_thread

from ipcrt.errors import IpcError, NotSupported, PeerClosed
from ipcrt.io.endings import hung_up
from ipcrt.objects._fd import close_fd, duplicate_fd
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.kind import ObjType, kind_of
from ipcrt.port.aport import AsyncPort
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.resources.blocking_control import BlockingResourceClient
from ipcrt.resources.blocking_data import BlockingDataChannel
from ipcrt.resources.control import ResourceClient
from ipcrt.resources.data import DataChannel
from ipcrt.resources.data_end import Octets
from ipcrt.resources.link import Received

T = TypeVar("T")

_NO_METHOD = "none"
"""Asks a closed client why it is closed: nothing is sent."""


class Data(Protocol):
    """A data channel, as `DataChannel` is one."""

    @property
    def channel(self) -> Channel: ...
    async def recv(self, *, timeout: float | None = None) -> Received: ...
    def try_recv(self) -> Received: ...
    async def send_stream(self, data: Octets, *, timeout: float | None = None) -> None: ...
    async def send_frame(self, data: Octets, *, timeout: float | None = None) -> None: ...
    def close(self) -> None: ...


class Waits(Protocol):
    """Waiting for descriptors."""

    async def wait(self, handle: Handle, signals: Signals, timeout: float | None) -> None:
        """Wait for one of `signals`. Raises: TimedOut, Canceled."""

    async def on_disk(self, fd: int, job: Callable[[int, int], T]) -> T:
        """Answer `job(fd, flags)`, which reads or writes a file with these flags of preadv2."""
        ...

    def interrupt(self) -> bool:
        """End the wait that goes on, from any thread; False: none does."""
        ...

    def close(self) -> None:
        """Give everything back; idempotent."""


class Ways(Protocol):
    """Asking a server. The calls raise as the client's."""

    async def open_handle(self, uri: str, timeout: float | None) -> Handle: ...
    async def invoke(self, uri: str, method: str, args: bytes) -> bytes: ...
    def data(self, channel: Channel) -> Data:
        """Move `channel` into a data channel."""
        ...

    async def server_gone(self) -> bool:
        """True where the server has closed the control channel, too."""
        ...

    def waits(self) -> Waits:
        """Answer what waits for a descriptor that the server gave."""
        ...

    def interrupt(self) -> bool:
        """As `Waits.interrupt`."""
        ...


# ---- on an event loop


class LoopWaits:
    """Waits in tasks of a port's event loop."""

    def __init__(self, port: AsyncPort) -> None:
        self._port = port

    async def wait(self, handle: Handle, signals: Signals, timeout: float | None) -> None:
        await self._port.wait_one(handle, signals, timeout)

    async def on_disk(self, fd: int, job: Callable[[int, int], T]) -> T:
        """Do it here where the kernel need not wait for a disk; else in a thread."""
        await self._port.checkpoint()
        if kind_of(fd) is ObjType.VMO:
            return job(fd, 0)
        try:
            return job(fd, os.RWF_NOWAIT)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EOPNOTSUPP, errno.EINVAL):
                raise
        lease = _Lease(fd)
        return await anyio.to_thread.run_sync(lease.run, job)

    def interrupt(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is owned."""


class _Lease:
    """A duplicate for a thread, which goes on after its task was cancelled; closed when dropped."""

    def __init__(self, fd: int) -> None:
        self._fd = -1
        self._fd = duplicate_fd(fd)

    def run(self, job: Callable[[int, int], T]) -> T:
        return job(self._fd, 0)

    def __del__(self) -> None:
        if self._fd >= 0:
            close_fd(self._fd)


class LoopWays:
    """Asks by a client on an event loop."""

    def __init__(self, client: ResourceClient) -> None:
        self._client = client
        self._port = client.port

    async def open_handle(self, uri: str, timeout: float | None) -> Handle:
        return await self._client.open_handle(uri, timeout=timeout)

    async def invoke(self, uri: str, method: str, args: bytes) -> bytes:
        return await self._client.invoke(uri, method, args)

    def data(self, channel: Channel) -> Data:
        return DataChannel(channel, self._port)

    async def server_gone(self) -> bool:
        gone = hung_up(self._client)
        if gone is None:
            try:
                await self._client.invoke(None, _NO_METHOD)
            except IpcError as error:
                return isinstance(error, PeerClosed)
        return bool(gone)

    def waits(self) -> Waits:
        return LoopWaits(self._port)

    def interrupt(self) -> bool:
        return False


# ---- in a plain thread


class ThreadWaits:
    """Waits in any plain thread; owns what interrupts it."""

    def __init__(self) -> None:
        self._interrupter = Interrupter()

    async def wait(self, handle: Handle, signals: Signals, timeout: float | None) -> None:
        wait_one(handle, signals, timeout, self._interrupter)

    async def on_disk(self, fd: int, job: Callable[[int, int], T]) -> T:
        return job(fd, 0)

    def interrupt(self) -> bool:
        return self._interrupter.interrupt()

    def close(self) -> None:
        self._interrupter.close()


class ThreadData:
    """A data channel that blocks, dressed as one that is awaited; owns it."""

    def __init__(self, data: BlockingDataChannel) -> None:
        self._data = data
        self.try_recv = data.try_recv
        self.close = data.close

    @property
    def channel(self) -> Channel:
        return self._data.channel

    async def recv(self, *, timeout: float | None = None) -> Received:
        return self._data.recv(timeout=timeout)

    async def send_stream(self, data: Octets, *, timeout: float | None = None) -> None:
        self._data.send_stream(data, timeout=timeout)

    async def send_frame(self, data: Octets, *, timeout: float | None = None) -> None:
        self._data.send_frame(data, timeout=timeout)


class ThreadWays:
    """Asks by a client in a plain thread."""

    def __init__(self, client: BlockingResourceClient) -> None:
        self._client = client
        self._port = client.port

    async def open_handle(self, uri: str, timeout: float | None) -> Handle:
        return self._client.open_handle(uri, timeout=timeout)

    async def invoke(self, uri: str, method: str, args: bytes) -> bytes:
        return self._client.invoke(uri, method, args)

    def data(self, channel: Channel) -> Data:
        return ThreadData(BlockingDataChannel(channel, self._port))

    async def server_gone(self) -> bool:
        gone = hung_up(self._client)
        if gone is None:
            try:
                self._client.invoke(None, _NO_METHOD)
            except IpcError as error:
                return isinstance(error, PeerClosed)
        return bool(gone)

    def waits(self) -> Waits:
        return ThreadWaits()

    def interrupt(self) -> bool:
        return self._port.interrupt()


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits in a plain thread's way; answer its result.

    Raises: what it raises; NotSupported: it awaited something.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise NotSupported("a coroutine awaited something in a plain thread")
