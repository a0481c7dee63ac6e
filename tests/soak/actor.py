"""The actors of a scene: `python -m tests.soak.actor NAME TALLY PLACE LOOP`.

Each does the same thing for ever, until it is killed. Whoever it needs may be killed, too: then it
begins again, as soon as it can. Everything else that goes wrong ends it with a traceback.
$IPCRT_LOCATOR says where the locator is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import anyio

from tests.soak.drawing import draw, read_poses
from tests.soak.opening import GONE
from tests.soak.storing import Keeper, Visitor
from tests.soak.streaming import consume, produce
from tests.soak.tally import Tally

_PAUSE_S = 0.005


def go_on(play: Callable[[Tally], None], tally: Tally) -> None:
    """Play; begin again whenever somebody is gone."""
    while True:
        try:
            play(tally)
        except GONE as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            tally.fail()
            time.sleep(_PAUSE_S)


def awaited(
    play: Callable[[Tally], Coroutine[Any, Any, None]], loop: str
) -> Callable[[Tally], None]:
    """Make a part for `go_on` of one that is awaited."""
    backend = "trio" if loop == "trio" else "asyncio"
    options = {"use_uvloop": True} if loop == "uvloop" else {}

    def run(tally: Tally) -> None:
        anyio.run(play, tally, backend=backend, backend_options=options)

    return run


PARTS: dict[str, Callable[[Tally], None]] = {
    "artist.fence": partial(draw, way="fence"),
    "artist.line": partial(draw, way="line"),
    "artist.plain": partial(draw, way="plain"),
    "poses": read_poses,
    "keeper": Keeper().run,
    "producer": produce,
}

AWAITED: dict[str, Callable[[Tally], Coroutine[Any, Any, None]]] = {
    "visitor": Visitor().run,
    "consumer": consume,
}

if __name__ == "__main__":
    _, name, path, place, loop = sys.argv
    go_on(PARTS.get(name) or awaited(AWAITED[name], loop), Tally(path, int(place)))
