"""SpillMemory: memory that long messages travel through, kept for the next ones.

Filling a fresh memfd is bound by page faults, and mapping one for a single message nearly as much.
A sender keeps memfds that it has filled before, a receiver the mappings of those that came before.

1. A memfd serves one channel. Two peers never have the same one, so none can read what another is
   sent. Before it is shared it is sealed against resizing and against writing, but through the
   mapping that its maker has: no holder, present or past, can change what another is about to
   read, not even after opening it again (F_SEAL_FUTURE_WRITE). Who once held the other end may
   have kept the memfd and read on, just as it may have kept the end, and peek.
2. With the memfd goes a *lease descriptor*, which the receiver closes when it has copied the
   data. The sender asks the kernel whether anybody still has one, by taking a lease on the file,
   which it drops at once. Nobody's word is trusted: a receiver that dies, a message that is never
   read or could not be sent gives the memfd back as well; who keeps the descriptor only keeps that
   memfd from being used again; who opens another one reads its own messages early.
3. A receiver maps only what is sealed against shrinking, so that no access can raise SIGBUS; and
   copies each byte once before it is looked at, since the sender may write at any moment.
4. What was not used for a while is given up, as long as the port is served, and so is the oldest
   where there is too much: at most 128 MiB are kept for sending and 128 MiB mapped for receiving,
   by each port.
Source: F_ADD_SEALS, F_SETLEASE and F_SETSIG in fcntl(2); memfd_create(2).
"""

from __future__ import annotations

import collections
import fcntl
import mmap
import os
from collections.abc import Callable
from typing import Final

from ipcrt.errors import IpcError
from ipcrt.objects._fd import close_fd, create_memfd
from ipcrt.objects.seals import Seals, add_seals, seals_of

MAX_POOLED_BYTES: Final = 128 << 20
"""Memory kept for sending, at most, and just as much mapped for receiving."""
IDLE_SECONDS: Final = 2.0
"""How long what is not used is kept; at most twice as long."""

_MAX_SLOTS: Final = 16
"""Memfds kept for sending, each with three descriptors, and as many mapped, with one each."""
_MAX_SLOTS_OF_ONE_SIZE: Final = 8
"""For one channel. With more messages of a size unread, further ones get a fresh memfd each."""
_MAX_TRIES: Final = 3
"""Memfds looked at before a further one is made: messages are read in order, mostly."""
_SEALS: Final = Seals.SEAL | Seals.SHRINK | Seals.GROW | Seals.FUTURE_WRITE

Later = Callable[[float, Callable[[], None]], object]


