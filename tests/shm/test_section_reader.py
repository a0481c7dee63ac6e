from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ipcrt.errors import BadHandle, BadState, ShouldWait
from ipcrt.shm.layout import SLOTS, WORD_BYTES
from ipcrt.shm.section_reader import SectionReader
from ipcrt.shm.section_writer import SectionWriter
from ipcrt.shm.state_format import NOTES, Notes
from tests.shm.state_scene import LAYOUT, WORDS, Words, no_sleep

PLACE = LAYOUT.places[1]


def _words(number: int) -> Words:
    return Words((number,) * 32)


class Scene:
    """A section in plain memory, and both of its ends."""

    def __init__(self, *, checked: bool = False) -> None:
        self.memory = bytearray(LAYOUT.size)
        self.words = memoryview(self.memory).cast("Q")
        octets = memoryview(self.memory)
        self.writer = SectionWriter(WORDS, PLACE, octets, checked=checked, wake=None)
        self.reader = SectionReader(WORDS, PLACE, octets.toreadonly(), checked=checked)

    def publish(self, *numbers: int) -> None:
        for number in numbers:
            self.writer.publish(_words(number))

    def on_copy(self, reader: SectionReader[Words], act: Callable[[int], None]) -> None:
        """Have `act(how many copies were made)` called right after each of the reader's."""
        made: list[int] = []

        slots = list(reader._slots)

        class Slots:
            def __getitem__(self, number: int) -> bytes:
                data = bytes(slots[number])
                made.append(number)
                act(len(made))
                return data

        replaced: Any = Slots()
        reader._slots = replaced


@pytest.fixture(params=[False, True], ids=["plain", "checked"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(checked=request.param)


def test_the_newest_is_read(scene: Scene) -> None:
    for number in range(1, 20):
        scene.publish(number)
        assert scene.reader.read() == _words(number)
        assert scene.reader.snapshot() == WORDS.shape.pack(_words(number))
        assert scene.reader.versioned() == (number, scene.reader.snapshot())
        assert scene.reader.version == number


def test_before_the_first_there_is_nothing(scene: Scene) -> None:
    assert scene.reader.version == 0
    for read in (
        scene.reader.snapshot,
        scene.reader.read,
        scene.reader.versioned,
        scene.reader.view,
        scene.reader.array,
    ):
        with pytest.raises(ShouldWait, match="nothing was published in section words yet"):
            read()


def test_a_value_that_was_half_written_is_not_seen(scene: Scene) -> None:
    scene.publish(1, 2)
    begin = PLACE.slot(3)
    scene.memory[begin : begin + 100] = b"\xff" * 100
    assert scene.reader.read() == _words(2)


@pytest.mark.parametrize("newer", range(1, SLOTS - 1))
def test_a_copy_stands_while_its_slot_does(scene: Scene, newer: int) -> None:
    def publish_more(copies: int) -> None:
        if copies == 1:
            scene.publish(*range(2, newer + 2))

    scene.publish(1)
    scene.on_copy(scene.reader, publish_more)
    assert scene.reader.versioned() == (1, WORDS.shape.pack(_words(1)))


def test_an_overtaken_copy_is_made_again(scene: Scene) -> None:
    def overtake(copies: int) -> None:
        if copies == 1:
            scene.publish(*range(2, SLOTS + 1))

    scene.publish(1)
    scene.on_copy(scene.reader, overtake)
    assert scene.reader.versioned() == (SLOTS, WORDS.shape.pack(_words(SLOTS)))


def test_a_snapshot_looks_at_the_version_again(scene: Scene) -> None:
    def overtake(copies: int) -> None:
        if copies == 1:
            scene.publish(*range(2, SLOTS + 1))

    scene.publish(1)
    scene.on_copy(scene.reader, overtake)
    assert scene.reader.read() == _words(SLOTS)


def test_a_version_that_goes_back_is_not_trusted(scene: Scene) -> None:
    def turn_back(copies: int) -> None:
        if copies == 1:
            scene.words[PLACE.word] = 1

    scene.publish(1, 2, 3)
    scene.on_copy(scene.reader, turn_back)
    assert scene.reader.versioned()[0] == 1


def test_a_reader_that_is_always_overtaken_gives_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)

    def overtake(copies: int) -> None:
        del copies
        scene.publish(*range(SLOTS))

    scene.publish(1)
    scene.on_copy(scene.reader, overtake)
    with pytest.raises(BadState, match="no copy of section words in 264 was whole"):
        scene.reader.versioned()
    assert naps == [0.0005] * 200


def test_one_wrong_byte_is_noticed_where_values_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "sleep", no_sleep)
    scene = Scene(checked=True)
    scene.publish(1, 2)
    for at in (0, 100, 255):
        scene.memory[PLACE.slot(2) + at] ^= 1
        with pytest.raises(BadState):
            scene.reader.snapshot()
        scene.memory[PLACE.slot(2) + at] ^= 1
    assert scene.reader.read() == _words(2)


