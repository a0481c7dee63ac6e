from __future__ import annotations

import re
from pathlib import Path

import pytest

import ipcrt.fidl.abi_rules
from ipcrt.fidl.abi_rules import CAUTIOUS, RULES

ROOM = Path(ipcrt.fidl.abi_rules.__file__).parent
CODE = "".join(path.read_text() for path in ROOM.glob("abi*.py") if path.name != "abi_rules.py")
TESTS = "".join(path.read_text() for path in Path(__file__).parent.glob("test_abi*.py"))


@pytest.mark.parametrize("id_", RULES)
def test_a_rule_is_used_tried_and_says_why(id_: str) -> None:
    assert RULES[id_].endswith(".")
    assert f'"{id_}"' in CODE
    assert re.search(rf"\b{id_}\b", TESTS)


def test_cautious_rules_exist() -> None:
    assert set(RULES) >= CAUTIOUS
