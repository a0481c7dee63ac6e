from __future__ import annotations

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.int_errors import Int32Failed, Uint32Failed
from ipcrt.errors import LocalProtocolError


def test_a_number_is_the_error() -> None:
    assert Int32Failed(-7).error == -7
    assert str(Uint32Failed(7)) == "7"


def test_its_range_is_checked() -> None:
    signed, unsigned = Codec(Int32Failed.ERROR), Codec(Uint32Failed.ERROR)
    assert signed.encode(-7)[0] == b"\xf9"
    for codec, value in ((signed, 1 << 31), (unsigned, -1)):
        with pytest.raises(LocalProtocolError):
            codec.encode(value)
