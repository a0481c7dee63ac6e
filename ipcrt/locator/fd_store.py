"""The supervisor's store: descriptors that outlive us, for whoever is started in our place.

1. What is put there is copied; ours stays ours. The supervisor hands the copies to our successor
   beside the listening socket, and lets go of them when it stops the unit for good.
2. A hung-up channel stays in the store (FDPOLL=0): what its client said last is still in it.
3. The supervisor says nothing when its store is full. So we count, against what we were told.
4. The first socket that was sent cannot be told from the last by its name: see `kept`.
Source: sd_notify(3), FDSTORE=1; FileDescriptorStoreMax= in systemd.service(5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ipcrt.locator.notify import Notifier
from ipcrt.objects.handle import Handle

KEPT: Final = "ipcrt-kept"
"""The name of all that is kept; `STATE` tells what each of them is."""

STATE: Final = "ipcrt-state"
"""The name of the VMO that tells what the others are."""

_BATCH: Final = 200
"""Descriptors in one message; the kernel takes 253. Source: SCM_MAX_FD in unix(7)."""


class FdStore:
    """Puts descriptors into the supervisor's store, and takes them out. Owns none."""

    def __init__(self, notifier: Notifier, capacity: int | None = None) -> None:
        """`capacity` is how many descriptors the supervisor keeps for us.

        None: as many as $FDSTORE says, which systemd sets from version 254 on.
        """
        self._notifier = notifier
        wanted = notifier.fd_store if capacity is None else capacity
        self.capacity: Final = wanted if notifier.address else 0
        """How many may be there at once; zero without a supervisor."""

    def put(self, kept: Sequence[Handle], state: Handle) -> int:
        """Have `kept` kept, the first of them first, and `state`, which tells what they are.

        Answers how many of `kept` were sent; those beyond will not be there again.
        """
        sent = 0
        room = max(0, self.capacity - 1)
        while sent < min(len(kept), room):
            batch = kept[sent : min(sent + _BATCH, room)]
            if not self._notifier.store(KEPT, [each.fileno() for each in batch]):
                break
            sent += len(batch)
        if sent and not self._notifier.store(STATE, [state.fileno()]):
            self.clear()
            return 0
        return sent

    def clear(self) -> None:
        """Have nothing kept any more."""
        for name in (STATE, KEPT):
            self._notifier.unstore(name)
