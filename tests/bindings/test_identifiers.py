from __future__ import annotations

import pytest

from ipcrt.bindings.identifiers import Identifiers
from ipcrt.errors import NoResources, NotFound


def test_numbers_begin_at_one_and_rise() -> None:
    identifiers = Identifiers()
    assert [identifiers.allocate() for _ in range(3)] == [1, 2, 3]
    assert len(identifiers) == 3


def test_a_freed_number_comes_again_last() -> None:
    identifiers = Identifiers(2)
    assert [identifiers.allocate() for _ in range(2)] == [1, 2]
    identifiers.free(1)
    assert identifiers.allocate() == 3
    assert identifiers.allocate() == 1


def test_no_number_is_given_twice() -> None:
    identifiers = Identifiers(2)
    assert {identifiers.allocate() for _ in range(3)} == {1, 2, 3}
    with pytest.raises(NoResources, match="3 identifiers are in use"):
        identifiers.allocate()
    identifiers.free(2)
    assert identifiers.allocate() == 2


def test_the_servers_limit_counts() -> None:
    identifiers = Identifiers(limit=2)
    identifiers.allocate()
    identifiers.allocate()
    with pytest.raises(NoResources, match="2 identifiers are in use"):
        identifiers.allocate()
    identifiers.free(1)
    assert identifiers.allocate() == 3


@pytest.mark.parametrize("identifier", [0, 2, -1])
def test_a_number_that_is_not_in_use_cannot_be_freed(identifier: int) -> None:
    identifiers = Identifiers()
    identifiers.allocate()
    with pytest.raises(NotFound, match=f"identifier {identifier} "):
        identifiers.free(identifier)
    identifiers.free(1)
    with pytest.raises(NotFound):
        identifiers.free(1)
