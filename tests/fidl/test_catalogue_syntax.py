"""This part of the catalogue."""

from __future__ import annotations

from ipcrt.fidl.catalogue_syntax import SYNTAX


def test_it_covers_its_ids_and_nothing_else() -> None:
    assert min(SYNTAX) == "fi-0001"
    assert max(SYNTAX) == "fi-0058"
    assert all(message and not message.endswith(".") for message, _ in SYNTAX.values())
