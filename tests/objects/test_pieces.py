from __future__ import annotations

import msgspec
import pytest

from ipcrt.objects.pieces import STUB_BYTES, Pieced, length_at, pieced, put_together, stub

PART = b"p" * 70_000
DATA = Pieced(b"ab" + stub(len(PART)) + b"c" + stub(3) + b"", [(2, PART), (8, b"xyz")])
WHOLE = b"ab\xc6" + len(PART).to_bytes(4, "big") + PART + b"c\xc6\0\0\0\x03xyz"


def test_it_is_as_long_as_what_it_stands_for() -> None:
    assert len(DATA) == len(WHOLE)
    assert memoryview(DATA).nbytes == 3 + 2 * STUB_BYTES


def test_put_together_it_is_messagepack() -> None:
    assert put_together(DATA) == WHOLE
    body = Pieced(b"\x92\x01" + stub(len(PART)), [(2, PART)])
    assert msgspec.msgpack.decode(put_together(body)) == [1, PART]


def test_alone_it_is_no_messagepack() -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.msgpack.decode(Pieced(stub(len(PART)), [(0, PART)]))


def test_a_prefix_keeps_the_pieces() -> None:
    longer = b"12345" + DATA
    assert isinstance(longer, Pieced)
    assert put_together(longer) == b"12345" + WHOLE
    assert longer.pieces[0][1] is PART


def test_a_view_knows_its_pieces() -> None:
    view = memoryview(DATA)[1:]
    assert pieced(view) is DATA
    assert put_together(view) == WHOLE[1:]
    assert put_together(memoryview(DATA)[7:]) == WHOLE[7 + len(PART) :]


@pytest.mark.parametrize("data", [b"whole", memoryview(b"whole"), memoryview(bytearray(b"whole"))])
def test_other_data_is_as_it_is(data: bytes | memoryview) -> None:
    assert pieced(data) is None
    assert put_together(data) is data


def test_a_stub_is_as_documented() -> None:
    assert stub(100_000) == b"\xc1\x00\x01\x86\xa0"


def test_where_there_is_no_stub() -> None:
    assert length_at(stub(7), 0) == 7
    assert length_at(DATA, 2) == len(PART)
    with pytest.raises(ValueError, match="0xc6 at 2, expected a stub"):
        length_at(WHOLE, 2)
    with pytest.raises(ValueError, match="beyond 5 bytes"):
        length_at(stub(7), 1)
