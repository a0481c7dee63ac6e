"""What this room relies on in msgpack, beside its documented behaviour."""

from __future__ import annotations

import pytest

from ipcrt.wire._msgpack import ext_type, new_packer, unpackb


def test_packs_the_shortest_form() -> None:
    pack = new_packer(default=str).pack
    assert pack(127) == b"\x7f"
    assert pack(128) == b"\xcc\x80"
    assert pack(-32) == b"\xe0"
    assert pack("a" * 31)[0] == 0xBF
    assert pack([0] * 16)[0] == 0xDC
    assert pack(ext_type(1, b"\0")) == b"\xd4\x01\x00"


@pytest.mark.parametrize("data", ["dd 0000ffff", "df 0000ffff"])
def test_believes_no_count_beyond_the_data(data: str) -> None:
    with pytest.raises(ValueError, match=r"exceeds max_\w+_len"):
        unpackb(bytes.fromhex(data))
