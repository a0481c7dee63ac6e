"""The blocking waits of the system-call surface; they need no port.

Source: zx_object_wait_one, zx_object_wait_many; poll(2).
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from typing import Final

from ipcrt.errors import InvalidArgs, TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.port.interrupter import Interrupter
from ipcrt.port.interrupts import Scope, current_scope, interrupted
from ipcrt.port.loop_here import refuse_on_loop
from ipcrt.port.signals import IN, Signals, events_for, observe

_LONGEST_SLEEP_S: Final = 86400.0
"""poll(2) counts milliseconds in an int; whoever sleeps longer wakes once a day."""
_LOOK_AGAIN_S: Final = 0.01
"""How often to look again while news that serves nobody keeps poll(2) from sleeping."""


def wait_one(
    handle: Handle,
    signals: Signals,
    timeout: float | None = None,
    interrupter: Interrupter | None = None,
) -> Signals:
    """Block until one of `signals` is up on `handle`; answer all that are.

    Needs no port. Raises: TimedOut, BadHandle, AccessDenied (no WAIT right); Canceled, BadState: as
    `wait_many`. Source: zx_object_wait_one.
    """
    return wait_many([(handle, signals)], timeout, interrupter)[0]


def wait_many(
    items: Sequence[tuple[Handle, Signals]],
    timeout: float | None = None,
    interrupter: Interrupter | None = None,
) -> list[Signals]:
    """Block until one of the handles has one of its signals; answer what is up on each.

    `timeout` in seconds; zero looks once. Unlike Zircon's, it does not notice when another thread
    closes a handle meanwhile. Raises: as `wait_one`; InvalidArgs: no handles. Canceled: interrupted
    through `interrupter`. BadState: an event loop runs in this thread.
    Source: zx_object_wait_many.
    """
    if not items:
        raise InvalidArgs("wait_many needs at least one handle")
    masks: dict[int, int] = {}
    for handle, signals in items:
        handle.require(Rights.WAIT, "wait")
        fd = handle.fileno()
        masks[fd] = masks.get(fd, 0) | events_for(signals)
    if timeout != 0:
        refuse_on_loop()
    scope = current_scope()
    if interrupter is not None:
        return _wait_interruptibly(items, masks, timeout, interrupter, scope)
    if scope is None or timeout == 0:
        return _wait_polling(items, masks, timeout)
    with Interrupter() as own:
        return _wait_interruptibly(items, masks, timeout, own, scope)


def _wait_interruptibly(
    items: Sequence[tuple[Handle, Signals]],
    masks: dict[int, int],
    timeout: float | None,
    interrupter: Interrupter,
    scope: Scope | None,
) -> list[Signals]:
    masks[interrupter.fileno()] = IN
    wait, waits = object(), interrupter.waits

    def go_on() -> bool:
        interrupter.hush()
        return wait in waits.going

    going = waits.going
    try:
        going[wait] = None
        if scope is not None:
            scope.enter(wait, waits)
        found = _wait_polling(items, masks, timeout, go_on)
    finally:
        whole = going.pop(wait, wait) is None  # rule 5 of `ipcrt.port.interrupts`
        if scope is not None:
            scope.leave(wait)
    if not whole:
        raise interrupted()
    return found


def _always() -> bool:
    return True


def _wait_polling(
    items: Sequence[tuple[Handle, Signals]],
    masks: dict[int, int],
    timeout: float | None,
    go_on: Callable[[], bool] = _always,
) -> list[Signals]:
    """Poll until one of `items` has its signal, or until `go_on()` is false."""
    poll = select.poll()
    for fd, events in masks.items():
        poll.register(fd, events)
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        rest = _LONGEST_SLEEP_S if until is None else until - time.monotonic()
        ready = poll.poll(max(0.0, min(rest, _LONGEST_SLEEP_S)) * 1000)
        if ready:
            found = [observe(handle, wanted) for handle, wanted in items]
            if any(up & wanted for up, (_, wanted) in zip(found, items, strict=True)):
                return found
            if not go_on():
                return []
        if rest <= 0:
            raise TimedOut(f"none of {len(items)} handles was signaled within {timeout} seconds")
        if ready:
            time.sleep(min(rest, _LOOK_AGAIN_S))
