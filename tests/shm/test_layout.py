from __future__ import annotations

from typing import Any

import pytest

from ipcrt.errors import InvalidArgs, NotFound, OutOfRange
from ipcrt.shm.layout import LINE_BYTES, MAX_SECTIONS, SLOTS, WORD_BYTES, Layout, Section
from ipcrt.shm.record import F32, U8, U32, U64, Record, record_shape
from ipcrt.shm.shape import SCALARS, Member, Shape
from tests.shm.state_scene import FOV, HEAD, LAYOUT, Fov, Head, Words


class Other(Record):
    left: F32
    right: F32


class Swapped(Record):
    right: F32
    left: F32


class Wider(Record):
    left: F32
    right: U32


class Devices(Record):
    head: Head
    fov: Fov


class Flat(Record):
    head: Head
    count: U8


class Big(Record):
    a: U64


def test_nothing_overlaps_and_all_begins_at_a_line() -> None:
    taken: set[int] = set(range(LINE_BYTES))
    for place in LAYOUT.places:
        assert place.begin % LINE_BYTES == 0
        assert place.word * WORD_BYTES == place.begin
        parts = [range(place.begin, place.begin + LINE_BYTES)]
        for number in range(SLOTS):
            begin = place.slot(number) - WORD_BYTES
            assert begin % LINE_BYTES == 0
            parts.append(range(begin, begin + place.stride))
            assert place.slot(number) + place.size <= begin + place.stride
        for part in parts:
            assert taken.isdisjoint(part)
            taken.update(part)
    assert taken == set(range(LAYOUT.size))


@pytest.mark.parametrize(
    "name, sections",
    [
        ("other", (HEAD, FOV)),
        ("scene", (FOV, HEAD)),
        ("scene", (HEAD,)),
        ("scene", (HEAD, Section("view", Fov))),
        ("scene", (HEAD, Section("fov", Swapped))),
        ("scene", (HEAD, Section("fov", Wider))),
    ],
)
def test_the_hash_tells_layouts_apart(name: str, sections: tuple[Section[Any], ...]) -> None:
    assert Layout(name, sections).hash != Layout("scene", (HEAD, FOV)).hash


def test_the_hash_is_the_same_for_the_same_members() -> None:
    again = Layout("scene", (HEAD, Section("fov", Other)))
    assert again.hash == Layout("scene", (HEAD, FOV)).hash
    assert 0 < again.hash < 1 << 64
    array = Shape("Fov", (Member("left", SCALARS["float32"], 2),), Fov)
    assert Layout("scene", (HEAD, Section("fov", array))).hash != again.hash


def test_the_hash_never_changes() -> None:
    assert Layout("one", (Section("big", Big),)).hash == 0xA0C352C1ABA2970F


def test_a_record_of_records_is_a_layout() -> None:
    layout = Layout.of(Devices)
    assert layout.name == "Devices"
    assert [section.name for section in layout.sections] == ["head", "fov"]
    assert Layout.of(Devices, "scene").hash == Layout("scene", (HEAD, FOV)).hash
    with pytest.raises(InvalidArgs, match=r"Flat\.count is no section"):
        Layout.of(Flat)


def test_a_section_is_found_by_name_and_class() -> None:
    assert LAYOUT.section("head", Head) is HEAD
    with pytest.raises(NotFound, match="no section foot"):
        LAYOUT.section("foot", Head)
    with pytest.raises(InvalidArgs, match="no values of Words"):
        LAYOUT.section("head", Words)


def test_what_is_no_layout_is_refused() -> None:
    with pytest.raises(InvalidArgs, match="no sections"):
        Layout("empty", ())
    with pytest.raises(InvalidArgs, match="two of one name"):
        Layout("twice", (FOV, Section("fov", Fov)))
    with pytest.raises(InvalidArgs, match="no identifier"):
        Section("a b", Fov)
    with pytest.raises(InvalidArgs, match="int is no Record"):
        Section("a", int)  # type: ignore[type-var]
    with pytest.raises(OutOfRange, match=f"exceed {MAX_SECTIONS}"):
        Layout("many", [Section(f"s{number}", Fov) for number in range(MAX_SECTIONS + 1)])
    huge: Shape[Any] = Shape("Huge", (Member("a", SCALARS["uint8"], 1 << 24),), dict)
    with pytest.raises(OutOfRange, match="layout big of"):
        Layout("big", [Section(f"s{number}", huge) for number in range(5)])


def test_a_section_may_be_of_any_shape() -> None:
    assert Section("fov", record_shape(Fov)).shape.size == FOV.shape.size == 8


@pytest.mark.parametrize("kind", [int, 5, None, "Head", Head])
def test_a_section_is_of_records_or_a_shape(kind: Any) -> None:
    if kind is Head:
        assert Section("head", kind).shape.size == record_shape(Head).size
        return
    with pytest.raises(InvalidArgs, match=r"section head: .* is no Record"):
        Section("head", kind)
