"""Trees: what processes tell of themselves, fetched through the locator and read here."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterator
from typing import Final

from ipcrt.inspect.format import InspectError
from ipcrt.inspect.snapshot import READ_TIMEOUT, Snapshot
from ipcrt.locator.protocol import LocatorBlockingProxy, Tree, TreeError, TreeFailed

_SLACK_NS: Final = 1_000_000_000
"""How late a refresh may be on a machine that is busy."""


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What was found of one tree: its content, or why it cannot be read."""

    tree: Tree
    snapshot: Snapshot | None
    error: str = ""
    age_ns: int | None = None

    @property
    def stale(self) -> bool:
        """True where a living process has not refreshed for too long: it hangs, or is stopped."""
        snapshot = self.snapshot
        if snapshot is None or self.age_ns is None or not self.tree.alive:
            return False
        return snapshot.period_ns > 0 and self.age_ns > 2 * snapshot.period_ns + _SLACK_NS


def fetch(locator: LocatorBlockingProxy, pattern: str | None, timeout: float) -> list[Told]:
    """Fetch all trees that may be seen, or those of the services that `pattern` matches.

    `timeout` is in seconds, for each call. Raises: what calls to the locator raise.
    """
    return [
        told
        for tree in _listing(locator, timeout)
        if pattern is None or fnmatch.fnmatchcase(tree.service, pattern)
        for told in _told(locator, tree, timeout)
    ]


def _listing(locator: LocatorBlockingProxy, timeout: float) -> Iterator[Tree]:
    after = 0
    while trees := locator.get_trees(after, timeout=timeout).trees:
        yield from trees
        after = max(after + 1, *(tree.number for tree in trees))


def _told(locator: LocatorBlockingProxy, tree: Tree, timeout: float) -> list[Told]:
    """Fetch one tree; none where it has gone since it was listed."""
    try:
        reply = locator.get_tree(tree.number, timeout=timeout)
    except TreeFailed as error:
        return [] if error.error == TreeError.NOT_FOUND else [Told(tree, None, str(error))]
    with reply.vmo as vmo:
        try:
            snapshot = Snapshot.read(vmo, READ_TIMEOUT)
        except InspectError as error:
            return [Told(tree, None, str(error))]
    return [Told(tree, snapshot, age_ns=snapshot.age_ns())]
