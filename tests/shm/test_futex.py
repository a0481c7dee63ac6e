from __future__ import annotations

import mmap
import platform
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.shm import futex
from tests.support.processes import Spawner

WAITER = """
import sys
from ipcrt.objects.vmo import Vmo
from ipcrt.shm import futex

vmo = Vmo(int(sys.argv[1]))
mapping = vmo.map()
memory = memoryview(mapping)
print("ready", flush=True)
while memory.cast("Q")[1] == 5:
    futex.wait(futex.address_of(memory) + 8, 5, 20.0)
print(memory.cast("Q")[1])
vmo.close()
"""


@pytest.fixture
def vmo() -> Iterator[Vmo]:
    with Vmo.create(mmap.PAGESIZE) as made:
        yield made


@pytest.fixture
def memory(vmo: Vmo) -> Iterator[memoryview]:
    with vmo.map(writable=True) as mapping, memoryview(mapping) as octets:
        yield octets


def test_the_address_is_where_the_memory_lies(memory: memoryview) -> None:
    import ctypes

    memory[100:104] = b"here"
    assert ctypes.string_at(futex.address_of(memory) + 100, 4) == b"here"
    assert futex.address_of(memory[8:]) == futex.address_of(memory) + 8


def test_a_read_only_waiter_in_another_process_is_woken(
    vmo: Vmo, memory: memoryview, spawn_python: Spawner
) -> None:
    words = memory.cast("Q")
    words[1] = 5
    wake = futex.waker(futex.address_of(memory) + 8)
    with vmo.duplicate(Rights.READ | Rights.MAP | Rights.INSPECT) as sent:
        child = spawn_python(WAITER, sent.fileno(), pass_fds=[sent.fileno()])
        assert child.line() == "ready"
        while not wake():  # answers how many it woke
            time.sleep(0.001)
        words[1] = 6
        while wake():
            pass
        assert child.line() == "6"
        child.finish()
    words.release()


def test_a_changed_word_is_not_waited_for(memory: memoryview) -> None:
    with memory.cast("Q") as words:
        words[0] = (1 << 32) + 1
    begin = time.monotonic()
    futex.wait(futex.address_of(memory), 2, 20.0)
    assert time.monotonic() - begin < 10


def test_the_lower_half_is_watched(memory: memoryview) -> None:
    half = memory.cast("I")
    half[0 if sys.byteorder == "little" else 1] = 7
    begin = time.monotonic()
    futex.wait(futex.address_of(memory), (3 << 32) + 7, 0.05)
    assert time.monotonic() - begin > 0.04
    half.release()


def test_memory_that_is_gone_is_not_waited_for() -> None:
    begin = time.monotonic()
    futex.wait(1 << 46, 0, 20.0)
    assert time.monotonic() - begin < 10


def test_where_nothing_is_known_a_wait_is_a_nap(
    memory: memoryview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "abacus")
    begin = time.monotonic()
    futex.wait(futex.address_of(memory), 0, 20.0)
    assert time.monotonic() - begin < 10
    assert not futex.waker(futex.address_of(memory))()


def test_a_wait_lets_other_threads_run(memory: memoryview) -> None:
    wake = futex.waker(futex.address_of(memory))
    waiter = threading.Thread(target=futex.wait, args=(futex.address_of(memory), 0, 20.0))
    waiter.start()
    while not wake():
        time.sleep(0.001)
    waiter.join()
