from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ipcrt.errors import IpcError
from ipcrt.locator.keeper import Keeper, TreeLimits
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import MAX_TREES, Identity, PublishError, PublishFailed
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.blocking import BlockingPort

NOTHING = Namespace((), ())
ROOT = Identity(1, 0, 0)
ALICE = Identity(100, 61001, 61001)
BOB = Identity(200, 61002, 61002)
LIMITS = TreeLimits(tree_bytes=4096, of_service=2, of_uid=3, ended=4, ended_of_uid=2, keep_s=0.05)


@pytest.fixture
def port() -> Iterator[BlockingPort]:
    with BlockingPort() as made:
        yield made


@pytest.fixture
def keeper(port: BlockingPort) -> Iterator[Keeper]:
    made = Keeper(port, LIMITS)
    yield made
    made.close()


def publish(
    keeper: Keeper,
    owner: object,
    name: str = "t",
    who: Identity = ALICE,
    *,
    service: str = "a/B",
    content: bytes = b"x",
    seals: Seals = Seals.SHRINK | Seals.GROW,
) -> None:
    with Vmo.from_bytes(content) as vmo:
        vmo.seal(seals)
        keeper.publish(owner, service, name, who, vmo)


def told(keeper: Keeper, who: Identity = ROOT, namespace: Namespace = NOTHING) -> list[str]:
    return [
        f"{each.name}{'' if each.alive else ' ended'}" for each in keeper.listing(who, namespace, 0)
    ]


def test_a_tree_is_handed_out_for_reading_alone(keeper: Keeper) -> None:
    publish(keeper, "owner", content=b"content")
    [tree] = keeper.listing(ROOT, NOTHING, 0)
    assert (tree.service, tree.name, tree.publisher, tree.alive) == ("a/B", "t", ALICE, True)
    vmo = keeper.find(ROOT, NOTHING, tree.number)
    assert vmo is not None
    assert vmo.read(0, 7) == b"content"
    assert not vmo.rights & Rights.WRITE
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(vmo.fileno(), b"x", 0)


def test_only_root_the_same_user_and_whom_policy_names_may_see_it(keeper: Keeper) -> None:
    publish(keeper, "owner")
    [tree] = keeper.listing(ROOT, NOTHING, 0)
    named, others = Namespace((), (), ("a/*",)), Namespace(("*",), ("*",), ("b/*",))
    for who, namespace in ((ROOT, NOTHING), (ALICE, NOTHING), (BOB, named)):
        assert told(keeper, who, namespace) == ["t"]
        assert keeper.find(who, namespace, tree.number) is not None
    for namespace in (NOTHING, others):
        assert told(keeper, BOB, namespace) == []
        assert keeper.find(BOB, namespace, tree.number) is None
    assert keeper.find(ROOT, NOTHING, tree.number + 1) is None


@pytest.mark.parametrize(
    "content, seals, reason",
    [
        (b"x", Seals.NONE, PublishError.INVALID_TREE),
        (b"x", Seals.GROW, PublishError.INVALID_TREE),
        (b"x", Seals.SHRINK, PublishError.INVALID_TREE),
        (b"", Seals.SHRINK | Seals.GROW, PublishError.TOO_LARGE),
        (b"x" * 4097, Seals.SHRINK | Seals.GROW, PublishError.TOO_LARGE),
    ],
)
def test_what_might_not_stay_as_small_as_it_is_is_refused(
    keeper: Keeper, content: bytes, seals: Seals, reason: PublishError
) -> None:
    with pytest.raises(PublishFailed) as caught:
        publish(keeper, "owner", content=content, seals=seals)
    assert caught.value.error == reason
    assert keeper.statistics() == {"live": 0, "ended": 0}


def test_what_is_no_memory_is_refused(keeper: Keeper) -> None:
    with (
        Vmo(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)) as vmo,
        pytest.raises(PublishFailed) as caught,
    ):
        keeper.publish("owner", "a/B", "t", ALICE, vmo)
    assert caught.value.error == PublishError.INVALID_TREE


