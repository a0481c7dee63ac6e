"""The official attributes."""

from __future__ import annotations

import pytest

from ipcrt.fidl.attribute_names import OFFICIAL, typo_of


@pytest.mark.parametrize(
    "name, official",
    [
        ("availabe", ["available"]),
        ("availablee", ["available"]),
        ("avaylable", ["available"]),
        ("available", []),
        ("avail", []),
        ("dc", ["doc"]),
    ],
)
def test_one_edit_makes_a_typo(name: str, official: list[str]) -> None:
    assert typo_of(name) == official


def test_no_official_name_is_a_typo_of_another() -> None:
    assert not any(typo_of(name) for name in OFFICIAL)
