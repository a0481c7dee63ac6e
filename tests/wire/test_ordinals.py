from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipcrt.wire.ordinals import method_ordinal

REFERENCE = Path(__file__).resolve().parents[3] / "shared/reference/fidl/ordinals.json"

# From sha256sum(1), its first eight bytes turned round by hand.
KNOWN = {
    "a.b.c/protocol.s0": 0x3B1625372E15F1AE,
    "example.math/Calculator.Add": 0x497C7A205CA2F6E7,
    "fuchsia.io/Node.Clone": 0x59290D7A0177F0E5,
}


@pytest.mark.parametrize("selector", KNOWN)
def test_known_answers(selector: str) -> None:
    assert method_ordinal(selector) == KNOWN[selector]


def test_the_top_bit_is_cleared_not_merely_absent() -> None:
    # The eighth byte of this one's digest is 0xc9.
    assert method_ordinal("example.math/Calculator.Add") >> 63 == 0


def test_reference_ordinals() -> None:
    if not REFERENCE.is_file():
        pytest.skip("the reference ordinals of FIDL are not on this machine")
    known = {entry["selector"]: entry["ordinal"] for entry in json.loads(REFERENCE.read_text())}
    assert known
    assert {selector: method_ordinal(selector) for selector in known} == known
