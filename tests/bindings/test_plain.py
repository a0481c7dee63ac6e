from __future__ import annotations

from ipcrt.bindings.plain import is_list, is_map
from ipcrt.wire.body import decode_value, encode_value


def test_arrays_and_maps_as_the_wire_makes_them() -> None:
    array, pairs, text, number = decode_value(encode_value([[1], {1: 2}, "text", 3]))
    assert is_list(array)
    assert is_map(pairs)
    for other in (pairs, text, number, None):
        assert not is_list(other)
    for other in (array, text, number, None):
        assert not is_map(other)
