from __future__ import annotations

from ipcrt.wire.header import (
    EPITAPH_ORDINAL,
    FLEXIBLE,
    HEADER,
    HEADER_BYTES,
    MAX_ORDINAL,
    MORE,
    RESERVED_BITS,
    SPILLED,
    VERSION_1,
    VERSION_BITS,
)


def test_the_fields_stand_where_the_format_says() -> None:
    packed = HEADER.pack(0x04030201, 0x0605, 0x07, 0x08, 0x100F0E0D0C0B0A09)
    assert packed == bytes(range(1, 17))
    assert len(packed) == HEADER_BYTES


def test_every_flag_bit_has_one_meaning() -> None:
    bits = (MORE, FLEXIBLE, SPILLED, RESERVED_BITS, VERSION_BITS)
    assert sum(bits) == 0xFF
    assert MORE | FLEXIBLE | SPILLED | RESERVED_BITS | VERSION_BITS == 0xFF
    assert VERSION_1 & VERSION_BITS == VERSION_1 == 0x20


def test_no_method_has_the_epitaphs_ordinal() -> None:
    assert MAX_ORDINAL == 2**63 - 1
    assert EPITAPH_ORDINAL == 2**64 - 1
