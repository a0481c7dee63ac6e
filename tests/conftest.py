"""What every test gets: the leak check, real child processes, and the three event loops."""

from __future__ import annotations

import signal

import pytest

pytest_plugins = ["tests.support.leaks", "tests.support.processes"]


def pytest_configure() -> None:
    """Take Ctrl-C back where a shell's `&` or nohup gave it away: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
