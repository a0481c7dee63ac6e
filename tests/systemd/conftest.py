from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.box import Box


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with the project installed, the same for all tests: leave no unit of yours in it."""
    state = tmp_path_factory.mktemp("systemd") / "box"
    running = Box(state, "--install", "--python", sys.executable)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "box"


@pytest.fixture
def empty_box(state: Path) -> Iterator[Box]:
    """A box of this test's own, with nothing installed."""
    running = Box(state)
    try:
        yield running
    finally:
        running.close()
