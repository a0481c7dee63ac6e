from __future__ import annotations

import pytest

from ipcrt.bindings.allowance import Allowance
from ipcrt.bindings.misuse import Misuse
from ipcrt.errors import InvalidArgs


def test_as_many_as_were_granted_may_come() -> None:
    allowance = Allowance()
    assert allowance.grant(2) == 2
    allowance.receive()
    assert allowance.grant(1) == 1
    assert allowance.left == 2
    allowance.receive()
    allowance.receive()
    with pytest.raises(Misuse, match="beyond what was granted"):
        allowance.receive()
    assert allowance.left == 0


def test_nothing_may_come_unasked() -> None:
    with pytest.raises(Misuse):
        Allowance().receive()


def test_nothing_may_come_after_the_end() -> None:
    allowance = Allowance()
    allowance.grant(5)
    allowance.receive()
    allowance.finish()
    with pytest.raises(Misuse):
        allowance.receive()


@pytest.mark.parametrize("count", [0, -1])
def test_a_grant_of_nothing_is_a_mistake_of_ours(count: int) -> None:
    allowance = Allowance()
    with pytest.raises(InvalidArgs, match=f"a grant of {count}"):
        allowance.grant(count)
    assert allowance.left == 0
