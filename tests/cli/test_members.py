from __future__ import annotations

from typing import TypeAlias

import pytest

from ipcrt.bindings.union import UnknownVariant, Variant
from ipcrt.cli.members import fidl_name, find_member, variant_name
from tests.fidl.gen import sample


class LampOn(Variant, tag=1):
    value: int


class LampOnTimer_(Variant, tag=2):  # noqa: N801  (as where the library declares LampOnTimer)
    value: int


Lamp: TypeAlias = LampOn | LampOnTimer_ | UnknownVariant
La: TypeAlias = Lamp


class OneOnly(Variant, tag=1):
    value: int


One: TypeAlias = OneOnly


def test_fidl_has_no_name_with_an_underscore_behind_it() -> None:
    assert [fidl_name(name) for name in ("class_", "self_", "x_1")] == ["class", "self", "x_1"]


@pytest.mark.parametrize("given", ["write_item", "writeItem", "WRITE_ITEM"])
def test_a_member_is_found_however_it_is_written(given: str) -> None:
    assert find_member(given, ["item", "write_item_"]) == "write_item_"
    assert find_member(f"{given}s", ["item", "write_item_"]) is None


@pytest.mark.parametrize(
    "variant, name",
    [
        (sample.ShapeRadius, "radius"),
        (sample.Shape2Colour, "colour"),  # Shape is a union there, too
        (sample.ThingVmo, "vmo"),
        (LampOn, "on"),
        (LampOnTimer_, "on_timer"),
        (OneOnly, "only"),
    ],
)
def test_a_variant_tells_its_member(variant: type[Variant], name: str) -> None:
    assert variant_name(variant) == name