def test_stores_that_are_seen_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version is seen before the value is, as on a machine that keeps no order."""
    scene = Scene(checked=True)
    scene.publish(1, 2)
    begin = PLACE.slot(3) - WORD_BYTES
    late = slice(begin, begin + WORD_BYTES + PLACE.size)
    before = bytes(scene.memory[late])
    scene.publish(3)
    after = bytes(scene.memory[late])
    half = len(after) // 2
    stages = [before, after[:half] + before[half:], before[:half] + after[half:], after]
    scene.memory[late] = stages.pop(0)

    def arrive(copies: int) -> None:
        if copies % 3 == 0 and stages:
            scene.memory[late] = stages.pop(0)

    scene.on_copy(scene.reader, arrive)
    assert scene.reader.versioned() == (3, WORDS.shape.pack(_words(3)))
    assert not stages


def test_an_old_value_with_its_old_sum_is_no_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", no_sleep)
    scene = Scene(checked=True)
    scene.publish(1)
    scene.words[PLACE.word] = 1 + SLOTS
    with pytest.raises(BadState):
        scene.reader.snapshot()


def test_a_view_tells_until_when_it_was_whole(scene: Scene) -> None:
    scene.publish(1)
    version, view = scene.reader.view()
    assert view.readonly
    assert bytes(view) == scene.reader.snapshot()
    assert scene.reader.is_whole(version)
    scene.publish(2, 3)
    assert scene.reader.is_whole(version)
    assert bytes(view) == WORDS.shape.pack(_words(1))
    scene.publish(4)
    assert not scene.reader.is_whole(version), "the fifth may be on its way"
    assert not scene.reader.is_whole(9)


def test_numpy_looks_at_the_memory_itself(scene: Scene) -> None:
    pytest.importorskip("numpy")
    scene.publish(1)
    version, array = scene.reader.array()
    assert version == 1
    assert array["words"].tolist() == [1] * 32
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        array["words"][0] = 5
    scene.publish(2, 3, 4, 5)
    assert array["words"].tolist() == [5] * 32, "no copy: the slot's next value"
    assert scene.reader.array()[1]["words"].tolist() == [5] * 32


def test_a_quiet_section_says_so() -> None:
    scene = Scene()
    assert not scene.reader.is_quiet
    scene.words[PLACE.word + NOTES] = Notes.QUIET
    assert SectionReader(WORDS, PLACE, memoryview(scene.memory), checked=False).is_quiet


def test_a_released_one_says_so(scene: Scene) -> None:
    scene.publish(1)
    reader = scene.reader
    reader.release()
    for use in (reader.snapshot, reader.read, reader.versioned, reader.view, reader.array):
        with pytest.raises(BadHandle):
            use()
    with pytest.raises(BadHandle):
        _ = reader.version
    with pytest.raises(BadHandle):
        reader.is_whole(1)
