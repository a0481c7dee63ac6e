"""The catalogue of diagnostics: every id that was ever given out, and what each says.

1. An id is never given to another diagnostic; what is no longer reported is RETIRED.
2. Each has a page in docs/errors, with an example that has it and one that has not.
"""

from __future__ import annotations

from typing import Final

from ipcrt.fidl.catalogue_meaning import MEANING
from ipcrt.fidl.catalogue_syntax import SYNTAX
from ipcrt.fidl.catalogue_types import TYPES

CATALOGUE: Final = {**SYNTAX, **MEANING, **TYPES}
"""Id, message and hint."""

WARNINGS: Final = frozenset(("fi-0026", "fi-0027", "fi-0028", "fi-0145"))
"""Those with which a library still compiles."""

RETIRED: Final = frozenset(
    (
        "fi-0005",
        "fi-0021",
        "fi-0047",
        "fi-0076",
        "fi-0078",
        "fi-0079",
        "fi-0085",
        "fi-0086",
        "fi-0087",
        "fi-0089",
        "fi-0090",
        "fi-0095",
        "fi-0096",
        "fi-0098",
        "fi-0099",
        "fi-0100",
        "fi-0105",
        "fi-0106",
        "fi-0108",
        "fi-0109",
        "fi-0119",
        "fi-0134",
        "fi-0136",
        "fi-0137",
        "fi-0138",
        "fi-0139",
        "fi-0140",
        "fi-0143",
        "fi-0144",
        "fi-0170",
        "fi-0174",
        "fi-0176",
        "fi-0182",
        "fi-0183",
        "fi-0190",
        "fi-0194",
        "fi-0195",
        "fi-0196",
        "fi-0200",
        "fi-0202",
    )
)
