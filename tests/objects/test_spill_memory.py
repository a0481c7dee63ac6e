from __future__ import annotations

import fcntl
import mmap
import os
import resource
import signal
from collections.abc import Callable, Iterator

import pytest

from ipcrt.objects import spill_memory
from ipcrt.objects.channel import Channel
from ipcrt.objects.rights import Rights
from ipcrt.objects.seals import Seals
from ipcrt.objects.spill_memory import MAX_POOLED_BYTES, SpillMemory
from ipcrt.objects.vmo import Vmo
from tests.support.proc import open_fds

MIB = 1 << 20


class Timer:
    """What is to be called later; the test calls it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, seconds: float, what: Callable[[], None]) -> None:
        assert seconds == spill_memory.IDLE_SECONDS
        self.waiting.append(what)

    def run(self) -> None:
        [what] = self.waiting
        self.waiting.clear()
        what()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def memory(timer: Timer) -> Iterator[SpillMemory]:
    memory = SpillMemory(timer)
    yield memory
    memory.close()
    assert (memory.pooled_bytes, memory.mapped_bytes) == (0, 0)


def take(memory: SpillMemory, owner: int = 1, size: int = MIB) -> spill_memory.Slot:
    slot = memory.take(owner, size)
    assert slot is not None
    return slot


# ---- sending


def test_a_memfd_is_used_again_when_its_lease_is_closed(memory: SpillMemory) -> None:
    first = take(memory)
    lease = first.open_lease()
    second = take(memory)
    assert second is not first
    os.close(lease)
    assert take(memory) is first
    assert memory.pooled_bytes == 2 * first.capacity


def test_a_lease_in_a_queue_is_as_good_as_one_held(memory: SpillMemory) -> None:
    slot = take(memory)
    near, far = Channel.create()
    with near, far:
        lease = slot.open_lease()
        near.send(b"x", [lease])
        os.close(lease)
        assert not slot.is_free()
        message = far.read()
        assert not slot.is_free()
        message.close()
        assert slot.is_free()
        lease = slot.open_lease()
        near.send(b"x", [lease])
        os.close(lease)
    assert slot.is_free(), "the message died with its queue"


def test_a_mapping_of_the_memfd_does_not_hold_it(memory: SpillMemory) -> None:
    slot = take(memory)
    with mmap.mmap(slot.fd, slot.capacity, mmap.MAP_SHARED, mmap.PROT_READ) as mapping:
        assert slot.is_free()
        slot.view[:5] = b"hello"
        assert mapping[:5] == b"hello"


def test_two_channels_never_share_a_memfd(memory: SpillMemory) -> None:
    assert take(memory, 1) is not take(memory, 2)
    assert take(memory, 1) is take(memory, 1)


def test_a_holder_can_neither_write_nor_resize_it(memory: SpillMemory) -> None:
    slot = take(memory)
    lease = slot.open_lease()
    reopened = os.open(f"/proc/self/fd/{lease}", os.O_RDWR)
    try:
        for fd in (slot.fd, lease, reopened):
            with pytest.raises(OSError, match=r"not permitted|Bad file"):
                os.pwrite(fd, b"x", 0)
            with pytest.raises(PermissionError):
                mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_WRITE | mmap.PROT_READ)
            with pytest.raises(OSError, match=r"not permitted|Invalid"):
                os.ftruncate(fd, 0)
        assert not slot.is_free(), "somebody has it open for writing"
    finally:
        os.close(reopened)
        os.close(lease)
    assert slot.is_free()
    assert not os.get_inheritable(slot.fd)
    assert not os.get_inheritable(slot.watch)


def test_the_signal_of_a_broken_lease_is_harmless(memory: SpillMemory) -> None:
    assert fcntl.fcntl(take(memory).watch, fcntl.F_GETSIG) == signal.SIGURG
    assert signal.getsignal(signal.SIGURG) == signal.SIG_DFL  # which is to be ignored


def test_a_holder_may_not_make_the_sender_wait(memory: SpillMemory) -> None:
    """A read lease of the receiver's own: no reopening and no test of ours waits for it."""
    slot = take(memory)
    lease = slot.open_lease()
    try:
        fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        assert not slot.is_free()
        os.close(slot.open_lease())
    finally:
        os.close(lease)
    assert slot.is_free()


def test_with_too_many_in_flight_there_are_no_more(memory: SpillMemory) -> None:
    leases = [take(memory, size=70_000).open_lease() for _ in range(8)]
    try:
        assert memory.take(1, 70_000) is None
        assert memory.take(1, 700_000) is not None
        assert memory.take(2, 70_000) is not None
    finally:
        for lease in leases:
            os.close(lease)
    assert memory.take(1, 70_000) is not None


