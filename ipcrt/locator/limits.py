"""Limits: what one client and one uid may hold of a locator, and the ledger of what they do hold.

1. A client is a process: all channels whose peer has one pid and uid share what it may hold. Whose
   pid nobody here knows (it lives in a foreign pid namespace) is a client for each channel.
2. What would exceed a limit is refused before anything is kept for it, with one error that names
   the holder, the resource, the value and the limit; it is counted, and nobody else notices.
3. Of several policy rules that set a limit the most generous holds, as what any of them grants is
   granted. A limit that none sets is the policy's own, else the locator's.
4. Whatever is held is given back exactly once, by whoever closes what it stood for.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Annotated, Self, TypeAlias

import msgspec

from ipcrt.errors import NoResources
from ipcrt.locator.credentials import Credentials

Count = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
"""A limit. Zero would shut somebody out, which is what not granting is for."""

Key: TypeAlias = int | tuple[int, int, object | None]
"""A uid; or a client: its uid and pid, and what makes it one of its own where pid is 0."""


class Resource(enum.StrEnum):
    """What is limited."""

    CONNECTIONS = "connections"
    """Channels that are served."""

    CALLS = "calls"
    """Requests that are not done: handlers at work, replies that wait for room, and channels'
    ends that wait for their service."""

    FDS = "fds"
    """Descriptors kept for it: channels, processes, registrations, trees, ends that wait."""

    QUEUED_BYTES = "queued_bytes"
    """Memory of what was sent to it and that it has not read, as the kernel counts: with its own
    overhead of some 700 bytes a packet."""


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits as they are written down; what is absent is somebody else's to say."""

    connections: Count | None = None
    calls: Count | None = None
    fds: Count | None = None
    queued_bytes: Count | None = None

    def get(self, resource: Resource) -> int | None:
        """Answer the limit of one resource."""
        limit: int | None = getattr(self, resource.value)
        return limit

    @classmethod
    def most_generous(cls, quotas: Iterable[Quota]) -> Self:
        """Answer the greatest limit of each resource that any of them sets (rule 3)."""
        several = list(quotas)
        found: dict[str, int] = {}
        for resource in Resource:
            limits = [limit for each in several if (limit := each.get(resource)) is not None]
            if limits:
                found[resource.value] = max(limits)
        return cls(**found)

    def or_else(self, other: Quota) -> Quota:
        """Answer this with what it leaves open as `other` has it."""
        found = {each.value: self.get(each) or other.get(each) for each in Resource}
        return Quota(**found)


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one client, and those of its uid."""

    client: Quota = Quota()
    uid: Quota = Quota()


class Bounds(msgspec.Struct, frozen=True):
    """Limits of one holder, all of them known."""

    connections: int
    calls: int
    fds: int
    queued_bytes: int

    def get(self, resource: Resource) -> int:
        """Answer the limit of one resource."""
        limit: int = getattr(self, resource.value)
        return limit

    def under(self, quota: Quota) -> Bounds:
        """Answer what holds where `quota` overrides this in what it sets (rule 3)."""
        return Bounds(**{each.value: quota.get(each) or self.get(each) for each in Resource})


class Holder:
    """One client, or one uid: what it holds now, and how often it was refused."""

    __slots__ = ("held", "refused")

    def __init__(self) -> None:
        self.held = dict.fromkeys(Resource, 0)
        self.refused = dict.fromkeys(Resource, 0)


class Share:
    """One channel's way to its two holders, with the limits that it came in under."""

    __slots__ = ("_ledger", "client", "client_bounds", "uid", "uid_bounds")

    def __init__(
        self, ledger: Ledger, who: Credentials, client_bounds: Bounds, uid_bounds: Bounds
    ) -> None:
        """Hold nothing yet."""
        self._ledger = ledger
        self.client_bounds = client_bounds
        self.uid_bounds = uid_bounds
        self.client: Key = (who.uid, who.pid, None if who.pid else object())  # rule 1
        self.uid: Key = who.uid

    def check(self, resource: Resource, amount: int = 1) -> None:
        """Say no where so much more would exceed a limit of the client or its uid (rule 2).

        Raises: NoResources: says which.
        """
        for key, bounds in ((self.client, self.client_bounds), (self.uid, self.uid_bounds)):
            self._ledger.check(key, resource, amount, bounds.get(resource))

    def take(self, resource: Resource, amount: int = 1) -> None:
        """Hold so much more. Raises: NoResources: as `check`."""
        self.check(resource, amount)
        self.hold(resource, amount)

    def hold(self, resource: Resource, amount: int = 1) -> None:
        """Hold so much more, whatever the limits say."""
        self._ledger.add(self.client, resource, amount)
        self._ledger.add(self.uid, resource, amount)

    def give_back(self, resource: Resource, amount: int = 1) -> None:
        """Hold so much less (rule 4)."""
        self.hold(resource, -amount)

    def refused(self, resource: Resource) -> None:
        """Count what was closed because it had grown over a limit of its client."""
        self._ledger.count_refusal(self.client, resource)

    def held(self, resource: Resource) -> tuple[int, int]:
        """Answer how much the client holds, and how much its uid."""
        return self._ledger.held(self.client, resource), self._ledger.held(self.uid, resource)


