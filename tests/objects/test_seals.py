from __future__ import annotations

import mmap
import os

import pytest

from ipcrt.errors import BadState, InvalidArgs
from ipcrt.objects._fd import create_memfd
from ipcrt.objects.handle import Handle
from ipcrt.objects.seals import IMMUTABLE, Seals, add_seals, seals_of


def test_the_numbers_are_the_kernels() -> None:
    with Handle(create_memfd("x")) as memory:
        fd = memory.fileno()
        os.ftruncate(fd, 10)
        for seal, forbidden in (
            (Seals.SHRINK, lambda: os.ftruncate(fd, 9)),
            (Seals.GROW, lambda: os.ftruncate(fd, 11)),
            (Seals.FUTURE_WRITE, lambda: os.pwrite(fd, b"x", 0)),
            (Seals.WRITE, lambda: mmap.mmap(fd, 10)),
            (Seals.SEAL, lambda: add_seals(fd, Seals.EXEC)),
        ):
            add_seals(fd, seal)
            assert seals_of(fd) & seal
            with pytest.raises((PermissionError, BadState)):
                forbidden()


def test_what_is_sealed_against_sealing_stays_as_it_is() -> None:
    with Handle(create_memfd("x")) as memory:
        add_seals(memory.fileno(), IMMUTABLE)
        with pytest.raises(BadState, match=r"cannot add .*FUTURE_WRITE"):
            add_seals(memory.fileno(), Seals.FUTURE_WRITE)


def test_what_is_mapped_for_writing_cannot_be_sealed_against_it() -> None:
    with Handle(create_memfd("x")) as memory:
        os.ftruncate(memory.fileno(), 10)
        with mmap.mmap(memory.fileno(), 10):
            with pytest.raises(BadState, match="busy"):
                add_seals(memory.fileno(), Seals.WRITE)
            add_seals(memory.fileno(), Seals.FUTURE_WRITE)


def test_a_file_has_no_seals() -> None:
    with Handle(os.open(__file__, os.O_RDONLY)) as file, pytest.raises(InvalidArgs):
        seals_of(file.fileno())
