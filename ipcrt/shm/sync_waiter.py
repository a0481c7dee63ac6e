"""TimelineWaiter: the end of a timeline that waits.

    waiter = TimelineWaiter.attach(vmo, doorbell)      what `TimelineSync.share` gave; owns both
    waiter.value
    waiter.wait(7, timeout)
    await waiter.wait_on(port, 7, timeout)
    waiter.close()

1. All timeouts are in seconds; None: for ever; zero: look once.
2. The signaller is not trusted: a value that goes back is its offence, and an error.
3. The bell is cleared before the value is read, which was written before the bell was rung: no
   wake-up is lost. What was reached before the signaller died, counts.
4. Used on one thread: another one's clearing would lose a wake-up.
"""

from __future__ import annotations

from typing import Final, Self

from ipcrt.errors import PeerClosed, RemoteProtocolError
from ipcrt.objects.eventpair import EventPair
from ipcrt.objects.handle import Handle
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.shm.sync_page import TimelinePage, attach_page
from ipcrt.shm.sync_steps import Steps, await_steps, run_steps

_RUNG: Final = Signals.SIGNALED | Signals.PEER_CLOSED


class TimelineWaiter:
    """The end of a timeline that waits; made by `attach`."""

    __slots__ = ("_bell", "_page", "_seen")

    def __init__(self, page: TimelinePage, bell: EventPair) -> None:
        """Own `bell`."""
        self._page = page
        self._bell = bell
        self._seen = page.value

    @classmethod
    def attach(cls, vmo: Handle, doorbell: Handle) -> Self:
        """Take what a signaller shared. It owns both handles, whatever happens.

        Raises: WrongType: no VMO, no event pair. RemoteProtocolError: not sealed, no timeline.
        """
        with vmo, doorbell:
            with vmo if isinstance(vmo, Vmo) else Vmo.from_handle(vmo) as memory:
                page = attach_page(memory)
            try:
                return cls(page, EventPair.from_handle(doorbell))
            except BaseException:
                page.close()
                raise

    @property
    def value(self) -> int:
        """How far the signaller has come.

        Raises: RemoteProtocolError: it has gone back (rule 2). BadHandle: closed.
        """
        self._bell.fileno()
        found = self._page.value
        if found < self._seen:
            raise RemoteProtocolError(f"the timeline went back from {self._seen} to {found}")
        self._seen = found
        return found

    def wait(self, value: int, timeout: float | None = None) -> None:
        """Block until the timeline has reached `value`.

        Raises: TimedOut. PeerClosed: the signaller is gone, and it did not. RemoteProtocolError:
        the timeline went back. BadHandle: closed.
        """
        run_steps(self._waiting(value), timeout, f"value {value}")

    async def wait_on(self, port: AsyncPort, value: int, timeout: float | None = None) -> None:
        """As `wait`, without stopping others. Raises: Canceled, too: closed meanwhile."""
        await await_steps(port, self._waiting(value), timeout, f"value {value}")

    def _waiting(self, value: int) -> Steps:
        gone = False
        while self.value < value:
            if gone:
                raise PeerClosed(f"the signaller is gone at {self._seen}, before {value}")
            (found,) = yield [(self._bell, _RUNG)]
            gone = bool(found & Signals.PEER_CLOSED)
            self._bell.clear()

    def close(self) -> None:
        """Stop waiting; a second close does nothing."""
        self._bell.close()
        self._page.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