def test_what_cannot_be_opened_for_reading_alone_is_refused(keeper: Keeper) -> None:
    with Vmo.from_bytes(b"x") as vmo:
        vmo.seal(Seals.SHRINK | Seals.GROW)
        few = vmo.duplicate(Rights.READ | Rights.WRITE)
        with few, pytest.raises(PublishFailed) as caught:
            keeper.publish("owner", "a/B", "t", ALICE, few)
    assert caught.value.error == PublishError.INVALID_TREE
    assert isinstance(caught.value, IpcError)


def test_the_same_name_replaces(keeper: Keeper) -> None:
    publish(keeper, "owner", content=b"old")
    [old] = keeper.listing(ROOT, NOTHING, 0)
    publish(keeper, "owner", content=b"new")
    [new] = keeper.listing(ROOT, NOTHING, 0)
    assert new.number > old.number
    assert keeper.find(ROOT, NOTHING, old.number) is None


def test_so_many_for_each_service_and_each_uid(keeper: Keeper) -> None:
    publish(keeper, "one", "a")
    publish(keeper, "one", "b")
    with pytest.raises(PublishFailed) as caught:
        publish(keeper, "one", "c")
    assert caught.value.error == PublishError.TOO_MANY
    publish(keeper, "one", "b")
    publish(keeper, "two", "a")
    with pytest.raises(PublishFailed):
        publish(keeper, "two", "b")
    publish(keeper, "three", "a", BOB)
    assert keeper.statistics() == {"live": 4, "ended": 0}


def test_what_ended_is_kept_for_a_while(keeper: Keeper, port: BlockingPort) -> None:
    publish(keeper, "one", "a")
    publish(keeper, "two", "b", service="c/D")
    keeper.ended("one")
    keeper.ended("one")
    assert told(keeper) == ["a ended", "b"]
    [ended, _] = keeper.listing(ROOT, NOTHING, 0)
    waiter = port.create_waiter()
    port.deadlines.add(0.02, lambda: waiter.set_result(None))
    port.run_until(waiter)
    [later, _] = keeper.listing(ROOT, NOTHING, 0)
    assert (ended.alive, later.alive) == (False, False)
    assert 20 <= later.ended_ms < 20_000
    vmo = keeper.find(ALICE, NOTHING, ended.number)
    assert vmo is not None
    waiter = port.create_waiter()
    port.deadlines.add(0.1, lambda: waiter.set_result(None))
    port.run_until(waiter)
    assert told(keeper) == ["b"]
    assert vmo.closed


def test_so_many_that_ended_are_kept_and_the_oldest_goes_first(keeper: Keeper) -> None:
    for index in range(3):
        owner = object()
        publish(keeper, owner, f"a{index}")
        keeper.ended(owner)
    assert told(keeper) == ["a1 ended", "a2 ended"]
    for uid in range(3):
        owner = object()
        publish(keeper, owner, f"o{uid}", Identity(1, uid, uid))
        keeper.ended(owner)
    assert told(keeper) == ["a2 ended", "o0 ended", "o1 ended", "o2 ended"]


def test_a_process_that_registers_again_leaves_no_trace_of_its_first_time(keeper: Keeper) -> None:
    publish(keeper, "first")
    keeper.ended("first")
    publish(keeper, "other process", who=Identity(101, 61001, 61001))
    assert told(keeper) == ["t ended", "t"], "that is somebody else's"
    publish(keeper, "second")
    assert told(keeper) == ["t", "t"]


def test_a_listing_comes_in_pages(port: BlockingPort) -> None:
    keeper = Keeper(port, TreeLimits(of_service=1000, of_uid=1000))
    for index in range(MAX_TREES + 2):
        publish(keeper, "owner", f"t{index}")
    first = keeper.listing(ROOT, NOTHING, 0)
    assert len(first) == MAX_TREES
    rest = keeper.listing(ROOT, NOTHING, first[-1].number)
    assert [each.name for each in rest] == [f"t{MAX_TREES}", f"t{MAX_TREES + 1}"]
    assert keeper.listing(ROOT, NOTHING, rest[-1].number) == []
    keeper.close()
    keeper.close()
