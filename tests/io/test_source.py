from __future__ import annotations

import io

import pytest

from ipcrt.errors import InvalidArgs
from ipcrt.io.source import MAX_OFFSET, Offset, Source
from ipcrt.io.ways import run_now


def test_an_offset_moves_as_lseek_moves_it() -> None:
    offset = Offset(5)
    assert offset.move(3, io.SEEK_SET, 0) == 3
    assert offset.move(4, io.SEEK_CUR, 0) == 7
    assert offset.move(-2, io.SEEK_END, 10) == 8
    for wrong in ((-1, 0), (0, 9), (MAX_OFFSET, 1)):
        with pytest.raises(InvalidArgs):
            offset.move(*wrong, 10)
    assert offset.value == 8


def test_what_a_source_has_not_is_unsupported() -> None:
    source = Source()
    view = memoryview(bytearray(1))
    assert not run_now(source.can_seek())
    assert not source.interrupt()
    for call in (
        source.read_into(view, None),
        source.write(view, None),
        source.seek(0, 0),
        source.tell(),
        source.truncate(0),
    ):
        with pytest.raises(io.UnsupportedOperation):
            run_now(call)
    with pytest.raises(io.UnsupportedOperation):
        source.fileno()
    run_now(source.finish(None))
    source.close()
