"""A wait on a sync handle, written once for threads and for event loops.

A wait is a generator: it yields handles and what to wait for on each, is sent what came up, and
returns when it has what it wanted.
"""

from __future__ import annotations

import time
from collections.abc import Generator

from ipcrt.errors import TimedOut
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import AsyncPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_many

Items = list[tuple[Handle, Signals]]
Steps = Generator[Items, list[Signals], None]


def run_steps(steps: Steps, timeout: float | None, what: str) -> None:
    """Take the steps in a plain thread. Raises: TimedOut: `what` did not come; and theirs."""
    until = None if timeout is None else time.monotonic() + timeout
    try:
        items = next(steps)
        left: float | None = None
        while left is None or left > 0:  # news that do not help must not outlast the timeout
            left = None if until is None else max(0.0, until - time.monotonic())
            items = steps.send(wait_many(items, left))
    except StopIteration:
        return
    except TimedOut:
        pass
    raise TimedOut(f"{what} has not come within {timeout} seconds")


async def await_steps(port: AsyncPort, steps: Steps, timeout: float | None, what: str) -> None:
    """Take the steps on an event loop. Raises: as `run_steps`; Canceled: closed meanwhile."""
    until = port.until(timeout)
    try:
        items = next(steps)
        left: float | None = None
        while left is None or left > 0:
            left = port.left(until)
            items = steps.send(await port.wait_many(items, left))
    except StopIteration:
        return
    except TimedOut:
        pass
    raise TimedOut(f"{what} has not come within {timeout} seconds")
