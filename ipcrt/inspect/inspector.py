"""Inspector: what a process tells of itself, in a VMO that outlives it in others' hands.

    with Inspector("example") as inspector:
        requests = inspector.root.int("requests")
        inspector.lazy("port", port.statistics)
        inspector.refresh_every(port, 1.0)
        requests.add()

1. Properties may be changed from any thread. `lazy`, `refresh` and `refresh_every` are for the
   thread of what is pulled: the port's.
2. What is pulled is as old as the last refresh, which the tree tells. A process that hangs
   refreshes no more: its age shows that, too.
3. A pull that raises shows its error in its own node, and the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, Self

from ipcrt.errors import OutOfRange
from ipcrt.inspect.format import PERIOD, REFRESHED
from ipcrt.inspect.mirror import Mirror
from ipcrt.inspect.node import Node
from ipcrt.inspect.store import Store
from ipcrt.objects.vmo import Vmo
from ipcrt.port.deadlines import Token
from ipcrt.port.port import Port

DEFAULT_BYTES: Final = 256 * 1024
"""Room for some 6,000 numbers; memory is taken as it is used."""

Pull = Callable[[], Mapping[str, object]]
"""Answers numbers, truth values, texts, bytes and further mappings by their names."""

_log: Final = logging.getLogger("ipcrt.inspect")


class Lazy:
    """A node that shows what a callable answers, as of the last refresh."""

    __slots__ = ("_failed", "_mirror", "_pull", "node")

    def __init__(self, node: Node, pull: Pull) -> None:
        self.node = node
        self._pull = pull
        self._mirror = Mirror(node)
        self._failed = False

    def refresh(self, atomic: AbstractContextManager[object]) -> None:
        """Pull, then show it all as one change (rule 3)."""
        try:
            values = self._pull()
            with atomic:
                self._mirror.show(values)
            self._failed = False
        except Exception as error:  # noqa: BLE001  (one bad pull must not break the others)
            if not self._failed:
                _log.exception("what was to be shown could not be pulled")
            self._failed = True
            with atomic:
                self._mirror.show({"error": f"{type(error).__name__}: {error}"})

    def close(self) -> None:
        """Take the node out of the tree. Idempotent."""
        self.node.close()


class Inspector:
    """A tree that this process writes and others read; owns the VMO."""

    def __init__(self, name: str = "inspect", max_bytes: int = DEFAULT_BYTES) -> None:
        """`name` shows in /proc; `max_bytes` is for the whole tree.

        Raises: OutOfRange: more than 1 MiB. NoResources.
        """
        self._store = Store(max_bytes, name)
        self.root: Final = Node(self._store)
        self._lazies: list[Lazy] = []
        self._port: Port | None = None
        self._token: Token | None = None

    # ---- what is shown

    def atomic(self) -> AbstractContextManager[object]:
        """Make all changes inside one: a reader sees all of them or none. May be nested.

        Other threads' changes, and all readers, wait meanwhile: be brief.
        """
        return self._store

    def lazy(self, name: str, pull: Pull, *, under: Node | None = None) -> Lazy:
        """Show what `pull()` answers, whenever it is refreshed, as a node; now, too.

        Closing it, or a node above it, ends that.
        """
        lazy = Lazy((under or self.root).child(name), pull)
        self._lazies.append(lazy)
        lazy.refresh(self._store)
        return lazy

    # ---- refreshing

    def refresh(self) -> None:
        """Pull everything that is lazy."""
        self._lazies = [each for each in self._lazies if each.node.shown]
        for lazy in self._lazies:
            lazy.refresh(self._store)
        self._store.set_word(REFRESHED, time.monotonic_ns())

    def refresh_every(self, port: Port, seconds: float) -> None:
        """Refresh now and every so often, for as long as `port` is served.

        What a process shows that hangs, or was killed, is as old as that at most.
        Raises: OutOfRange: no time. BadState: the port is closed, or another thread's.
        """
        if not 0.001 <= seconds <= 86400:
            raise OutOfRange(f"{seconds} seconds are not from 0.001 to 86400")
        port.check()
        self._stop()

        def tick() -> None:
            self._token = port.deadlines.add(seconds, tick)
            self.refresh()

        self._store.set_word(PERIOD, round(seconds * 1e9))
        self._port = port
        tick()

    def _stop(self) -> None:
        if self._port is not None and self._token is not None:
            self._port.deadlines.drop(self._token)
        self._port = self._token = None

    # ---- life

    def duplicate_vmo(self) -> Vmo:
        """Answer a read-only handle to the tree, for whoever is to keep or read it.

        The caller owns it. Raises: BadHandle: closed. NoResources.
        """
        return self._store.duplicate()

    def statistics(self) -> dict[str, int]:
        """Count the bytes in use, and what found no room."""
        return {"used_bytes": self._store.used_bytes, "dropped": self._store.dropped}

    def close(self) -> None:
        """Stop refreshing and let go; the tree stays as it is for those who hold it. Idempotent.

        Handles of properties may be used on, and show nothing.
        Raises: BadState: inside `atomic`.
        """
        self._store.retire()
        self._stop()
        self._lazies.clear()
        self.root.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
