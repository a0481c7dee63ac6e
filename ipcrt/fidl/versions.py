"""Versions: numbers, ranges, when an element exists, and which versions were asked for.

1. A version is an integer of 32 bits. 1 to 2^31-1 are ordinary; NEXT, HEAD and LEGACY follow
   them; 0 and 2^32-1 stand for "since ever" and "for ever" and are never written.
2. An element exists from `added` up to, not including, `removed`; a removed element exists once
   more at LEGACY where several versions are selected at once and one of them knew it.
3. Availability goes through `init` (what is written), `inherit` (from the parent) and `narrow` (to
   one piece of the timeline). A step that fails leaves it FAILED, and nobody looks further.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Final, TypeAlias

from ipcrt.fidl.canonical import is_library_component

SINCE_EVER: Final = 0
FOR_EVER: Final = 0xFFFF_FFFF
NEXT: Final = 0xFFD0_0000
HEAD: Final = 0xFFE0_0000
LEGACY: Final = 0xFFF0_0000
MAX_ORDINARY: Final = (1 << 31) - 1
UNVERSIONED: Final = "unversioned"
"""The platform of libraries that do not say `@available`."""

_NAMES: Final = {
    NEXT: "NEXT",
    HEAD: "HEAD",
    LEGACY: "LEGACY",
    SINCE_EVER: "-inf",
    FOR_EVER: "+inf",
}

Range: TypeAlias = tuple[int, int]
"""From a version up to, not including, another."""


def is_version(number: int) -> bool:
    """True for a version that may be written."""
    return 1 <= number <= MAX_ORDINARY or number in (NEXT, HEAD)


def parse_version(text: str) -> int | None:
    """Read a version from the command line; None where it is none."""
    if text in ("NEXT", "HEAD"):
        return NEXT if text == "NEXT" else HEAD
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    number = int(text)
    return number if is_version(number) else None


def version_name(version: int) -> str:
    """Answer a version as it is written."""
    return _NAMES.get(version, str(version))


def overlap(left: Range, right: Range) -> Range | None:
    """Answer what two ranges share."""
    shared = (max(left[0], right[0]), min(left[1], right[1]))
    return shared if shared[0] < shared[1] else None


def range_name(found: Range) -> str:
    """Answer a range in words."""
    start, end = found
    if end == FOR_EVER:
        return f"from version {version_name(start)} onward"
    if end == start + 1:
        return f"at version {version_name(start)}"
    last = {HEAD: NEXT, NEXT: MAX_ORDINARY, LEGACY: HEAD}.get(end, end - 1)
    return f"from version {version_name(start)} to {version_name(last)}"


class State(enum.IntEnum):
    """How far an availability has come."""

    UNSET = 0
    INITIALIZED = 1
    INHERITED = 2
    NARROWED = 3
    FAILED = 4


class Ending(enum.IntEnum):
    """Why an element ends where it does."""

    NONE = 0
    REMOVED = 1
    REPLACED = 2
    INHERITED = 3
    SPLIT = 4


@dataclasses.dataclass(slots=True)
class Conflicts:
    """What of a child's availability contradicts its parent's.

    Each is None, or "before" or "after", and the parent's argument that it contradicts.
    """

    added: tuple[str, str] | None = None
    deprecated: tuple[str, str] | None = None
    removed: tuple[str, str] | None = None

    @property
    def any(self) -> bool:
        """True where something does."""
        return not (self.added is None and self.deprecated is None and self.removed is None)


@dataclasses.dataclass(slots=True, eq=False)
class Availability:
    """When an element exists."""

    state: State = State.UNSET
    added: int = SINCE_EVER
    deprecated: int | None = None
    removed: int = FOR_EVER
    ending: Ending = Ending.NONE
    legacy: bool = False
    has_added: bool = False
    has_removed: bool = False

    def init(
        self, added: int | None, deprecated: int | None, removed: int | None, replaced: bool
    ) -> bool:
        """Take what is written; answer whether `added <= deprecated < removed`."""
        self.has_added, self.has_removed = added is not None, removed is not None
        self.added = SINCE_EVER if added is None else added
        self.removed = FOR_EVER if removed is None else removed
        self.deprecated = deprecated
        if self.has_removed:
            self.ending = Ending.REPLACED if replaced else Ending.REMOVED
        middle = self.added if deprecated is None else deprecated
        valid = self.added <= middle < self.removed
        self.state = State.INITIALIZED if valid else State.FAILED
        return valid

    def inherit(self, parent: Availability) -> Conflicts:
        """Take from the parent what is not written; answer what contradicts it."""
        conflicts = Conflicts()
        if not self.has_added:
            self.added = parent.added
        elif self.added < parent.added:
            conflicts.added = ("before", "added")
        elif self.added >= parent.removed:
            conflicts.added = ("after", "removed")
        if not self.has_removed:
            self.removed = parent.removed
            inherited = parent.ending is not Ending.NONE
            self.ending = Ending.INHERITED if inherited else Ending.NONE
        elif self.removed <= parent.added:
            conflicts.removed = ("before", "added")
        elif self.removed > parent.removed or (
            self.removed == parent.removed and self.ending is Ending.REPLACED
        ):
            conflicts.removed = ("after", "removed")
        conflicts.deprecated = self._inherit_deprecated(parent)
        self.legacy = parent.legacy and self.removed == parent.removed
        self.state = State.FAILED if conflicts.any else State.INHERITED
        return conflicts

    def _inherit_deprecated(self, parent: Availability) -> tuple[str, str] | None:
        if self.deprecated is None:
            if parent.deprecated is not None and parent.deprecated < self.removed:
                self.deprecated = max(parent.deprecated, self.added)
        elif self.deprecated < parent.added:
            return ("before", "added")
        elif self.deprecated >= parent.removed:
            return ("after", "removed")
        elif parent.deprecated is not None and self.deprecated > parent.deprecated:
            return ("after", "deprecated")
        return None

    @property
    def ranges(self) -> list[Range]:
        """Where on the timeline the element exists: one range, or two with LEGACY."""
        own = (self.added, self.removed)
        return [own, (LEGACY, FOR_EVER)] if self.legacy else [own]

    @property
    def range(self) -> Range:
        """The piece of the timeline; once narrowed."""
        return (self.added, self.removed)

    @property
    def points(self) -> set[int]:
        """The versions at which something changes."""
        found = {self.added, self.removed}
        if self.deprecated is not None:
            found.add(self.deprecated)
        if self.legacy:
            found |= {LEGACY, FOR_EVER}
        return found

    @property
    def is_deprecated(self) -> bool:
        """True where the whole piece is; once narrowed."""
        return self.deprecated is not None

    def narrowed(self, piece: Range) -> Availability:
        """Answer the availability of one piece of this timeline."""
        start, end = piece
        ending = self.ending
        if end == FOR_EVER:
            ending = Ending.NONE
        elif self.removed != end:
            ending = Ending.SPLIT
        gone = self.deprecated is not None and start >= self.deprecated
        return Availability(
            State.NARROWED, start, start if gone else None, end, ending, False, True, True
        )


def shared(left: Availability, right: Availability) -> Range | None:
    """Answer the first range in which both elements exist."""
    for one in left.ranges:
        for other in right.ranges:
            found = overlap(one, other)
            if found is not None:
                return found
    return None


class Selection:
    """Which versions of which platforms to compile for."""

    __slots__ = ("platforms",)

    def __init__(self) -> None:
        self.platforms: dict[str, list[int]] = {}

    def insert(self, platform: str, versions: list[int]) -> bool:
        """Select versions of a platform, once; answer whether that was right."""
        if platform in self.platforms or not versions or not is_platform(platform):
            return False
        self.platforms[platform] = sorted(set(versions))
        return True

    def lookup(self, platform: str) -> int:
        """Answer the version at which to look at a platform."""
        if platform == UNVERSIONED:
            return HEAD
        versions = self.platforms[platform]
        return versions[0] if len(versions) == 1 else LEGACY


def is_platform(name: str) -> bool:
    """True for a name that a platform may have."""
    return is_library_component(name) and name != UNVERSIONED


ALWAYS: Final = Availability(State.INHERITED)
"""What libraries inherit from."""
