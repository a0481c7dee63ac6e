from __future__ import annotations

from types import SimpleNamespace

import pytest

from ipcrt.bindings.listener import Listener
from ipcrt.bindings.tables import Event, Openness, ProtocolTable
from tests.bindings.calc import Pair, Text
from tests.bindings.hand import ON_NEWS, SAY

ON_PAIR = Event("test/Heard.OnPair", Pair)
ON_NOTHING = Event("test/Heard.OnNothing", type(None))
TABLE = ProtocolTable("test/Heard", Openness.CLOSED, (ON_NEWS, ON_PAIR, ON_NOTHING, SAY))


class Ear:
    """Hears it all; one-way methods are not its business."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def on_news(self, text: str) -> None:
        self.heard.append(("news", text))

    def on_pair(self, a: int, b: int) -> None:
        self.heard.append(("pair", a, b))

    def on_nothing(self) -> None:
        self.heard.append(("nothing",))


def test_members_are_arguments_in_their_order() -> None:
    ear = Ear()
    listener = Listener(ear, TABLE)
    listener.deliver(ON_PAIR, Pair(2, 3))
    listener.deliver(ON_NEWS, Text("hi"))
    listener.deliver(ON_NOTHING, None)
    assert ear.heard == [("pair", 2, 3), ("news", "hi"), ("nothing",)]


def test_unknown_events_are_told_where_somebody_asks() -> None:
    class Curious(Ear):
        def unknown_event(self, ordinal: int) -> None:
            self.heard.append(("unknown", ordinal))

    class Async(Ear):
        async def unknown_event(self, ordinal: int) -> None: ...

    curious = Curious()
    Listener(curious, TABLE).deliver_unknown(77)
    assert curious.heard == [("unknown", 77)]
    Listener(Ear(), TABLE).deliver_unknown(77)
    with pytest.raises(TypeError, match=r"Async\.unknown_event is async"):
        Listener(Async(), TABLE)


@pytest.mark.parametrize("method", [None, 3])
def test_a_missing_method_is_told_before_anything_comes(method: object) -> None:
    ear = SimpleNamespace(on_news=print, on_nothing=print, on_pair=method)
    with pytest.raises(TypeError, match=r"listens to test/Heard without on_pair\(\)"):
        Listener(ear, TABLE)


def test_an_async_method_is_refused() -> None:
    class Async(Ear):
        async def on_news(self, text: str) -> None:  # type: ignore[override]
            del text

    with pytest.raises(TypeError, match=r"Async\.on_news is async"):
        Listener(Async(), TABLE)


def test_a_coroutine_in_disguise_is_closed_and_told() -> None:
    async def wait(text: str) -> None:
        raise AssertionError(text)

    def disguised(text: str) -> object:
        return wait(text)

    ear = SimpleNamespace(on_news=disguised, on_pair=print, on_nothing=print)
    with pytest.raises(TypeError, match="on_news answered a coroutine"):
        Listener(ear, TABLE).deliver(ON_NEWS, Text("hi"))


def test_what_the_method_raises_goes_to_whoever_delivers() -> None:
    def stumble(text: str) -> None:
        raise KeyError(text)

    ear = SimpleNamespace(on_news=stumble, on_pair=print, on_nothing=print)
    with pytest.raises(KeyError, match="hi"):
        Listener(ear, TABLE).deliver(ON_NEWS, Text("hi"))
