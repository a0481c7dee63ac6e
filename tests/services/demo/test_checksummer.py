from __future__ import annotations

import hashlib

import pytest

from ipcrt.objects.seals import IMMUTABLE
from ipcrt_services.demo.checksummer import digest_of_vmo, filled_vmo


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) + 7])
def test_what_was_filled_here_is_summed_there(size: int) -> None:
    vmo, digest = filled_vmo(size)
    with vmo:
        assert vmo.content_size == size
        assert vmo.seals & IMMUTABLE == IMMUTABLE
        assert hashlib.sha256(vmo.read(0, size)).digest() == digest
        assert digest_of_vmo(vmo) == digest


def test_no_two_have_the_same_content() -> None:
    first, one = filled_vmo(100)
    second, other = filled_vmo(100)
    with first, second:
        assert one != other
