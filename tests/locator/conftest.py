"""What the locator's tests get: a stage on which locator, services and clients are processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.locator.stage import Stage
from tests.support.processes import Spawner


@pytest.fixture
def stage(tmp_path: Path, spawn_python: Spawner) -> Iterator[Stage]:
    """A socket path, and the means to start a locator and services there."""
    built = Stage(tmp_path, spawn_python)
    yield built
    built.close()
