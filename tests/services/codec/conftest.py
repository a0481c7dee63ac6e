from __future__ import annotations

import pytest


@pytest.fixture
def server_loop(anyio_backend: tuple[str, dict[str, bool]]) -> str:
    """The loop of the service's process: the same as the test's."""
    name, options = anyio_backend
    return "uvloop" if options else name


_PLAIN: dict[str, bool] = {}

HEAVY = pytest.mark.parametrize(
    "anyio_backend",
    [
        pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"),
        pytest.param(("asyncio", _PLAIN), id="asyncio", marks=pytest.mark.slow),
        pytest.param(("trio", _PLAIN), id="trio", marks=pytest.mark.slow),
    ],
)
"""For what takes seconds: one loop every day, the others among the slow tests."""
