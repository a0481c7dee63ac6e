"""Our own rows: typed calls on every loop, with handlers that wait and that do not.

Each in pure Python and with the extension in C, and some that look for news for a while before
they sleep.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.bench.perf.row import Driver, Kind, Measure, Row

BUSY_POLL_US = 50
ALL = frozenset(Measure)
BLOCKING = ALL - {
    Measure.EVENTS,
    Measure.FLIGHT_1,
    Measure.FLIGHT_64,
    Measure.FLIGHT_1000,
    Measure.CLIENTS_1,
    Measure.CLIENTS_1000,
    Measure.STALLED_0,
    Measure.STALLED_100,
}
CALLS = frozenset({Measure.ADD, Measure.ECHO, Measure.FLIGHT_64})
LOOPS: dict[str, dict[str, Any]] = {
    "asyncio": {"backend": "asyncio"},
    "uvloop": {"backend": "asyncio", "backend_options": {"use_uvloop": True}},
    "trio": {"backend": "trio"},
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a row talks."""

    loop: str
    """A key of LOOPS, or `blocking`."""
    waiting: bool = False
    """True where handlers are `async def`."""
    busy_poll_us: int = 0
    pure: bool = True
    """False where the extension in C is at work."""


def serve(style: Style, address: str, ready: Callable[[], None]) -> None:
    from scripts.bench.perf import own_server

    _check(style)
    if style.loop == "blocking":
        own_server.serve_blocking(address, ready, _blocking_port(style))
        return
    server = own_server.WaitingServer if style.waiting else own_server.PlainServer
    own_server.serve_awaited(address, ready, server, _open_port(style), LOOPS[style.loop])


def connect(style: Style, address: str) -> Driver:
    from scripts.bench.perf import own_client

    _check(style)
    if style.loop == "blocking":
        return own_client.BlockingDriver(address, _blocking_port(style))
    if style.loop == "trio":
        return own_client.TrioDriver(address, _open_port(style))
    factory: Callable[[], Any] | None = None
    if style.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    return own_client.AsyncioDriver(address, _open_port(style), factory)


def _check(style: Style) -> None:
    """Make sure that what runs is what the row's name says."""
    from ipcrt._speedups.chosen import ACTIVE

    if ACTIVE is style.pure:
        raise RuntimeError("this process has the wrong one of the pure and the C twins")


def _options(style: Style) -> dict[str, Any]:
    return {"busy_poll_us": style.busy_poll_us} if style.busy_poll_us else {}


def _open_port(style: Style) -> Callable[[], Any]:
    from ipcrt.port.aport import open_port

    return functools.partial(open_port, **_options(style))


def _blocking_port(style: Style) -> Callable[[], Any]:
    from ipcrt.port.blocking import BlockingPort

    return functools.partial(BlockingPort, **_options(style))


def _unfit(style: Style) -> str | None:
    if not style.pure and importlib.util.find_spec("ipcrt._speedups._native") is None:
        return "the extension in C is not built"
    if style.busy_poll_us:
        from ipcrt.port.aport import open_port
        from ipcrt.port.blocking import BlockingPort

        port: Any = BlockingPort if style.loop == "blocking" else open_port
        if "busy_poll_us" not in inspect.signature(port).parameters:
            return "no busy_poll_us yet"
    return None


def _row(name: str, style: Style, measures: frozenset[Measure]) -> Row:
    return Row(
        name=f"ipcrt {name} {'pure' if style.pure else 'C'}",
        kind=Kind.OWN,
        measures=measures,
        serve=functools.partial(serve, style),
        connect=functools.partial(connect, style),
        requires=(style.loop,) if style.loop in ("uvloop", "trio") else (),
        environment={"IPCRT_PURE": "1" if style.pure else "0"},
        unfit=functools.partial(_unfit, style),
    )


STYLES = {
    "uvloop def": (Style("uvloop"), ALL),
    "uvloop async def": (Style("uvloop", waiting=True), CALLS),
    "uvloop def busy-poll": (Style("uvloop", busy_poll_us=BUSY_POLL_US), CALLS),
    "blocking": (Style("blocking"), BLOCKING),
    "blocking busy-poll": (
        Style("blocking", busy_poll_us=BUSY_POLL_US),
        CALLS - {Measure.FLIGHT_64},
    ),
    "asyncio def": (Style("asyncio"), ALL),
    "trio def": (Style("trio"), ALL),
}
ROWS = tuple(
    _row(name, dataclasses.replace(style, pure=pure), measures)
    for name, (style, measures) in STYLES.items()
    for pure in (True, False)
)
