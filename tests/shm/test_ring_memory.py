from __future__ import annotations

import mmap
import os

import pytest

from ipcrt.errors import AccessDenied, OutOfRange, RemoteProtocolError
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.ring_layout import Shape, make_shape
from ipcrt.shm.ring_memory import RingMemory, create_memory

SHAPE = make_shape(10_000, 8)
BIG = 1 << 20


def test_it_is_sealed_and_all_of_it_is_there() -> None:
    with create_memory(SHAPE, "test") as vmo:
        assert Seals.SHRINK | Seals.GROW | Seals.SEAL in vmo.seals
        memory = RingMemory(vmo, BIG)
        assert os.fstat(vmo.fileno()).st_blocks * 512 == SHAPE.memory_bytes
        assert memory.shape == SHAPE
        assert memory.words.nbytes == memory.octets.nbytes == SHAPE.memory_bytes
        memory.close()


def test_both_see_the_same_bytes() -> None:
    with create_memory(SHAPE, "test") as vmo:
        one, other = RingMemory(vmo, BIG), RingMemory(vmo, BIG)
        one.words[700] = 77
        assert other.words[700] == 77
        one.close()
        other.close()


@pytest.mark.parametrize("seals", [Seals.NONE, Seals.SHRINK, Seals.GROW])
def test_memory_that_can_be_resized_is_refused(seals: Seals) -> None:
    with Vmo.create(SHAPE.memory_bytes) as vmo:
        vmo.seal(seals)
        with pytest.raises(RemoteProtocolError, match="not sealed"):
            RingMemory(vmo, BIG)
        assert seals | (vmo.seals & Seals.EXEC) == vmo.seals, "it is the peer's to seal"


@pytest.mark.parametrize("size", [0, 100, mmap.PAGESIZE, mmap.PAGESIZE + 8])
def test_memory_of_another_size_is_refused(size: int) -> None:
    with Vmo.create(size) as vmo:
        vmo.seal(Seals.SHRINK | Seals.GROW)
        with pytest.raises(RemoteProtocolError, match=f"{size} bytes"):
            RingMemory(vmo, BIG)


def test_too_much_memory_is_refused_before_any_of_it_is_touched() -> None:
    with Vmo.create(1 << 40) as vmo:
        vmo.seal(Seals.SHRINK | Seals.GROW)
        with pytest.raises(OutOfRange, match=f"exceeds {BIG}"):
            RingMemory(vmo, BIG)
        assert os.fstat(vmo.fileno()).st_blocks == 0


def test_memory_without_a_ring_is_refused_and_unmapped() -> None:
    with Vmo.create(2 * mmap.PAGESIZE) as vmo:
        vmo.seal(Seals.SHRINK | Seals.GROW)
        with pytest.raises(RemoteProtocolError, match="no ring") as caught:
            RingMemory(vmo, BIG)
        vmo.seal(Seals.WRITE)  # possible only while nobody has it mapped for writing
        assert caught.type is RemoteProtocolError, "its frames are not collected yet"


def test_memory_that_only_its_maker_may_write_is_refused() -> None:
    with (
        create_memory(SHAPE, "test") as vmo,
        vmo.duplicate(vmo.rights & ~Rights.WRITE) as read_only,
        pytest.raises(AccessDenied),
    ):
        RingMemory(read_only, BIG)


def test_an_array_of_it_outlives_it() -> None:
    with create_memory(Shape(64, 8), "test") as vmo:
        memory = RingMemory(vmo, BIG)
        part = memory.octets[4096:4104]
        memory.close()
        memory.close()
        assert part.tobytes() == bytes(8)
        part.release()
