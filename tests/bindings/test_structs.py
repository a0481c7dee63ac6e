from __future__ import annotations

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.structs import Struct
from ipcrt.errors import RemoteProtocolError


class Pair(Struct, frozen=True):
    a: int
    b: str


def test_a_struct_is_an_array_of_exactly_its_members() -> None:
    codec = Codec(Pair)
    assert codec.encode(Pair(1, "x"))[0] == b"\x92\x01\xa1x"
    for body in (b"\x91\x01", b"\x93\x01\xa1x\xc0", b"\x82\x01\x01\x02\x02"):
        with pytest.raises(RemoteProtocolError):
            codec.decode(memoryview(body), [])
