from __future__ import annotations

import array

import numpy as np
import pytest

from ipcrt.errors import InvalidArgs
from ipcrt.shm.ring_octets import octets_of


def test_plain_buffers_are_shown_as_bytes_without_a_copy() -> None:
    for data in (bytearray(b"abcd"), memoryview(bytearray(b"abcd")), array.array("i", [7])):
        view = octets_of(data)
        assert (view.format, view.nbytes, view.ndim) == ("B", 4, 1)
        view[0] = 9
        assert memoryview(data).tobytes()[0] == 9


def test_bytes_are_read_only() -> None:
    assert octets_of(b"abcd").readonly


def test_arrays_of_any_kind_are_shown() -> None:
    pairs = np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "<i4"), ("b", "<f8")])
    assert octets_of(pairs) == pairs.tobytes()
    grid = np.arange(6, dtype="<u2").reshape(2, 3)
    assert octets_of(grid) == grid.tobytes()
    assert len(octets_of(np.empty(0, "<u8"))) == 0


def test_what_has_gaps_is_refused() -> None:
    for data in (memoryview(b"abcd")[::2], np.arange(6)[::2]):
        with pytest.raises(InvalidArgs, match="not contiguous"):
            octets_of(data)
