from __future__ import annotations

import threading
from typing import Any

import pytest

from ipcrt.errors import BadHandle, InvalidArgs, OutOfRange
from ipcrt.shm import section_writer
from ipcrt.shm.checksum import checksum
from ipcrt.shm.layout import SLOTS, WORD_BYTES, Layout, Section
from ipcrt.shm.record import U8, Record
from ipcrt.shm.section_writer import SectionWriter


class Pair(Record):
    a: U8
    b: U8


PAIR = Section("pair", Pair)
LAYOUT = Layout("pairs", (PAIR,))
PLACE = LAYOUT.places[0]


class Scene:
    """A section in plain memory."""

    def __init__(self, *, checked: bool = False) -> None:
        self.memory = bytearray(LAYOUT.size)
        self.woken: list[int] = []
        self.writer = SectionWriter(
            PAIR, PLACE, memoryview(self.memory), checked=checked, wake=self.wake
        )

    def wake(self) -> None:
        self.woken.append(self.version)

    def word(self, at: int) -> int:
        return memoryview(self.memory).cast("Q")[at // WORD_BYTES]

    @property
    def version(self) -> int:
        return self.word(PLACE.begin)

    def slot(self, number: int) -> bytes:
        begin = PLACE.slot(number)
        return bytes(self.memory[begin : begin + PLACE.size])


def test_each_version_has_its_slot() -> None:
    scene = Scene()
    for number in range(1, 10):
        before = [scene.slot(slot) for slot in range(SLOTS)]
        assert scene.writer.publish(Pair(number, number + 1)) == number
        assert scene.version == scene.writer.version == number
        before[number % SLOTS] = bytes((number, number + 1))
        assert [scene.slot(slot) for slot in range(SLOTS)] == before, "no other slot was touched"


def test_a_value_is_whole_before_its_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Watching:
        """Stands in for the shape, and looks at the version while the value is written."""

        size = PAIR.shape.size

        def pack_into(self, memory: memoryview, value: Pair) -> None:
            seen.append(scene.version)
            PAIR.shape.pack_into(memory, value)
            seen.append(scene.version)

    def watch_sum(data: memoryview, version: int) -> int:
        seen.append(scene.version)
        return checksum(data, version)

    scene = Scene(checked=True)
    watching: Any = Watching()
    scene.writer._shape = watching
    monkeypatch.setattr(section_writer, "checksum", watch_sum)
    for number in range(3):
        scene.writer.publish(Pair(1, 2))
        assert seen == [number] * 3
        assert scene.version == number + 1
        seen.clear()


def test_waking_comes_last() -> None:
    scene = Scene()
    scene.writer.publish(Pair(1, 1))
    scene.writer.publish_bytes(b"\2\2")
    assert scene.woken == [1, 2]


def test_packed_values_are_published_as_they_are() -> None:
    scene = Scene()
    assert scene.writer.publish_bytes(memoryview(b"\5\6")) == 1
    assert scene.slot(1) == b"\5\6"
    with pytest.raises(InvalidArgs, match="3 bytes are not the 2"):
        scene.writer.publish_bytes(b"\5\6\7")
    assert scene.version == 1


def test_what_does_not_fit_is_not_published() -> None:
    scene = Scene()
    scene.writer.publish(Pair(1, 2))
    with pytest.raises(OutOfRange):
        scene.writer.publish(Pair(1, 256))
    with pytest.raises(InvalidArgs):
        scene.writer.publish(object())  # type: ignore[arg-type]
    assert scene.version == 1
    assert scene.slot(1) == b"\1\2"
    assert scene.woken == [1]
    assert scene.writer.publish(Pair(3, 4)) == 2


def test_a_checked_value_bears_its_sum() -> None:
    scene = Scene(checked=True)
    for number in range(1, 6):
        scene.writer.publish(Pair(7, 8))
        found = scene.word(PLACE.slot(number % SLOTS) - WORD_BYTES)
        assert found == checksum(b"\7\10", number)
    assert Scene().word(PLACE.slot(1) - WORD_BYTES) == 0


def test_many_threads_may_publish() -> None:
    def work() -> None:
        seen.extend(scene.writer.publish(Pair(1, 1)) for _ in range(500))

    scene = Scene()
    seen: list[int] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 2001))


def test_a_released_one_says_so() -> None:
    scene = Scene()
    scene.writer.release()
    with pytest.raises(BadHandle):
        scene.writer.publish(Pair(1, 1))
    with pytest.raises(BadHandle):
        scene.writer.publish_bytes(b"\1\1")
