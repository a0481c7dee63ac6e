"""AsyncStateReader: awaits what is published, on any event loop.

    watcher = AsyncStateReader(reader, port)
    watcher.add_bell(HEAD, bell)                     from the writer's `state.doorbell(HEAD)`
    version = await watcher.wait(HEAD, version)
    head = reader.read(HEAD)

1. With a doorbell the loop sleeps until the writer rings. Without one it looks every millisecond:
   no event loop can sleep on a futex.
2. The bell is cleared before the version is looked at, so that no ring between the two is lost.
3. A writer that is gone is noticed at once through the bell, and ten times a second without it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final, Self

from ipcrt.errors import AlreadyExists, PeerClosed, TimedOut
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals, observe
from ipcrt.shm.layout import Section
from ipcrt.shm.section_reader import SectionReader
from ipcrt.shm.state_reader import StateReader

_LOOK_S: Final = 0.1
_NAP_S: Final = 0.001
_NEWS: Final = Signals.SIGNALED | Signals.PEER_CLOSED


class AsyncStateReader:
    """Waits for a reader's sections; owns its doorbells, borrows the reader and the port."""

    __slots__ = ("_bells", "_port", "_reader")

    def __init__(self, reader: StateReader, port: AsyncPort) -> None:
        self._reader = reader
        self._port = port
        self._bells: dict[SectionReader[Any], EventPair] = {}

    def add_bell(self, section: Section[Any] | str, handle: Handle) -> None:
        """Wait for `section` through its doorbell from now on; owns `handle` in any case.

        Raises: InvalidArgs: the layout has no such section. AlreadyExists: it has a bell.
        WrongType: no event pair.
        """
        with ExitStack() as undo:
            undo.callback(handle.close)
            found = self._reader.section(section)
            if found in self._bells:
                raise AlreadyExists(f"section {found.section.name} has a doorbell")
            bell = handle if isinstance(handle, EventPair) else EventPair.from_handle(handle)
            self._bells[found] = bell
            undo.pop_all()

    async def wait(
        self, section: Section[Any] | str, after: int | None = None, timeout: float | None = None
    ) -> int:
        """Await a value newer than version `after`; answer the newest version.

        `after` is the newest that is there now, unless told. `timeout` in seconds; None: for ever;
        zero looks once.
        Raises: TimedOut. PeerClosed: the writer is gone. BadHandle: the reader is closed, also
        meanwhile. Canceled: the port, or this, was closed meanwhile.
        """
        reader = self._reader.section(section)
        seen = reader.version if after is None else after
        until = self._port.until(timeout)
        look = self._port.clock() + _LOOK_S
        bell = self._bells.get(reader)
        if self._port.strict or (timeout is not None and timeout <= 0):
            await self._port.checkpoint()
        while True:
            is_gone = bell is not None and _clear(bell)
            if reader.version > seen:
                return reader.version
            left = self._port.left(until)
            now = self._port.clock()
            if is_gone or left == 0 or now >= look:
                look = now + _LOOK_S
                if not self._reader.writer_alive:
                    if reader.version > seen:  # its last word
                        continue
                    raise PeerClosed(f"the writer of {self._reader.layout.name} is gone")
                if left == 0:
                    raise TimedOut(f"no newer {reader.section.name} within {timeout} seconds")
            rest = look - now if left is None else min(left, look - now)
            await self._sleep(None if is_gone else bell, rest)

    async def _sleep(self, bell: EventPair | None, seconds: float) -> None:
        """Sleep until the bell rings, at most so long (rule 1)."""
        if bell is None:
            await self._port.sleep(min(seconds, _NAP_S))
            return
        try:
            await self._port.wait_one(bell, _NEWS, seconds)
        except TimedOut:
            return

    def close(self) -> None:
        """Close the doorbells; who waits through one is told Canceled. Idempotent."""
        for bell in self._bells.values():
            bell.close()
        self._bells.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _clear(bell: EventPair) -> bool:
    """Clear the bell; True where the writer has let go of it."""
    bell.clear()
    return bool(observe(bell) & Signals.PEER_CLOSED)
