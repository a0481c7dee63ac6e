from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.fidl.lint_catalogue import CHECKS

TESTS = "".join(path.read_text() for path in Path(__file__).parent.glob("test_lint_*.py"))


@pytest.mark.parametrize("id_", CHECKS)
def test_a_check_says_why_and_has_cases(id_: str) -> None:
    check = CHECKS[id_]
    assert check.id == id_
    assert check.reason.endswith((".", "?"))
    assert "  " not in check.reason
    assert f'"{id_}": Case(' in TESTS