class Ledger:
    """Who holds what, over all channels. Holders that hold nothing are forgotten."""

    def __init__(self) -> None:
        self._holders: dict[Key, Holder] = {}
        self.refused = dict.fromkeys(Resource, 0)
        """Refusals so far, also of holders that are forgotten."""

    def held(self, key: Key, resource: Resource) -> int:
        """Answer how much a holder has of a resource."""
        holder = self._holders.get(key)
        return 0 if holder is None else holder.held[resource]

    def check(self, key: Key, resource: Resource, amount: int, limit: int) -> None:
        """Raises: NoResources: so much more would exceed `limit`, which is counted."""
        value = self.held(key, resource) + amount
        if value > limit:
            self.count_refusal(key, resource)
            raise NoResources(f"{value} {resource.value} of {name_of(key)}, limit {limit}")

    def count_refusal(self, key: Key, resource: Resource) -> None:
        """Count one refusal; of who holds nothing, only over all."""
        self.refused[resource] += 1
        if key in self._holders:
            self._holders[key].refused[resource] += 1

    def add(self, key: Key, resource: Resource, amount: int) -> None:
        """Have a holder hold so much more, or less."""
        holder = self._holders.get(key)
        if holder is None:
            holder = self._holders[key] = Holder()
        holder.held[resource] += amount
        if not any(holder.held.values()):
            del self._holders[key]

    def fullness(self, key: Key, bounds: Bounds, more_calls: int = 0) -> float:
        """Answer how near to its nearest limit a holder is: 1 is there."""
        holder = self._holders.get(key)
        if holder is None:
            return 0.0
        held = holder.held
        return max(
            held[Resource.CONNECTIONS] / bounds.connections,
            (held[Resource.CALLS] + more_calls) / bounds.calls,
            held[Resource.FDS] / bounds.fds,
            held[Resource.QUEUED_BYTES] / bounds.queued_bytes,
        )

    def account(self, key: Key, bounds: Bounds) -> dict[str, int]:
        """Tell how much a holder has of each resource, may have, and how often it was refused."""
        holder = self._holders.get(key) or Holder()
        told: dict[str, int] = {}
        for resource in Resource:
            told[resource.value] = holder.held[resource]
            told[f"{resource.value}_limit"] = bounds.get(resource)
            told[f"{resource.value}_refused"] = holder.refused[resource]
        return told

    def __len__(self) -> int:
        """Answer how many hold something."""
        return len(self._holders)


def name_of(key: Key) -> str:
    """Answer what a holder is called in errors."""
    return f"uid {key}" if isinstance(key, int) else f"client pid {key[1]} uid {key[0]}"
