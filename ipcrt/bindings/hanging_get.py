"""HangingGet: state that clients watch, each with a call that is answered when it has changed.

    class LampServer(LampServerBase):
        def __init__(self, colour: HangingGet[Colour]) -> None:
            self._colour = colour.watcher()

        def watch_colour(self) -> Answer[WatchColourResponse]:
            return self._colour.answer(WatchColourResponse)

1. A client's first watch is answered at once, a later one when the state has changed since this
   client's last answer. What changes several times meanwhile is told once, as it is then: a slow
   client costs no memory.
2. One watch at a time: a second one before the answer is `Misuse`, and ends that client only. So
   a client watches with `timeout=None`; one that no longer wants to know closes its channel.
3. A watcher that does not wait is known to nobody, so it can be dropped. One whose call ends
   unanswered is forgotten, and has missed nothing.
Source: FIDL API Rubric, "Delay responses using hanging gets".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from ipcrt.bindings.completer import Completer
from ipcrt.bindings.misuse import Misuse
from ipcrt.port.aport import AsyncPort
from ipcrt.port.waiter import Waiter

T = TypeVar("T")
ResponseT = TypeVar("ResponseT")


class HangingGet(Generic[T]):
    """The state: one publisher, any number of watchers. Used on one thread."""

    __slots__ = ("_generation", "_value", "_waiting")

    def __init__(self, value: T) -> None:
        self._value = value
        self._generation = 1
        self._waiting: dict[Watcher[T], Callable[[T], None]] = {}

    @property
    def value(self) -> T:
        """The state as it is now."""
        return self._value

    @property
    def generation(self) -> int:
        """How many values there have been, this one included."""
        return self._generation

    def publish(self, value: T) -> None:
        """Change the state, and tell all who wait; even a value equal to the last is news."""
        self._value = value
        self._generation += 1
        waiting, self._waiting = self._waiting, {}
        for watcher, deliver in waiting.items():
            watcher.seen = self._generation
            deliver(value)

    def watcher(self) -> Watcher[T]:
        """Answer one client's view of the state."""
        return Watcher(self)

    def park(self, watcher: Watcher[T], deliver: Callable[[T], None]) -> None:
        """Call `deliver` with the next value. Raises: Misuse: the watcher waits already."""
        if watcher in self._waiting:
            raise Misuse("a second watch before the first was answered")
        self._waiting[watcher] = deliver

    def forget(self, watcher: Watcher[T]) -> None:
        """Call nobody for `watcher`; harmless where it does not wait."""
        self._waiting.pop(watcher, None)

    def statistics(self) -> dict[str, int]:
        """Count those who wait."""
        return {"waiting": len(self._waiting)}


class Watcher(Generic[T]):
    """What one client has seen of a state; make one for each client and method."""

    __slots__ = ("_state", "seen")

    def __init__(self, state: HangingGet[T]) -> None:
        self._state = state
        self.seen = 0
        """The generation that the client was told last."""

    def answer(self, make: Callable[[T], ResponseT]) -> Completer[ResponseT]:
        """Answer a watch with `make(value)`, now or later; a handler returns the completer.

        Raises: Misuse: rule 2.
        """
        before = self.seen

        def canceled() -> None:
            self._take_back(before)

        completer = Completer[ResponseT](canceled)

        def deliver(value: T) -> None:
            try:
                response = make(value)
            except Exception as error:  # noqa: BLE001  (it is this call's, as a handler's would be)
                completer.fail(error)
            else:
                completer.reply(response)

        self._next(deliver)
        return completer

    async def wait(self, port: AsyncPort) -> T:
        """Await what the client has not seen; for an `async def` handler.

        Raises: Misuse: rule 2. Canceled: the port was closed meanwhile.
        """
        if port.strict:
            await port.checkpoint()
        before = self.seen
        waiter: Waiter[T] = port.create_waiter()

        def deliver(value: T) -> None:
            if not waiter.done():
                waiter.set_result(value)

        self._next(deliver)
        try:
            return await port.wait_result(waiter)
        except BaseException:
            self._take_back(before)
            raise

    def _next(self, deliver: Callable[[T], None]) -> None:
        state = self._state
        if self.seen == state.generation:
            state.park(self, deliver)
        else:
            self.seen = state.generation
            deliver(state.value)

    def _take_back(self, seen: int) -> None:
        """A watch has ended unanswered (rule 3)."""
        self._state.forget(self)
        self.seen = seen
