from __future__ import annotations

import pytest


@pytest.fixture
def server_loop(anyio_backend: tuple[str, dict[str, bool]]) -> str:
    """The loop of the service's process: the same as the test's."""
    name, options = anyio_backend
    return "uvloop" if options else name
