"""What a comparison finds: a change, whom it breaks, and why.

1. `source` says whose code must be edited when it is built against the new version.
2. `wire` says who fails when old and new programs talk: `OLD_CLIENT` is a client built from the
   old version that talks to a new server, and so on. It names the one that meets what it does not
   understand, which is mostly the receiver.
3. A change is BREAKING where it breaks the wire, or code of somebody who uses nothing new;
   CAUTION where it breaks code only of those who must now do more, or only in combination with
   something else; otherwise COMPATIBLE.
"""

from __future__ import annotations

import dataclasses
import enum

from ipcrt.fidl.abi_rules import CAUTIOUS, RULES


class Side(enum.Flag):
    """Client, server, or both."""

    NONE = 0
    CLIENT = enum.auto()
    SERVER = enum.auto()
    BOTH = CLIENT | SERVER

    @property
    def other(self) -> Side:
        """Who writes what these read."""
        swapped = Side.NONE
        if Side.CLIENT in self:
            swapped |= Side.SERVER
        if Side.SERVER in self:
            swapped |= Side.CLIENT
        return swapped

    @property
    def names(self) -> list[str]:
        return [str(side.name).lower() for side in (Side.CLIENT, Side.SERVER) if side in self]


class Party(enum.Flag):
    """A side and the version it was built from."""

    NONE = 0
    OLD_CLIENT = enum.auto()
    NEW_CLIENT = enum.auto()
    OLD_SERVER = enum.auto()
    NEW_SERVER = enum.auto()

    @property
    def names(self) -> list[str]:
        return [
            str(party.name).lower().replace("_", " ")
            for party in (Party.OLD_CLIENT, Party.NEW_CLIENT, Party.OLD_SERVER, Party.NEW_SERVER)
            if party in self
        ]


def old(side: Side) -> Party:
    """These sides, built from the old version."""
    client = Party.OLD_CLIENT if Side.CLIENT in side else Party.NONE
    server = Party.OLD_SERVER if Side.SERVER in side else Party.NONE
    return client | server


def new(side: Side) -> Party:
    """These sides, built from the new version."""
    client = Party.NEW_CLIENT if Side.CLIENT in side else Party.NONE
    server = Party.NEW_SERVER if Side.SERVER in side else Party.NONE
    return client | server


class Severity(enum.Enum):
    """How bad it is."""

    BREAKING = "breaking"
    CAUTION = "caution"
    COMPATIBLE = "compatible"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions."""

    id: str
    where: str
    message: str
    source: Side = Side.NONE
    wire: Party = Party.NONE

    @property
    def severity(self) -> Severity:
        """What rule 3 says."""
        if self.wire:
            return Severity.BREAKING
        if self.id in CAUTIOUS:
            return Severity.CAUTION
        return Severity.BREAKING if self.source else Severity.COMPATIBLE

    @property
    def reason(self) -> str:
        """Why it is so."""
        return RULES[self.id]

    def render(self) -> str:
        """Write it as a person reads it."""
        breaks: list[str] = []
        if self.wire:
            breaks.append(f"on the wire: {', '.join(self.wire.names)}")
        if self.source:
            breaks.append(f"in source: {', '.join(self.source.names)}")
        lines = [f"{self.severity.value}: {self.where}: {self.message} [{self.id}]"]
        if breaks:
            lines.append(f"  breaks {'; '.join(breaks)}")
        return "\n".join([*lines, f"  why: {self.reason}"])

    def as_json(self) -> dict[str, object]:
        """Answer it as plain values, for tools."""
        return {
            "id": self.id,
            "severity": self.severity.value,
            "where": self.where,
            "message": self.message,
            "reason": self.reason,
            "source": self.source.names,
            "wire": self.wire.names,
        }
