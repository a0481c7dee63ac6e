"""Holders told: what clients and uids hold of each limited resource, for diagnostics and for them.

Calls are counted here and now: handlers at work and replies that wait, beside what the ledger has.
"""

from __future__ import annotations

import collections
import heapq
from collections.abc import Iterable
from typing import Final

from ipcrt.locator.guest import Guest
from ipcrt.locator.limits import Bounds, Key, Ledger, Resource, Share
from ipcrt.locator.protocol import Usage

MAX_HOLDERS: Final = 32
"""Clients, and uids, that an account tells one by one: those that hold the most of a limit."""


def usages(ledger: Ledger, share: Share, guests: Iterable[Guest]) -> list[Usage]:
    """Tell one client, and its uid, what they hold, may hold, and what was refused."""
    calls = _calls(guests)
    told: list[Usage] = []
    for holder, key, bounds in (
        ("client", share.client, share.client_bounds),
        ("uid", share.uid, share.uid_bounds),
    ):
        account = ledger.account(key, bounds)
        account["calls"] += calls[key]
        told.extend(
            Usage(
                holder,
                each.value,
                account[each.value],
                account[f"{each.value}_limit"],
                account[f"{each.value}_refused"],
            )
            for each in Resource
        )
    return told


def holders_account(ledger: Ledger, guests: Iterable[Guest]) -> dict[str, object]:
    """Tell of the clients and uids that are nearest to a limit, one by one."""
    several = list(guests)
    calls = _calls(several)
    found: dict[Key, Bounds] = {}
    for guest in several:
        found[guest.share.client] = guest.share.client_bounds
        found[guest.share.uid] = guest.share.uid_bounds
    told: dict[str, object] = {}
    for of_uid in (True, False):
        ranked = [
            (ledger.fullness(key, bounds, calls[key]), number, key)
            for number, (key, bounds) in enumerate(found.items())
            if isinstance(key, int) is of_uid
        ]
        for _, number, key in heapq.nlargest(MAX_HOLDERS, ranked):
            account = ledger.account(key, found[key])
            account["calls"] += calls[key]
            told[_name(key, number)] = account
    told["not_shown"] = len(found) - len(told)
    return told


def _name(key: Key, number: int) -> str:
    if isinstance(key, int):
        return f"uid-{key}"
    return f"uid-{key[0]}-pid-{key[1]}" if key[1] else f"uid-{key[0]}-unknown-{number}"


def _calls(guests: Iterable[Guest]) -> collections.Counter[Key]:
    calls: collections.Counter[Key] = collections.Counter()
    for guest in guests:
        count = 0 if guest.binding is None else sum(guest.binding.statistics().values())
        if count:
            calls[guest.share.client] += count
            calls[guest.share.uid] += count
    return calls
