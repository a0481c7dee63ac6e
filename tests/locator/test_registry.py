from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ipcrt.bindings.ends import ServerEnd, create_endpoints
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import LOCATOR_GET_ENTRIES, Outgoing, OutgoingProxy
from ipcrt.locator.registry import Registration, Registry
from ipcrt.objects.process import Process
from ipcrt.port.aport import AsyncPort, open_port
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

ALL = Namespace(("*",), ("*",))


class Services:
    """Registrations, and the services' ends of their channels."""

    def __init__(self, port: AsyncPort) -> None:
        self._port = port
        self._ends: list[ServerEnd[Outgoing]] = []

    def make(self, *names: str, uid: int = 0) -> Registration:
        client, server = create_endpoints(Outgoing)
        self._ends.append(server)
        process = Process.open(os.getpid())
        return Registration(names, OutgoingProxy(client, self._port), uid, process)

    async def die(self, registration: Registration) -> None:
        self._ends[-1].close()
        await wait_until_async(lambda: registration.outgoing.closed)

    def close(self) -> None:
        for end in self._ends:
            end.close()


def names(registry: Registry, namespace: Namespace = ALL) -> list[str]:
    return [entry.name for entry in registry.listing(namespace).entries]


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
        assert names(registry) == ["a/Two", "b/One", "c/Three"]
        assert len(registry) == 3


async def test_removing_withdraws_and_closes() -> None:
    async with opened() as (registry, services):
        service = services.make("a/One", "a/Two")
        registry.add(service)
        registry.remove(service)
        registry.remove(service)
        assert len(registry) == 0
        assert service.outgoing.closed
        assert service.process.closed


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
        assert names(registry) == ["a/One"]
        assert len(registry) == 1


async def test_one_user_cannot_take_all_names() -> None:
    async with opened() as (registry, services):
        registry.add(services.make("a/One", "a/Two", uid=7))
        registry.add(services.make("b/One", uid=7))
        assert registry.has_room(["a/Three"], uid=7, names_per_uid=4)
        assert not registry.has_room(["a/Three", "a/Four"], uid=7, names_per_uid=4)
        assert registry.has_room(["a/Three", "a/Four"], uid=8, names_per_uid=4)


async def test_all_names_together_fit_a_packet() -> None:
    async with opened() as (registry, services):
        assert registry.has_room([f"a/{number}" for number in range(1024)], 7, 2000)
        assert not registry.has_room([f"a/{number}" for number in range(1025)], 7, 2000)
        long = ["a/" + "\u20ac" * 83 + f"{number:03}" for number in range(300)]  # of 254 bytes
        fitting = 60_000 // (254 + 5)
        assert registry.has_room(long[:fitting], 7, 2000)
        assert not registry.has_room(long[: fitting + 1], 7, 2000)
        registry.add(services.make(*long[:fitting]))
        assert not registry.has_room(["a/One", "a/Two", "a/Three"] * 50, 7, 2000)
        body, _ = LOCATOR_GET_ENTRIES.response.encode(registry.listing(ALL))
        assert len(body) < 65_520


async def test_a_listing_is_what_a_namespace_lets_see() -> None:
    async with opened() as (registry, services):
        registry.add(services.make("b/One", "a/Two", "a/One"))
        assert names(registry) == ["a/One", "a/Two", "b/One"]
        assert names(registry, Namespace(("a/*",), ())) == ["a/One", "a/Two"]
        assert names(registry, Namespace((), ("*",))) == []


async def test_a_listing_follows_every_change() -> None:
    async with opened() as (registry, services):
        assert names(registry) == []
        first = services.make("a/One")
        registry.add(first)
        assert names(registry) == ["a/One"]
        second = services.make("a/Two")
        registry.add(second)
        assert names(registry) == ["a/One", "a/Two"]
        registry.remove(first)
        assert names(registry) == ["a/Two"]
        await services.die(second)
        assert names(registry) == []


async def test_listings_are_kept_but_not_without_end() -> None:
    async with opened() as (registry, services):
        registry.add(services.make("a/One"))
        assert registry.listing(ALL) is registry.listing(Namespace(("*",), ("*",)))
        for number in range(1000):
            registry.listing(Namespace((f"{number}/*",), ()))
        assert len(registry._listings) <= 64


async def test_closing_withdraws_everything() -> None:
    async with opened() as (registry, services):
        service = services.make("a/One", "a/Two")
        registry.add(service)
        registry.close()
        registry.close()
        assert len(registry) == 0
        assert service.outgoing.closed


async def test_whoever_is_withdrawn_is_told_once() -> None:
    told: list[Registration] = []
    async with opened() as (_, services):
        registry = Registry(told.append)
        first, second = services.make("a/One"), services.make("a/Two")
        registry.add(first)
        registry.add(second)
        registry.remove(first)
        registry.remove(first)
        assert told == [first]
        registry.close()
        assert told == [first, second]
