"""Keeper: the trees that services published, for others to look at, also after their end.

What is in a tree is not known here: it is a VMO, which is never mapped and never read.

1. A VMO is kept only if it is sealed against shrinking and growing, and of bounded size: so its
   memory is bounded, whatever its publisher does.
2. So many trees may be published for each service and each uid, and so many are kept of those that
   have ended, for so long. The oldest of these goes first.
3. Root and the publisher's own uid may look at a tree, as they could with ptrace(2); others where
   policy says so. To everybody else it is not there.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Final

from ipcrt.errors import IpcError
from ipcrt.locator.policy import Namespace
from ipcrt.locator.protocol import MAX_TREES, Identity, PublishError, PublishFailed, Tree
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.port.deadlines import Token
from ipcrt.port.port import Port

_FOR_READERS: Final = Rights.READ | Rights.MAP | Rights.DUPLICATE | Rights.TRANSFER | Rights.INSPECT
_NEEDED_SEALS: Final = Seals.SHRINK | Seals.GROW


@dataclasses.dataclass(frozen=True, slots=True)
class TreeLimits:
    """What may be published and kept."""

    tree_bytes: int = 1 << 20
    """Bytes of one tree."""

    of_service: int = 4
    """Trees of one registration."""

    of_uid: int = 64
    """Trees of all services of one uid that are there."""

    ended: int = 32
    """Trees of services that are gone, over all."""

    ended_of_uid: int = 8
    """Trees of services of one uid that are gone."""

    keep_s: float = 300.0
    """Seconds that a tree is kept when its service has gone."""


@dataclasses.dataclass(slots=True, eq=False)
class _Kept:
    """One tree; owns its VMO."""

    number: int
    service: str
    name: str
    publisher: Identity
    owner: object
    vmo: Vmo
    ended_at: float | None = None
    expiry: Token | None = None


class Keeper:
    """Keeps trees by their numbers, which ascend. Used on its port's thread only."""

    def __init__(self, port: Port, limits: TreeLimits | None = None) -> None:
        self._port = port
        self._limits = limits or TreeLimits()
        self._trees: dict[int, _Kept] = {}
        self._last = 0

    # ---- what comes in

    def publish(
        self, owner: object, service: str, name: str, publisher: Identity, vmo: Vmo
    ) -> None:
        """Keep a tree for as long as `owner` offers the service, and a while longer.

        `vmo` stays the caller's; a read-only duplicate is kept.
        Raises: PublishFailed.
        """
        old = [each for each in self._of(owner) if (each.service, each.name) == (service, name)]
        live = [each for each in self._trees.values() if each.ended_at is None]
        of_uid = sum(each.publisher.uid == publisher.uid for each in live) - len(old)
        of_service = sum(each.owner is owner for each in live) - len(old)
        if of_service >= self._limits.of_service or of_uid >= self._limits.of_uid:
            raise PublishFailed(PublishError.TOO_MANY)
        kept = self._checked(vmo)
        for each in (*old, *self._left_by(service, name, publisher)):
            self._drop(each)
        self._last += 1
        tree = _Kept(self._last, service, name, publisher, owner, kept)
        self._trees[tree.number] = tree

    def has(self, owner: object, service: str, name: str) -> bool:
        """Whether a tree of this name would be replaced."""
        return any((each.service, each.name) == (service, name) for each in self._of(owner))

    def _checked(self, vmo: Vmo) -> Vmo:
        """Answer a read-only duplicate of what may be kept (rule 1)."""
        try:
            sealed = vmo.seals & _NEEDED_SEALS == _NEEDED_SEALS
            fits = 0 < vmo.content_size <= self._limits.tree_bytes
            if sealed and fits:
                return vmo.duplicate(_FOR_READERS & vmo.rights)
        except IpcError:  # it cannot be looked at, or not be opened for reading alone
            sealed = fits = False
        raise PublishFailed(
            PublishError.TOO_LARGE if sealed and not fits else PublishError.INVALID_TREE
        )

    def _left_by(self, service: str, name: str, publisher: Identity) -> list[_Kept]:
        """What the same process left when it lost its registration: it is no news any more."""
        return [
            each
            for each in self._trees.values()
            if each.ended_at is not None
            and (each.service, each.name, each.publisher) == (service, name, publisher)
        ]

    # ---- what goes out

    def listing(self, who: Identity, namespace: Namespace, after: int) -> list[Tree]:
        """Answer what a client may see, by number, from behind `after` on, a page at most."""
        seen = (each for each in self._trees.values() if _may_see(who, namespace, each))
        page = [each for each in seen if each.number > after][:MAX_TREES]
        now = self._port.clock()
        return [
            Tree(
                each.number,
                each.service,
                each.name,
                each.publisher,
                each.ended_at is None,
                0 if each.ended_at is None else int((now - each.ended_at) * 1000),
            )
            for each in page
        ]

    def find(self, who: Identity, namespace: Namespace, number: int) -> Vmo | None:
        """Answer a tree that a client may see; it stays the keeper's."""
        tree = self._trees.get(number)
        return tree.vmo if tree is not None and _may_see(who, namespace, tree) else None

    # ---- the end

    def ended(self, owner: object) -> None:
        """The service has gone: keep what it published a while longer (rule 2)."""
        now = self._port.clock()
        for tree in list(self._of(owner)):
            tree.ended_at = now
            tree.expiry = self._port.deadlines.add(
                self._limits.keep_s, functools.partial(self._drop, tree)
            )
            self._make_room(tree.publisher.uid)

    def _make_room(self, uid: int) -> None:
        ended = [each for each in self._trees.values() if each.ended_at is not None]
        of_uid = [each for each in ended if each.publisher.uid == uid]
        if len(of_uid) > self._limits.ended_of_uid:
            self._drop(min(of_uid, key=_age))
        elif len(ended) > self._limits.ended:
            self._drop(min(ended, key=_age))

    def _of(self, owner: object) -> Iterator[_Kept]:
        return (
            each for each in self._trees.values() if each.owner is owner and each.ended_at is None
        )

    def _drop(self, tree: _Kept) -> None:
        """Close a tree; harmless where it is gone."""
        self._trees.pop(tree.number, None)
        if tree.expiry is not None:
            self._port.deadlines.drop(tree.expiry)
        tree.vmo.close()

    def statistics(self) -> dict[str, int]:
        """Count the trees of services that are there, and of those that have gone."""
        ended = sum(each.ended_at is not None for each in self._trees.values())
        return {"live": len(self._trees) - ended, "ended": ended}

    def close(self) -> None:
        """Let go of all trees. Idempotent."""
        for tree in list(self._trees.values()):
            self._drop(tree)


def _age(tree: _Kept) -> tuple[float, int]:
    assert tree.ended_at is not None
    return tree.ended_at, tree.number


def _may_see(who: Identity, namespace: Namespace, tree: _Kept) -> bool:
    """Say whether a client may look at a tree (rule 3)."""
    return who.uid in (0, tree.publisher.uid) or namespace.may_inspect(tree.service)
