"""The scenes that the port's behaviours are played on, and the rule that nothing is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
import uvloop

from tests.port.scene import ALL_SCENES, ASYNC_SCENES, AsyncScene, Scene


@pytest.fixture(params=ALL_SCENES, ids=lambda kind: kind.name)
def scene(request: pytest.FixtureRequest) -> Scene:
    """A port on asyncio, uvloop, trio and a plain thread."""
    made: Scene = request.param()
    return made


@pytest.fixture(params=ASYNC_SCENES, ids=lambda kind: kind.name)
def loop_scene(request: pytest.FixtureRequest) -> AsyncScene:
    """A port on asyncio, uvloop and trio."""
    made: AsyncScene = request.param()
    return made


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """What runs coroutines on a loop that has no port yet."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


@pytest.fixture(autouse=True)
def _no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Fail a test that has an error logged which it does not clear from `caplog`."""
    yield
    records = caplog.get_records("call")
    errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert not errors, f"logged: {errors}"