class Slot:
    """One memfd of the pool, mapped for writing."""

    __slots__ = ("_mapping", "capacity", "fd", "owner", "used", "view", "watch")

    def __init__(self, owner: int, capacity: int) -> None:
        """Raises: IpcError, OSError: there are no such memfds here; nothing is left."""
        self.owner = owner
        self.capacity = capacity
        self.used = True
        self.fd = self.watch = -1
        self.fd = create_memfd("ipcrt-spill")
        try:
            os.ftruncate(self.fd, capacity)
            self._mapping = mmap.mmap(self.fd, capacity)
            add_seals(self.fd, _SEALS)
            self.watch = _reopen(self.fd)
            # Whoever opens the file in the moment of `is_free` has a signal sent to us. Unless
            # told otherwise that is SIGIO, which kills; nobody notices this one.
            fcntl.fcntl(self.watch, fcntl.F_SETSIG, _harmless_signal())
        except BaseException:
            self._close_fds()
            raise
        self.view = memoryview(self._mapping)

    def is_free(self) -> bool:
        """True where nobody else has a lease descriptor (rule 2)."""
        try:
            fcntl.fcntl(self.watch, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(self.watch, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:  # also where leases are forbidden, or our user id has changed
            return False
        return True

    def open_lease(self) -> int:
        """Open a lease descriptor; the caller owns it. Raises: OSError."""
        return _reopen(self.watch)

    def close(self) -> None:
        """Give the memory up; receivers keep theirs."""
        self.view.release()
        self._mapping.close()
        self._close_fds()

    def _close_fds(self) -> None:
        fds, self.fd, self.watch = (self.fd, self.watch), -1, -1
        for fd in fds:
            if fd >= 0:
                close_fd(fd)


class _Mapped:
    """A peer's memfd, mapped for reading."""

    __slots__ = ("_mapping", "size", "used", "view")

    def __init__(self, fd: int, size: int) -> None:
        """Raises: OSError, ValueError."""
        self._mapping = mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ)
        self.view = memoryview(self._mapping)
        self.size = size
        self.used = True

    def close(self) -> None:
        self.view.release()
        self._mapping.close()


class SpillMemory:
    """What one port's channels keep; used on its thread only."""

    __slots__ = ("_armed", "_later", "_mapped", "_slots", "mapped_bytes", "pooled_bytes")

    def __init__(self, later: Later) -> None:
        """`later(seconds, what)` calls `what` after that time."""
        self._later = later
        self._armed = False
        # Those used last stand last.
        self._slots: collections.OrderedDict[Slot, None] = collections.OrderedDict()
        self._mapped: collections.OrderedDict[tuple[int, int], _Mapped] = collections.OrderedDict()
        self.pooled_bytes = 0
        """Kept for sending, in flight or not."""
        self.mapped_bytes = 0
        """Mapped for receiving."""

    # ---- sending

    def take(self, owner: int, size: int) -> Slot | None:
        """Find or make a memfd for `size` bytes on the channel `owner`; it stays ours.

        None where there is none to be had: then a fresh one has to do.
        """
        capacity = _capacity(size)
        if capacity > MAX_POOLED_BYTES:
            return None
        fitting = [s for s in self._slots if s.owner == owner and s.capacity == capacity]
        for slot in fitting[:_MAX_TRIES]:
            if slot.is_free():
                slot.used = True
                self._slots.move_to_end(slot)
                return slot
        if len(fitting) >= _MAX_SLOTS_OF_ONE_SIZE:
            return None
        while self._slots and (
            len(self._slots) >= _MAX_SLOTS or self.pooled_bytes + capacity > MAX_POOLED_BYTES
        ):
            self._drop_slot(next(iter(self._slots)))
        return self._add_slot(owner, capacity)

    def forget(self, owner: int) -> None:
        """Give up what a channel that has ended had for itself."""
        for slot in [slot for slot in self._slots if slot.owner == owner]:
            self._drop_slot(slot)

    def _add_slot(self, owner: int, capacity: int) -> Slot | None:
        try:
            slot = Slot(owner, capacity)
        except (IpcError, OSError):
            return None
        self._slots[slot] = None
        self.pooled_bytes += capacity
        self._arm()
        return slot

    def _drop_slot(self, slot: Slot) -> None:
        del self._slots[slot]
        self.pooled_bytes -= slot.capacity
        slot.close()

    # ---- receiving

    def map(self, fd: int, size: int) -> memoryview | None:
        """Show at least `size` bytes of a peer's VMO, good until the next call here.

        None where it cannot be mapped safely (rule 3), or not at all.
        Raises: OSError.
        """
        status = os.fstat(fd)
        key = (status.st_dev, status.st_ino)  # cannot be another file's while we have it mapped
        mapped = self._mapped.get(key)
        if mapped is None:
            mapped = self._add_mapped(key, fd, status.st_size)
            if mapped is None:
                return None
        mapped.used = True
        self._mapped.move_to_end(key)
        return mapped.view if mapped.size >= size else None

    def _add_mapped(self, key: tuple[int, int], fd: int, size: int) -> _Mapped | None:
        if not 0 < size <= MAX_POOLED_BYTES or not _is_safe(fd):
            return None
        while self._mapped and (
            len(self._mapped) >= _MAX_SLOTS or self.mapped_bytes + size > MAX_POOLED_BYTES
        ):
            self._drop_mapped(next(iter(self._mapped)))
        try:
            mapped = self._mapped[key] = _Mapped(fd, size)
        except (OSError, ValueError):
            return None
        self.mapped_bytes += size
        self._arm()
        return mapped

    def _drop_mapped(self, key: tuple[int, int]) -> None:
        mapped = self._mapped.pop(key)
        self.mapped_bytes -= mapped.size
        mapped.close()

    # ---- giving up

    def shrink(self) -> None:
        """Give up what was not used since the last time."""
        self._armed = False
        for slot in list(self._slots):
            if not slot.used:
                self._drop_slot(slot)
            slot.used = False
        for key, mapped in list(self._mapped.items()):
            if not mapped.used:
                self._drop_mapped(key)
            mapped.used = False
        self._arm()

    def _arm(self) -> None:
        if not self._armed and (self._slots or self._mapped):
            self._armed = True
            self._later(IDLE_SECONDS, self.shrink)

    def close(self) -> None:
        """Give up everything; what comes later is kept again."""
        for slot in list(self._slots):
            self._drop_slot(slot)
        for key in list(self._mapped):
            self._drop_mapped(key)


def _capacity(size: int) -> int:
    """Round up, so that sizes that differ a little share memfds: by an eighth at most."""
    step = 1 << max(16, size.bit_length() - 4)
    return -(-size // step) * step


def _is_safe(fd: int) -> bool:
    """True for what can never become shorter, nor lack memory (rule 3). Raises: OSError."""
    try:
        sealed = Seals.SHRINK in seals_of(fd)
    except IpcError:
        return False
    return sealed and os.fstatvfs(fd).f_bsize <= mmap.PAGESIZE


def _harmless_signal() -> int:
    from signal import SIGURG  # which makes enums of all signals; most processes spill nothing

    return SIGURG


def _reopen(fd: int) -> int:
    """Open the file again, for reading; a lease that another might hold makes no one wait."""
    return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
