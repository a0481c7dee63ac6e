"""Which methods have a shortcut; what it does is told in tests/_speedups/test_dispatch.py."""

from __future__ import annotations

from types import NoneType
from typing import Any

import pytest

from ipcrt._speedups.chosen import ACTIVE
from ipcrt.bindings.route import Route
from ipcrt.bindings.shortcut import shortcut_for
from tests.bindings.calc import ADD, CRASH, DIVIDE, ECHO, HANG, NOTE, REVERSE, SUM, Number, Pair


class Anything:
    """Has every handler."""

    def __getattr__(self, name: str) -> object:
        return name


@pytest.mark.parametrize(
    "method,answer,head_bytes",
    [(ADD, Number, 16), (DIVIDE, Number, 18), (CRASH, Number, 16), (HANG, NoneType, 19)],
)
def test_a_plain_method_has_one(method: Any, answer: type[Any], head_bytes: int) -> None:
    found = shortcut_for(Route(method, Anything()))
    assert found is not None
    assert found.answer is answer
    assert (found.encode is None) is (answer is NoneType)
    assert len(found.head) == head_bytes
    assert (found.decode is None) is (method.request.type is NoneType)
    if found.decode is not None:
        assert found.arguments(found.decode(b"\x92\x06\x03")) == (6, 3)
        assert found.decode(b"\x92\x06\x03") == Pair(6, 3)


@pytest.mark.parametrize("method", [ECHO, NOTE], ids=lambda method: method.name)
def test_what_takes_more_than_msgspec_has_none(method: Any) -> None:
    assert shortcut_for(Route(method, Anything())) is None


@pytest.mark.parametrize("method", [SUM, REVERSE], ids=lambda method: method.name)
def test_what_has_handles_has_one_where_c_makes_them(method: Any) -> None:
    assert (shortcut_for(Route(method, Anything())) is not None) is ACTIVE
