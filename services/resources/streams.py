"""Streams: between a data channel and a descriptor that is a stream, such as a socket or a pipe.

The descriptors must be non-blocking. Nothing is read that the other side has no room for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeAlias

import anyio

from ipcrt.errors import from_oserror
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.resources.limits import MAX_STREAM_BYTES
from ipcrt_services.resources.incoming import Incoming

READING: Final = Signals.READABLE | Signals.PEER_CLOSED | Signals.PEER_WRITE_DISABLED
"""What to wait for before reading once more; the end of file is no READABLE."""

WRITING: Final = Signals.WRITABLE | Signals.PEER_CLOSED | Signals.PEER_GONE
"""What to wait for before writing once more; a peer that is gone is no WRITABLE."""


async def read_some(port: AsyncPort, handle: Handle) -> bytes:
    """Await some bytes, as many as a message holds; none at the end. Raises: IpcError."""
    while True:
        try:
            return os.read(handle.fileno(), MAX_STREAM_BYTES)
        except BlockingIOError:
            await port.wait_one(handle, READING)
        except OSError as error:
            raise from_oserror(error, "read a stream") from error


async def write_all(port: AsyncPort, handle: Handle, parts: Sequence[bytes]) -> None:
    """Write all the bytes, waiting while there is no room. Raises: IpcError."""
    left = [memoryview(part) for part in parts if part]
    while left:
        try:
            written = os.writev(handle.fileno(), left)
        except BlockingIOError:
            await port.wait_one(handle, WRITING)
            continue
        except OSError as error:
            raise from_oserror(error, "write a stream") from error
        left = behind(left, written)


def behind(parts: list[memoryview], count: int) -> list[memoryview]:
    """Answer what is left of `parts` behind the first `count` bytes."""
    for index, part in enumerate(parts):
        if count < len(part):
            return [part[count:], *parts[index + 1 :]]
        count -= len(part)
    return []


async def pump_in(port: AsyncPort, incoming: Incoming, handle: Handle) -> None:
    """Write what a client sends to a descriptor, until its end."""
    while (parts := await incoming.take()) is not None:
        await write_all(port, handle, parts)


Job: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


async def run_all(*jobs: Job) -> None:
    """Run coroutines until all have ended, or one fails; the others are cancelled then.

    Raises: what the first that failed has raised.
    """
    try:
        async with anyio.create_task_group() as tasks:
            for job in jobs:
                tasks.start_soon(job)
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    """Answer the first error of a group of groups."""
    inner: Sequence[BaseException] = getattr(error, "exceptions", ())
    return _first(inner[0]) if inner else error


async def run_beside(main: Job, other: Job) -> None:
    """Do as `run_all`, and cancel `other` when `main` has ended."""
    with anyio.CancelScope() as scope:

        async def leading() -> None:
            await main()
            scope.cancel()

        await run_all(leading, other)