def test_the_oldest_are_given_up_where_there_is_too_much(memory: SpillMemory) -> None:
    half = MAX_POOLED_BYTES // 2
    first, second = take(memory, 1, half), take(memory, 2, half)
    assert memory.pooled_bytes == MAX_POOLED_BYTES
    take(memory, 1, half)  # used last
    third = take(memory, 3, half)
    assert take(memory, 1, half) is first
    assert (second.fd, third.fd >= 0) == (-1, True)
    assert memory.pooled_bytes == MAX_POOLED_BYTES
    assert memory.take(1, MAX_POOLED_BYTES + 1) is None
    for owner in range(100):
        take(memory, owner, 70_000)
    assert memory.pooled_bytes <= MAX_POOLED_BYTES
    assert len(memory._slots) == 16


def test_a_memfd_is_an_eighth_too_large_at_most(memory: SpillMemory) -> None:
    for size in (1, 65_537, 100_000, MIB - 1, MIB, MIB + 1, 3 * MIB, 64 * MIB, 64 * MIB + 1):
        assert size <= spill_memory._capacity(size) <= max(65_536 + size, size * 9 // 8)
    assert spill_memory._capacity(64 * MIB) == 64 * MIB


def test_what_is_not_used_is_given_up(memory: SpillMemory, timer: Timer) -> None:
    before = open_fds()
    busy, idle = take(memory, 1), take(memory, 2)
    timer.run()
    assert take(memory, 1) is busy
    timer.run()
    assert (busy.fd >= 0, idle.fd) == (True, -1)
    timer.run()
    assert timer.waiting == []
    assert (open_fds(), memory.pooled_bytes) == (before, 0)
    take(memory, 1)
    assert len(timer.waiting) == 1


def test_a_channel_that_ends_takes_its_memfds_with_it(memory: SpillMemory) -> None:
    before = open_fds()
    near, far = Channel.create()
    with far:
        near.spill_memory = far.spill_memory = memory
        near.write(bytes(100_000))
        assert memory.pooled_bytes > 0
        assert far.read().data == bytes(100_000)
        near.close()
        assert memory.pooled_bytes == 0
    memory.close()
    assert open_fds() == before


@pytest.mark.parametrize("spare", range(3))
def test_without_descriptors_there_is_none_and_none_is_lost(
    memory: SpillMemory, spare: int
) -> None:
    before = open_fds()
    lowest_free = os.dup(0)
    os.close(lowest_free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + spare, hard))
    try:
        assert memory.take(1, MIB) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert open_fds() == before
    assert memory.pooled_bytes == 0


# ---- receiving


def sealed(size: int, seals: Seals = Seals.SHRINK) -> Vmo:
    vmo = Vmo.create(size)
    vmo.seal(seals)
    return vmo


def test_a_mapping_is_kept(memory: SpillMemory) -> None:
    with sealed(MIB) as vmo, vmo.duplicate() as again:
        view = memory.map(vmo.fileno(), MIB)
        assert view is not None
        vmo.write(0, b"hello")
        assert bytes(view[:5]) == b"hello"
        assert memory.map(again.fileno(), 5) is view
        assert memory.mapped_bytes == MIB


@pytest.mark.parametrize("seals", [Seals.NONE, Seals.GROW, Seals.WRITE])
def test_what_may_shrink_is_not_mapped(memory: SpillMemory, seals: Seals) -> None:
    with sealed(MIB, seals) as vmo:
        assert memory.map(vmo.fileno(), MIB) is None
    assert memory.mapped_bytes == 0


def test_what_cannot_be_mapped_is_not(memory: SpillMemory) -> None:
    read_end, write_end = os.pipe()
    with sealed(MIB) as vmo, sealed(0) as empty, sealed(MAX_POOLED_BYTES + 1) as huge:
        with vmo.duplicate(vmo.rights & ~Rights.READ) as unreadable:
            assert memory.map(unreadable.fileno(), 5) is None
        assert memory.map(vmo.fileno(), MIB + 1) is None
        assert memory.map(empty.fileno(), 0) is None
        assert memory.map(huge.fileno(), 5) is None
        assert memory.map(read_end, 5) is None
    os.close(read_end)
    os.close(write_end)


def test_mappings_are_bounded_and_given_up(memory: SpillMemory, timer: Timer) -> None:
    before = open_fds()
    for _ in range(5):
        with sealed(MAX_POOLED_BYTES // 2) as vmo:
            assert memory.map(vmo.fileno(), 5) is not None
        assert memory.mapped_bytes <= MAX_POOLED_BYTES
    for _ in range(100):
        with sealed(5) as vmo:
            assert memory.map(vmo.fileno(), 5) is not None
    assert len(memory._mapped) == 16
    timer.run()
    assert memory.mapped_bytes > 0
    timer.run()
    assert (memory.mapped_bytes, timer.waiting, open_fds()) == (0, [], before)
