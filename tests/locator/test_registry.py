from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.locator.protocol import Outgoing, OutgoingProxy
from ipcrt.locator.registry import Registration, Registry
from ipcrt.port.aport import AsyncPort, open_port
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio


class Services:
    """Registrations, and the services' ends of their channels."""

    def __init__(self, port: AsyncPort) -> None:
        self._port = port
        self._ends: list[ServerEnd[Outgoing]] = []

    def make(self, *names: str, uid: int = 0) -> Registration:
        client, server = create_endpoints(Outgoing)
        self._ends.append(server)
        return Registration(names, OutgoingProxy(client, self._port), uid)

    async def die(self, registration: Registration) -> None:
        self._ends[-1].close()
        await wait_until_async(lambda: registration.outgoing.closed)

    def close(self) -> None:
        for end in self._ends:
            end.close()


@asynccontextmanager
async def opened() -> AsyncGenerator[tuple[Registry, Services]]:
    async with open_port() as port:
        registry, services = Registry(), Services(port)
        try:
            yield registry, services
        finally:
            registry.close()
            services.close()


async def test_names_lead_to_their_service() -> None:
    async with opened() as (registry, services):
        first = services.make("b/One", "a/Two")
        second = services.make("c/Three")
        registry.add(first)
        registry.add(second)
        assert registry.find("a/Two") is first
        assert registry.find("b/One") is first
        assert registry.find("c/Three") is second
        assert registry.find("d/Four") is None
        assert list(registry) == ["a/Two", "b/One", "c/Three"]
        assert len(registry) == 3


async def test_removing_withdraws_and_closes() -> None:
    async with opened() as (registry, services):
        service = services.make("a/One", "a/Two")
        registry.add(service)
        registry.remove(service)
        registry.remove(service)
        assert len(registry) == 0
        assert service.outgoing.closed


async def test_removing_leaves_a_successor() -> None:
    async with opened() as (registry, services):
        old, new = services.make("a/One"), services.make("a/One")
        registry.add(old)
        registry.add(new)
        registry.remove(old)
        assert registry.find("a/One") is new


async def test_a_service_that_has_died_is_not_found() -> None:
    async with opened() as (registry, services):
        service = services.make("a/One", "a/Two")
        registry.add(service)
        await services.die(service)
        assert registry.find("a/Two") is None
        assert len(registry) == 0  # its other names went with it


async def test_sweeping_withdraws_those_that_nobody_asks_for() -> None:
    async with opened() as (registry, services):
        living, dead = services.make("a/One"), services.make("b/One", "b/Two")
        registry.add(living)
        registry.add(dead)
        await services.die(dead)
        registry.sweep()
        assert list(registry) == ["a/One"]


async def test_names_are_counted_by_uid() -> None:
    async with opened() as (registry, services):
        registry.add(services.make("a/One", "a/Two", uid=7))
        registry.add(services.make("b/One", uid=7))
        registry.add(services.make("c/One", uid=8))
        assert [registry.names_of(uid) for uid in (7, 8, 9)] == [3, 1, 0]


async def test_closing_withdraws_everything() -> None:
    async with opened() as (registry, services):
        service = services.make("a/One", "a/Two")
        registry.add(service)
        registry.close()
        registry.close()
        assert len(registry) == 0
        assert service.outgoing.closed
