"""Each case of the gate does its operation, again and again."""

from __future__ import annotations

import contextlib

import pytest

from tests.gate.cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_a_case_works(name: str) -> None:
    case, _ = CASES[name]
    with contextlib.ExitStack() as stack:
        work = case(stack)
        work(3)
        work(2)
