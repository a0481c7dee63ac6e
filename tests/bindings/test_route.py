"""From a method to its handler, and from a request to the handler's arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ipcrt.bindings.route import Route
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import Method, OneWay, Struct
from ipcrt.bindings.union import Variant


class Pair(Struct, frozen=True):
    first: int
    second: str


class Settings(Table, ordinals=(1,)):
    volume: int | None = None


class Chosen(Variant, frozen=True, tag=1):
    number: int


class Other(Variant, frozen=True, tag=2):
    flag: bool


class Server:
    """Answers with what it was given."""

    def take(self, *arguments: object) -> Iterable[object]:
        return arguments


@pytest.mark.parametrize(
    "payload, arguments",
    [
        (Pair(1, "a"), (1, "a")),
        (Settings(volume=3), (Settings(volume=3),)),
        (Chosen(5), (Chosen(5),)),
        (None, ()),
    ],
    ids=["struct", "table", "variant", "nothing"],
)
def test_a_route_leads_to_the_handler_with_its_arguments(
    payload: object, arguments: tuple[object, ...]
) -> None:
    method: Method[object, None] = OneWay("test/Taker.Take", type(payload))
    route = Route(method, Server())
    assert route.method is method
    assert route.arguments(payload) == arguments
    assert route.handler(*route.arguments(payload)) == arguments


def test_a_union_is_the_one_argument() -> None:
    union: Any = Chosen | Other
    method: Method[Any, None] = OneWay("test/Taker.Take", union)
    assert Route(method, Server()).arguments(Other(True)) == (Other(True),)
