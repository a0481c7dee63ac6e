from __future__ import annotations

import msgspec
import pytest

from ipcrt.bindings.discard import close_handles
from ipcrt.bindings.ends import create_endpoints
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from tests.bindings.hand import Tiny, null
from tests.support.proc import open_fds


class Loose(msgspec.Struct):
    """Any struct, not only one that can be sent."""

    things: list[object]
    table: dict[str, object]
    pair: tuple[object, object]
    one: object = None


def test_handles_are_closed_wherever_they_stand() -> None:
    before = len(open_fds())
    client, server = create_endpoints(Tiny)
    inner = Loose([null()], {}, (1, client))
    close_handles(Loose([null(), [null()]], {"a": null(), "b": inner}, (null(), server), null()))
    assert len(open_fds()) == before


def test_what_was_moved_out_is_left_alone() -> None:
    moved = null()
    with Handle(moved.take()) as kept:
        close_handles([moved])
        assert not kept.closed


def test_a_handle_that_stands_twice_is_closed_once() -> None:
    first, second = Channel.create()
    with second:
        close_handles([first, (first, {"again": first})])
        assert first.closed


@pytest.mark.parametrize("value", [None, 1, "text", b"bytes", {1, 2}, object()])
def test_values_without_handles_are_nothing_to_close(value: object) -> None:
    close_handles(value)


def test_a_value_that_holds_itself_ends() -> None:
    loop: list[object] = [null()]
    loop.append(loop)
    before = len(open_fds())
    close_handles(loop)
    assert len(open_fds()) == before - 1


def test_a_deep_value_needs_no_stack() -> None:
    value: object = null()
    before = len(open_fds())
    for _ in range(5000):
        value = [value]
    close_handles(value)
    assert len(open_fds()) == before - 1
