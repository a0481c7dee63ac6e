"""This part of the catalogue."""

from __future__ import annotations

from ipcrt.fidl.catalogue_types import TYPES


def test_it_covers_its_ids_and_nothing_else() -> None:
    assert min(TYPES) == "fi-0147"
    assert max(TYPES) == "fi-0223"
    assert all(message and not message.endswith(".") for message, _ in TYPES.values())
