"""The newest that each version can say, for both sides and for those who look on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from ipcrt.objects.event import Event
from tests.bindings.evolution import v1, v2

MODULES: Final[Mapping[int, ModuleType]] = {1: v1, 2: v2}


def _page_of(m: Any, version: int) -> Any:
    settings, shape = newest("settings", version), newest("shape", version)
    colours = [m.Colour.RED, newest("colour", version), m.Colour(77)]
    inside = m.ShapeSettings(settings)
    return m.Page(
        [settings, m.Settings()],
        [shape, inside, m.ShapeSide(3)],
        colours,
        newest("options", version),
    )


_NEWEST: Final[Mapping[str, Mapping[int, Callable[[Any], Any]]]] = {
    "colour": {1: lambda m: m.Colour.GREY, 2: lambda m: m.Colour.BLUE},
    "options": {
        1: lambda m: m.Options.FAST | m.Options.SHY,
        2: lambda m: m.Options.FAST | m.Options.LOUD,
    },
    "settings": {
        1: lambda m: m.Settings(volume=1, legacy=[7, 65535]),
        2: lambda m: m.Settings(volume=2, note="grün", inner=m.Settings2(names=["a", "b"])),
    },
    "shape": {1: lambda m: m.ShapeLabel("old"), 2: lambda m: m.ShapeCorners([1, 2, 65535])},
    "page": {1: lambda m: _page_of(m, 1), 2: lambda m: _page_of(m, 2)},
    "parcel": {
        1: lambda m: m.Parcel(tag=1),
        2: lambda m: m.Parcel(tag=2, event=Event.create()),
    },
    "thing": {
        1: lambda m: m.ThingEvent(Event.create()),
        2: lambda m: m.ThingEvents([Event.create(), Event.create()]),
    },
    "mood": {1: lambda m: m.Mood.CALM, 2: lambda m: m.Mood.WILD},
    "access": {1: lambda m: m.Access.READ, 2: lambda m: m.Access.READ | m.Access.WRITE},
    "form": {1: lambda m: m.FormName("n"), 2: lambda m: m.FormNumber(5)},
    "grown": {1: lambda m: m.Grown(1), 2: lambda m: m.Grown(1, 2)},
}


def newest(what: str, version: int) -> Any:
    """Make the newest value that a version has; its handles are the caller's."""
    return _NEWEST[what][version](MODULES[version])
