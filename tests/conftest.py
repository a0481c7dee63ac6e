"""What every test gets: the leak check, real child processes, and the three event loops."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.support.leaks", "tests.support.processes"]


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
