from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.objects.channel import Channel
from tests.support.processes import Child, Spawner


class Starter:
    """Starts services in processes of their own, each with some clients' channels."""

    def __init__(self, spawner: Spawner, stack: ExitStack) -> None:
        self._spawner = spawner
        self._stack = stack

    def __call__(
        self,
        service: str,
        directory: str | os.PathLike[str],
        *,
        clients: int = 1,
        loop: str = "uvloop",
        environment: dict[str, str] | None = None,
    ) -> tuple[Child, list[ClientEnd[Any]]]:
        """Start a service; answer it when it is ready, and the client ends of its channels."""
        with ExitStack() as theirs:
            ours: list[ClientEnd[Any]] = []
            fds: list[int] = []
            for _ in range(clients):
                client, server = Channel.create()
                theirs.enter_context(server)
                ours.append(ClientEnd(self._stack.enter_context(client)))
                self._stack.enter_context(ours[-1])
                fds.append(server.fileno())
            child = self._spawner.module(
                "tests.services.child",
                service,
                loop,
                directory,
                *fds,
                pass_fds=fds,
                environment=environment,
            )
        assert child.line() == "ready"
        return child, ours


@pytest.fixture
def start(spawn_python: Spawner) -> Iterator[Starter]:
    with ExitStack() as stack:
        yield Starter(spawn_python, stack)
