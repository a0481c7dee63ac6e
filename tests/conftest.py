"""What every test gets: the leak check, real child processes, and the three event loops."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

import pytest

pytest_plugins = ["tests.support.leaks", "tests.support.processes"]


def pytest_configure() -> None:
    """Take Ctrl-C back where a shell's `&` or nohup gave it away: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_FIRST: Final = ("soak", "systemd", "services", "locator", "cli", "bindings")
"""Whose tests take longest, and often wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long in front, and what takes milliseconds behind.

    A worker that is given the last file of all then has little to do when the others are done.
    """
    here = Path(__file__).parent
    ranks = {name: rank for rank, name in enumerate(_FIRST)}

    def rank(item: pytest.Item) -> int:
        place = item.path.relative_to(here).parts
        return 0 if len(place) == 1 else ranks.get(place[0], len(_FIRST))

    items.sort(key=rank)


@pytest.fixture(
    params=[
        pytest.param(("asyncio", False), id="asyncio"),
        pytest.param(("asyncio", True), id="uvloop"),
        pytest.param(("trio", False), id="trio"),
    ]
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Run a test marked `anyio` once on each event loop."""
    name, use_uvloop = request.param
    return name, {"use_uvloop": True} if use_uvloop else {}
