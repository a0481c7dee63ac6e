"""Who plays in the scene, and who needs whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ARTISTS: Final = ("artist.fence", "artist.line", "artist.plain")
ACTORS: Final = (*ARTISTS, "poses", "keeper", "visitor", "producer", "consumer")
SERVICES: Final = ("monado", "kvstore")
LOCATOR: Final = "locator"
ACTIVATOR: Final = "activator"


@dataclass(frozen=True, slots=True)
class Fall:
    """What somebody's death does to the actors; those in neither must not even notice."""

    loses: frozenset[str] = frozenset()
    """They lose their peer, and begin again."""
    may_fail: frozenset[str] = frozenset()
    """They may lose it, depending on what they do just then."""


def _fall(*loses: str, may_fail: tuple[str, ...] = ()) -> Fall:
    return Fall(frozenset(loses), frozenset(may_fail))


FALLS: Final = {
    **{artist: _fall() for artist in ARTISTS},
    "poses": _fall(),
    "keeper": _fall(),
    "visitor": _fall(),
    "producer": _fall("consumer"),
    "consumer": _fall("producer"),
    "monado": _fall(*ARTISTS, "poses"),
    "kvstore": _fall("keeper", may_fail=("visitor",)),
    LOCATOR: _fall(may_fail=("visitor",)),
    ACTIVATOR: _fall(may_fail=("visitor",)),
}

BAG: Final = (*FALLS, *ARTISTS, "poses", "consumer", *SERVICES, LOCATOR)
"""Whom one round kills, each once for each time that it stands here."""
