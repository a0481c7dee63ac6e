"""Trees that hostile and honest services publish at a real locator."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.cli.trees import Told, fetch
from ipcrt.inspect.format import HEADER, MAGIC
from ipcrt.inspect.inspector import Inspector
from ipcrt.locator.connect import BlockingLocatorClient, connect_blocking
from ipcrt.locator.protocol import (
    Identity,
    LocatorBlockingProxy,
    LocatorGetTreeResponse,
    LocatorGetTreesResponse,
    Outgoing,
    Tree,
    TreeError,
    TreeFailed,
)
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from tests.support.processes import Child


@pytest.fixture
def client(path: Path, locator: Child) -> Generator[BlockingLocatorClient, None, None]:
    del locator
    with connect_blocking(path) as made:
        yield made


@contextmanager
def registered(client: BlockingLocatorClient, *names: str) -> Generator[None, None, None]:
    near, far = create_endpoints(Outgoing)
    with far:
        client.proxy.register(list(names), near)
        yield


def publish(client: BlockingLocatorClient, name: str, content: bytes, tree: str = "t") -> None:
    with Vmo.from_bytes(content) as vmo:
        vmo.seal(Seals.SHRINK | Seals.GROW)
        client.proxy.publish(name, tree, vmo)


def found(client: BlockingLocatorClient, pattern: str | None = None) -> list[Told]:
    return fetch(client.proxy, pattern, 10)


def test_a_hostile_tree_is_told_of_and_hurts_nobody(client: BlockingLocatorClient) -> None:
    torn = HEADER.pack(MAGIC, 1, 1, 64, 0, 0, 0, 0)
    far = HEADER.pack(MAGIC, 1, 0, 1 << 20, 0, 0, 0, 0)
    with registered(client, "a/Evil", "a/Good"):
        publish(client, "a/Evil", b"garbage", "g")
        publish(client, "a/Evil", torn, "t")
        publish(client, "a/Evil", far, "f")
        with Inspector() as inspector, inspector.duplicate_vmo() as vmo:
            inspector.root.int("i", 3)
            client.proxy.publish("a/Good", "t", vmo)
        garbage, half, beyond, good = found(client)
    assert garbage.error == "7 bytes are not from 64 to 1048576"
    assert half.snapshot is not None
    assert half.snapshot.torn
    assert "exceed" in beyond.error
    assert good.snapshot is not None
    assert good.snapshot.root.find("i") == 3


def test_a_pattern_chooses_services(client: BlockingLocatorClient) -> None:
    with registered(client, "a/One", "b/Two"):
        publish(client, "a/One", b"x")
        publish(client, "b/Two", b"x")
        assert [told.tree.service for told in found(client)] == ["a/One", "b/Two"]
        assert [told.tree.service for told in found(client, "b/*")] == ["b/Two"]
        assert [told.tree.service for told in found(client, "a/One")] == ["a/One"]
        assert found(client, "c/*") == []


class _Pages:
    """A locator that answers two trees a page."""

    def __init__(self, count: int) -> None:
        who = Identity(1, 2, 3)
        self._trees = [Tree(index + 1, "a/B", "t", who, True, 0) for index in range(count)]

    def get_trees(self, after: int, *, timeout: float | None) -> LocatorGetTreesResponse:
        del timeout
        return LocatorGetTreesResponse([each for each in self._trees if each.number > after][:2])

    def get_tree(self, number: int, *, timeout: float | None) -> LocatorGetTreeResponse:
        del timeout
        if number == 2:
            raise TreeFailed(TreeError.NOT_FOUND)
        if number == 3:
            raise TreeFailed(TreeError.NO_RESOURCES)
        return LocatorGetTreeResponse(Vmo.create(1))


def test_all_pages_are_fetched_and_what_has_gone_meanwhile_is_left_out() -> None:
    told = fetch(cast("LocatorBlockingProxy", _Pages(5)), None, 10)
    assert [each.tree.number for each in told] == [1, 3, 4, 5]
    assert "NO_RESOURCES" in told[1].error
