from __future__ import annotations

import os

import pytest

from ipcrt.objects import fresh
from ipcrt.objects.vmo import Vmo

SIZES = [0, 1, 65_537, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9_999_999]


def content(size: int) -> bytes:
    return (b"0123456789abcdef\n" * (size // 17 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_is_equal_and_ones_own(size: int) -> None:
    source = bytearray(content(size))
    with memoryview(source) as view:
        copy = fresh.copy(view)
    source[:] = bytes(size)
    assert type(copy) is bytes
    assert copy == content(size)
    assert hash(copy) == hash(content(size))


@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_read_from_where_one_says(size: int) -> None:
    with Vmo.from_bytes(b"abc" + content(size) + b"def") as vmo:
        assert fresh.read(vmo.fileno(), 3, size) == content(size)


@pytest.mark.parametrize("size", [5, 5 << 20])
def test_a_file_that_ends_before(size: int) -> None:
    with Vmo.create(size - 1) as vmo:
        assert fresh.read(vmo.fileno(), 0, size) == bytes(size - 1)
        assert fresh.read(vmo.fileno(), size, size) == b""


@pytest.mark.parametrize("size", [5, 5 << 20])
def test_what_cannot_be_read_is_an_error(size: int) -> None:
    fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(IsADirectoryError):
            fresh.read(fd, 0, size)
    finally:
        os.close(fd)
