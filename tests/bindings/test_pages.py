"""Pages: as much as a message holds, nothing twice, nothing lost, nothing left open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ipcrt.bindings.pages import Pages
from ipcrt.bindings.result import write_response
from ipcrt.bindings.tables import TwoWay
from ipcrt.errors import BadState, OutOfRange
from ipcrt.objects.event import Event
from ipcrt.wire.limits import MAX_INLINE_BODY_BYTES
from tests.bindings.calc import ADD
from tests.bindings.walks import GET, GET_EVENTS, GET_MANY, ManyWords


def all_pages(method: TwoWay[Any, Any], items: list[Any]) -> list[list[Any]]:
    pages = Pages[Any](method, items)
    made: list[list[Any]] = []
    while page := pages.next():
        assert not pages.done
        made.append(page)
    assert pages.done
    assert pages.next() == []
    return made


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9])
def test_a_page_has_as_many_items_as_the_contract_allows(count: int) -> None:
    words = [f"word {number}" for number in range(count)]
    pages = all_pages(GET, words)
    assert [word for page in pages for word in page] == words
    assert all(len(page) == 4 for page in pages[:-1])


def test_a_page_has_as_many_items_as_a_message_holds() -> None:
    words = ["x" * size for size in (40_000, 20_000, 10_000, 60_000, 1, 5_000, 1_000)]
    pages = all_pages(GET_MANY, words)
    assert [[len(word) for word in page] for page in pages] == [
        [40_000, 20_000],
        [10_000],
        [60_000, 1, 5_000],
        [1_000],
    ]


def test_a_page_is_full_to_the_last_byte() -> None:
    pages = all_pages(GET_MANY, ["x" * 1000] * 1000)
    sizes = [len(write_response(GET_MANY, ManyWords(page))[0]) for page in pages]
    assert all(MAX_INLINE_BODY_BYTES - 1003 < size <= MAX_INLINE_BODY_BYTES for size in sizes[:-1])


def test_nothing_is_made_before_it_is_asked_for() -> None:
    made: list[int] = []

    def count() -> Iterator[str]:
        for number in range(100):
            made.append(number)
            yield str(number)

    pages = Pages[str](GET, count())
    assert made == []
    assert pages.next() == ["0", "1", "2", "3"]
    assert len(made) == 5  # one to see that it does not fit
    assert pages.next() == ["4", "5", "6", "7"]


def test_a_generator_is_closed_at_its_yield() -> None:
    ended: list[str] = []

    def endless() -> Iterator[str]:
        try:
            while True:
                yield "more"
        finally:
            ended.append("closed")

    pages = Pages[str](GET, endless())
    pages.next()
    pages.close()
    pages.close()
    assert ended == ["closed"]
    with pytest.raises(BadState):
        pages.next()


def test_an_iterator_that_raises_fails_the_walk() -> None:
    events = [Event.create() for _ in range(2)]

    def broken() -> Iterator[Event]:
        yield from events
        raise KeyError("broken")

    pages = Pages[Event](GET_EVENTS, broken())
    with pytest.raises(KeyError, match="broken"):
        pages.next()
    assert all(event.closed for event in events)
    with pytest.raises(BadState, match="has failed"):
        pages.next()
    assert not pages.done


def test_an_item_that_fits_no_message_fails_the_walk() -> None:
    pages = Pages[str](GET, ["short", "x" * 66_000])
    with pytest.raises(OutOfRange):
        pages.next()
    with pytest.raises(BadState):
        pages.next()


def test_handles_that_no_page_took_are_closed() -> None:
    events = [Event.create() for _ in range(66)]
    pages = Pages[Event](GET_EVENTS, events)
    page = pages.next()
    assert page == events[:64]
    pages.close()
    assert [event.closed for event in events] == [False] * 64 + [True, False]
    for event in events:
        event.close()


def test_a_method_that_answers_no_pages_is_refused() -> None:
    with pytest.raises(TypeError, match="no struct of one vector"):
        Pages[int](ADD, [])
