from __future__ import annotations

import random

import msgspec
import pytest

from ipcrt.errors import NoResources
from ipcrt.locator.credentials import Credentials
from ipcrt.locator.limits import Bounds, Ledger, Quota, Quotas, Resource, Share, name_of

CLIENT = Bounds(connections=2, calls=3, fds=4, queued_bytes=5)
UID = Bounds(connections=3, calls=6, fds=8, queued_bytes=10)


def share(ledger: Ledger, pid: int, uid: int = 7) -> Share:
    return Share(ledger, Credentials(pid, uid, uid, frozenset()), CLIENT, UID)


@pytest.mark.parametrize("resource", list(Resource))
def test_a_client_may_hold_so_much_and_no_more(resource: Resource) -> None:
    ledger = Ledger()
    one, limit = share(ledger, 1), CLIENT.get(resource)
    for _ in range(limit):
        one.take(resource)
    with pytest.raises(NoResources) as caught:
        one.take(resource)
    assert str(caught.value) == (
        f"{limit + 1} {resource.value} of client pid 1 uid 7, limit {limit}"
    )
    assert one.held(resource) == (limit, limit)
    one.give_back(resource)
    one.take(resource)


@pytest.mark.parametrize("resource", list(Resource))
def test_all_of_a_uid_together_may_hold_so_much(resource: Resource) -> None:
    ledger = Ledger()
    for pid in range(UID.get(resource)):
        share(ledger, 1 + pid).take(resource)
    with pytest.raises(NoResources, match=rf"{resource.value} of uid 7, limit"):
        share(ledger, 100).take(resource)
    share(ledger, 1, uid=8).take(resource)  # others go on


def test_channels_of_one_process_are_one_client() -> None:
    ledger = Ledger()
    share(ledger, 1).take(Resource.FDS, 3)
    with pytest.raises(NoResources, match="5 fds of client pid 1 uid 7, limit 4"):
        share(ledger, 1).take(Resource.FDS, 2)
    share(ledger, 2).take(Resource.FDS, 2)


def test_processes_that_nobody_here_knows_are_clients_of_their_own() -> None:
    ledger = Ledger()
    first, second = share(ledger, 0), share(ledger, 0)
    first.take(Resource.FDS, 4)
    second.take(Resource.FDS, 4)
    assert first.held(Resource.FDS) == (4, 8)
    with pytest.raises(NoResources, match="9 fds of uid 7, limit 8"):
        share(ledger, 0).take(Resource.FDS)


def test_what_is_refused_is_counted_where_it_was_refused() -> None:
    ledger = Ledger()
    one = share(ledger, 1)
    one.take(Resource.FDS, 4)
    for _ in range(3):
        with pytest.raises(NoResources):
            one.check(Resource.FDS)
    account = ledger.account(one.client, CLIENT)
    assert (account["fds"], account["fds_limit"], account["fds_refused"]) == (4, 4, 3)
    assert ledger.account(one.uid, UID)["fds_refused"] == 0
    assert ledger.refused[Resource.FDS] == 3
    assert len(account) == 3 * len(Resource)
    one.give_back(Resource.FDS, 4)
    assert ledger.refused[Resource.FDS] == 3, "also of who has gone"


@pytest.mark.parametrize("resource", list(Resource))
def test_how_near_to_its_nearest_limit(resource: Resource) -> None:
    ledger = Ledger()
    one = share(ledger, 1)
    assert ledger.fullness(one.client, CLIENT) == 0
    one.take(resource, CLIENT.get(resource) - 1)
    limit = CLIENT.get(resource)
    assert ledger.fullness(one.client, CLIENT) == (limit - 1) / limit
    assert ledger.fullness(one.client, CLIENT, more_calls=6) == 2 + (
        (limit - 1) / limit if resource is Resource.CALLS else 0
    )


def test_who_holds_nothing_is_forgotten() -> None:
    ledger = Ledger()
    chance = random.Random(5)
    shares = [share(ledger, pid, uid) for pid in range(1, 5) for uid in (7, 8)]
    taken: list[tuple[Share, Resource]] = []
    for _ in range(500):
        if taken and chance.random() < 0.5:
            one, resource = taken.pop(chance.randrange(len(taken)))
            one.give_back(resource)
        else:
            one, resource = chance.choice(shares), chance.choice(list(Resource))
            try:
                one.take(resource)
            except NoResources:
                continue
            taken.append((one, resource))
    for one, resource in taken:
        one.give_back(resource)
    assert len(ledger) == 0


def test_the_most_generous_rule_holds_and_then_who_is_asked_next() -> None:
    found = Quota.most_generous([Quota(connections=3), Quota(connections=9, fds=1), Quota()])
    assert found == Quota(connections=9, fds=1)
    assert Quota.most_generous([]) == Quota()
    assert found.or_else(Quota(fds=5, calls=6)) == Quota(connections=9, fds=1, calls=6)
    assert CLIENT.under(Quota(calls=1)) == Bounds(2, 1, 4, 5)


@pytest.mark.parametrize("value", [0, -1, 1.5, "1", 2**60, True])
def test_no_limit(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"client": {"fds": value}}, Quotas)


def test_names() -> None:
    assert name_of(5) == "uid 5"
    assert name_of((5, 0, object())) == "client pid 0 uid 5"
