"""Contracts of tear-off iterators, for the tests of pages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.event import Event


class Words(Struct, frozen=True):
    words: Annotated[list[Annotated[str, Meta(max_length=70_000)]], Meta(max_length=4)]


class ManyWords(Struct, frozen=True):
    words: list[str]


class Events(Struct, frozen=True):
    events: list[Event]


GET = TwoWay("test/Walk.Get", type(None), Words, strict=True)
GET_MANY = TwoWay("test/Walk.GetMany", type(None), ManyWords)
GET_EVENTS = TwoWay("test/Walk.GetEvents", type(None), Events)


class Walk(Protocol):
    """Goes over words."""

    TABLE = ProtocolTable("test/Walk", Openness.CLOSED, (GET,))


class WalkProxy(Proxy[Walk]):
    PROTOCOL = Walk

    async def get(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> list[str]:
        return (await self._call(GET, None, timeout)).words


class WalkBlockingProxy(BlockingProxy[Walk]):
    PROTOCOL = Walk

    def get(self) -> list[str]:
        return self._call(GET, None, 5).words
