from __future__ import annotations

import os

import pytest

from ipcrt.errors import AccessDenied, InvalidArgs
from ipcrt.objects.rights import ALL, BASIC, IO, Rights, of_access_mode, reduce, require


def test_the_numbers_are_zircons() -> None:
    assert [int(right) for right in Rights] == [
        *(1 << bit for bit in (0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 15)),
        1 << 31,
    ]


def test_all_is_everything_but_the_mark_for_the_same() -> None:
    assert [right for right in Rights if right not in ALL] == [Rights.SAME_RIGHTS]


def test_rights_may_shrink_and_never_grow() -> None:
    assert reduce(IO, Rights.READ) == Rights.READ
    assert reduce(IO, Rights.SAME_RIGHTS) == IO
    assert reduce(IO, Rights.NONE) == Rights.NONE
    with pytest.raises(InvalidArgs, match="MAP"):
        reduce(IO, Rights.READ | Rights.MAP)


def test_what_is_missing_is_named() -> None:
    require(BASIC, Rights.WAIT, "wait")
    with pytest.raises(AccessDenied, match=r"map needs .*MAP.*, the handle has"):
        require(IO, Rights.READ | Rights.MAP, "map")


@pytest.mark.parametrize(
    "mode,rights",
    [
        (os.O_RDONLY, Rights.READ),
        (os.O_WRONLY | os.O_APPEND, Rights.WRITE),
        (os.O_RDWR, IO),
        (os.O_ACCMODE, Rights.NONE),
    ],
)
def test_an_access_mode_gives_rights(mode: int, rights: Rights) -> None:
    assert of_access_mode(mode) == rights
