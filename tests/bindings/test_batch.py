"""Batch: the size it reckons is the size that is sent, and it stops at each limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcrt.bindings.batch import Batch
from ipcrt.bindings.codec import Codec
from ipcrt.bindings.tables import Struct
from ipcrt.errors import LocalProtocolError, OutOfRange
from ipcrt.objects.event import Event
from ipcrt.wire.limits import MAX_HANDLES, MAX_INLINE_BODY_BYTES
from tests.bindings.commands import (
    ENQUEUE,
    Command,
    CommandPoke,
    CommandProd,
    CommandRing,
    Enqueue,
    EnqueueFew,
    Poke,
)

POKE = CommandPoke(Poke(1, 2))


def batch(type_: type[Any] = Enqueue, *, extra_bytes: int = 0) -> Batch[Command]:
    return Batch(Codec(type_), extra_bytes=extra_bytes)


def encoded(commands: list[Command]) -> int:
    return len(ENQUEUE.request.encode(Enqueue(commands))[0])


pokes = st.builds(Poke, st.integers(-(2**63), 2**64 - 1), st.integers(-(2**63), 2**64 - 1))
commands = st.one_of(
    st.builds(CommandPoke, pokes),
    st.builds(CommandProd, st.text(max_size=70) | st.integers(0, 300).map(lambda n: "x" * n)),
)


@given(st.lists(commands, max_size=40))
def test_its_size_is_the_codecs(items: list[Command]) -> None:
    made = batch()
    for item in items:
        assert made.add(item)
    assert made.body_bytes == encoded(items)
    assert made.take() == items
    assert (len(made), made.body_bytes) == (0, encoded([]))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 1000])
def test_a_longer_length_counts(count: int) -> None:
    made = batch()
    for _ in range(count):
        assert made.add(POKE)
    assert made.body_bytes == encoded([POKE] * count)


@pytest.mark.parametrize("extra_bytes", [0, 2])
def test_it_fills_a_message_to_the_last_byte(extra_bytes: int) -> None:
    made = batch(extra_bytes=extra_bytes)
    room = MAX_INLINE_BODY_BYTES - extra_bytes
    rest = CommandProd("y" * 30_000)
    exact = "z" * (room - encoded([rest, CommandProd("z" * 1000)]) + 1000)
    assert made.add(rest)
    assert not made.add(CommandProd(exact + "z"))
    assert made.add(CommandProd(exact))
    assert made.body_bytes == MAX_INLINE_BODY_BYTES
    assert not made.add(CommandProd(""))
    assert encoded(made.take()) == room


def test_the_vectors_bound_counts() -> None:
    made = batch(EnqueueFew)
    assert [made.add(POKE) for _ in range(4)] == [True, True, True, False]
    assert len(made.take()) == 3
    assert made.add(POKE)


def test_handles_count() -> None:
    made = batch()
    for _ in range(MAX_HANDLES):
        assert made.add(CommandRing(Event.create()))
    assert made.handle_count == MAX_HANDLES
    event = Event.create()
    assert not made.add(CommandRing(event))
    assert not event.closed
    assert made.add(POKE)
    made.discard()
    assert (len(made), made.handle_count) == (0, 0)
    assert made.add(CommandRing(event))
    made.discard()
    assert event.closed


def test_what_fits_no_message_is_refused() -> None:
    made = batch()
    assert made.add(POKE)
    largest = "x" * (MAX_INLINE_BODY_BYTES - encoded([CommandProd("x" * 60_000)]) + 60_000)
    with pytest.raises(OutOfRange, match=f"exceeds a message of {MAX_INLINE_BODY_BYTES} bytes"):
        made.add(CommandProd(largest + "x"))
    assert made.take() == [POKE]
    assert made.add(CommandProd(largest))
    assert made.body_bytes == MAX_INLINE_BODY_BYTES


@pytest.mark.parametrize("wrong", [None, Poke(1, 2), CommandProd("x" * 100_001)])
def test_what_is_no_item_is_refused(wrong: Any) -> None:
    made = batch()
    with pytest.raises(LocalProtocolError):
        made.add(wrong)
    assert len(made) == 0


class Two(Struct, frozen=True):
    commands: list[Command]
    more: int


class NoVector(Struct, frozen=True):
    command: Command


@pytest.mark.parametrize("payload", [Two, NoVector, int, type(None)])
def test_a_payload_that_is_no_vector_is_refused(payload: type[Any]) -> None:
    with pytest.raises(TypeError, match="no struct of one vector"):
        batch(payload)
