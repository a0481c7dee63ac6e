"""This part of the catalogue."""

from __future__ import annotations

from ipcrt.fidl.catalogue_meaning import MEANING


def test_it_covers_its_ids_and_nothing_else() -> None:
    assert min(MEANING) == "fi-0059"
    assert max(MEANING) == "fi-0146"
    assert all(message and not message.endswith(".") for message, _ in MEANING.values())
