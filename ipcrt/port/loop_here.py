"""Loop here: refuse to block a thread in which an event loop runs.

Whatever would end the wait may have to run on that very loop; at best it stands still meanwhile.
"""

from __future__ import annotations

import sys

from ipcrt.errors import BadState


def loop_runs_here() -> bool:
    """True where an event loop runs in this thread: asyncio's, uvloop's or trio's.

    Loads none of them: what is not loaded does not run.
    """
    modules = sys.modules
    events = modules.get("asyncio.events")
    if events is not None:
        try:
            if events._get_running_loop() is not None:  # noqa: SLF001  (asyncio names it for others)
                return True
        except AttributeError:
            pass  # it is being loaded
    trio = modules.get("trio.lowlevel")
    if trio is None:
        return False
    in_task = getattr(trio, "in_trio_task", None)
    return in_task is not None and in_task()


def refuse_on_loop() -> None:
    """Raise BadState where a wait would block an event loop."""
    if loop_runs_here():
        raise BadState(
            "a blocking wait would stop the event loop that runs in this thread: "
            "await the async twin, or executor.call_blocking(...)"
        )
