"""What the locator's tests get: a stage on which locator, services and clients are processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.locator.stage import Stage
from tests.locator.supervisor import Supervise, Supervisor
from tests.support.processes import Spawner


@pytest.fixture
def stage(tmp_path: Path, spawn_python: Spawner) -> Iterator[Stage]:
    """A socket path, and the means to start a locator and services there."""
    built = Stage(tmp_path, spawn_python)
    yield built
    built.close()


@pytest.fixture
def supervise(stage: Stage) -> Iterator[Supervise]:
    """Starts locators under a supervisor that keeps 100 descriptors for them."""
    with contextlib.ExitStack() as stack:

        def make(*options: object, keep: int = 100, start: bool = True) -> Supervisor:
            made = Supervisor(stage, "--fd-store", keep, *options)
            stack.callback(made.close)
            if start:
                made.start()
            return made

        yield make
