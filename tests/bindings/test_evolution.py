"""Old clients with new servers and the reverse: two versions of one library, process to process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.plain import is_list
from ipcrt.bindings.table import unknown_members
from ipcrt.errors import IpcError, PeerClosed, RemoteProtocolError, Status
from tests.bindings.evolution.clients import LOOPS, Client, Stations, open_stations
from tests.bindings.evolution.samples import MODULES, newest

PAIRS = [*itertools.product(MODULES, MODULES)]
OLD_TO_NEW, NEW_TO_OLD = (1, 2), (2, 1)

pairs = pytest.mark.parametrize(
    "pair", PAIRS, ids=[f"client {client} server {server}" for client, server in PAIRS]
)
loops = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture(scope="module")
def stations() -> Iterator[Stations]:
    with open_stations() as found:
        yield found


# ---- what may grow

STRANGE = {
    ("colour", 1): "<Colour.UNKNOWN_3: 3>",
    ("colour", 2): "<Colour.UNKNOWN_2: 2>",
    ("options", 1): "<Options.FAST|4: 5>",
    ("options", 2): "<Options.FAST|2: 3>",
    ("settings", 1): "Settings(volume=1, <4: 5 bytes>)",
    ("settings", 2): "Settings(volume=2, <2: 6 bytes>, <3: 7 bytes>)",
    ("shape", 1): "UnknownVariant(unknown=<3: 4 bytes>)",
    ("shape", 2): "UnknownVariant(unknown=<2: 6 bytes>)",
    ("page", 1): "ShapeSettings(value=Settings(volume=1, <4: 5 bytes>))",
    ("page", 2): "ShapeSettings(value=Settings(volume=2, <2: 6 bytes>, <3: 7 bytes>))",
}
"""What each version's newest looks like to the other."""


@loops
@pairs
@pytest.mark.parametrize("what", ["colour", "options", "settings", "shape", "page"])
def test_what_is_flexible_is_passed_on_whole(
    what: str, pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    ours, theirs = pair

    async def story(client: Client) -> None:
        sent = newest(what, ours)
        assert await client.ask(f"pass_{what}", sent) == sent
        seen = await client.ask("saw")
        assert seen == repr(sent) if ours == theirs else STRANGE[what, ours] in seen
        given = await client.ask(f"give_{what}")
        if ours == theirs:
            assert given == newest(what, theirs)
        else:
            assert STRANGE[what, theirs] in repr(given)
        assert await client.ask(f"pass_{what}", given) == given
        assert await client.ask("saw") == repr(newest(what, theirs))

    stations.play(story, client=ours, server=theirs, loop=loop)


@loops
@pairs
def test_a_table_goes_on_without_members_that_held_handles(
    pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    ours, theirs = pair

    async def story(client: Client) -> None:
        back = await client.ask("pass_parcel", newest("parcel", ours))
        assert back.tag == ours
        assert unknown_members(back) == {}
        assert (getattr(back, "event", None) is None) is (pair != (2, 2))
        given = await client.ask("give_parcel")
        assert given.tag == theirs
        assert unknown_members(given) == ({2: None} if pair == OLD_TO_NEW else {})
        for parcel in (back, given):
            if getattr(parcel, "event", None) is not None:
                parcel.event.close()

    stations.play(story, client=ours, server=theirs, loop=loop)


@loops
@pairs
def test_a_union_whose_unknown_member_held_handles_is_not_passed_on(
    pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    ours, theirs = pair

    async def story(client: Client) -> None:
        if pair == NEW_TO_OLD:
            with pytest.raises(IpcError) as caught:
                await client.ask("pass_thing", newest("thing", ours))
            assert caught.value.status == Status.INTERNAL
            assert await client.ask("saw") == "UnknownResource(unknown=<2: gone>)"
        else:
            _close(await client.ask("pass_thing", newest("thing", ours)))
        given = await client.ask("give_thing")
        if pair == OLD_TO_NEW:
            assert (given.ordinal, given.data) == (2, None)
        else:
            _close(given)
        assert await client.ask("pass_colour", client.module.Colour.RED) == 1

    stations.play(story, client=ours, server=theirs, loop=loop)


def _close(thing: Any) -> None:
    """Close what a `Thing` of either version holds."""
    for event in thing.value if is_list(thing.value) else [thing.value]:
        assert not event.closed
        event.close()


# ---- what may not

BREAKS = {
    ("mood", "pass"): {NEW_TO_OLD},
    ("mood", "give"): {OLD_TO_NEW},
    ("access", "pass"): {NEW_TO_OLD},
    ("access", "give"): {OLD_TO_NEW},
    ("form", "pass"): {NEW_TO_OLD},
    ("form", "give"): {OLD_TO_NEW},
    ("grown", "pass"): {NEW_TO_OLD, OLD_TO_NEW},
    ("grown", "give"): {NEW_TO_OLD, OLD_TO_NEW},
}
"""Between whom the newest value of a strict type, or a struct, ends the channel."""


@loops
@pairs
@pytest.mark.parametrize("what, way", BREAKS, ids=" ".join)
def test_what_is_strict_ends_the_channel_where_it_has_grown(
    what: str, way: str, pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    ours, theirs = pair

    async def story(client: Client) -> None:
        sent = newest(what, ours)
        arguments = (sent,) if way == "pass" else ()
        if pair not in BREAKS[what, way]:
            expected = newest(what, ours if way == "pass" else theirs)
            answer = await client.ask(f"{way}_{what}", *arguments)
            assert repr(answer) == repr(expected)
            assert not client.proxy.closed
            return
        error = PeerClosed if way == "pass" else RemoteProtocolError
        for _ in range(2):
            with pytest.raises(error):
                await client.ask(f"{way}_{what}", *arguments)
        assert client.proxy.closed

    stations.play(story, client=ours, server=theirs, loop=loop)


# ---- methods and events


@loops
@pytest.mark.parametrize("server", MODULES)
def test_a_flexible_method_that_was_added(server: int, loop: str, stations: Stations) -> None:
    async def story(client: Client) -> None:
        if server == 2:
            assert await client.ask("ask") == 42
            await client.ask("note", "hello")
            assert await client.ask("saw") == "hello"
            return
        with pytest.raises(UnknownMethod):
            await client.ask("ask")
        assert await client.ask("saw") == f"unknown two-way {_ordinal('ask'):#x}"
        await client.ask("note", "hello")
        assert await client.ask("saw") == f"unknown one-way {_ordinal('note'):#x}"

    stations.play(story, client=2, server=server, loop=loop)


@loops
@pytest.mark.parametrize("server", MODULES)
@pytest.mark.parametrize("method, arguments", [("ask_strict", ()), ("note_strict", ("hello",))])
def test_a_strict_method_that_was_added(
    method: str, arguments: tuple[object, ...], server: int, loop: str, stations: Stations
) -> None:
    async def story(client: Client) -> None:
        if server == 2:
            assert await client.ask(method, *arguments) in (42, None)
            await client.ask("saw")
            return
        if method == "ask_strict":
            with pytest.raises(PeerClosed):
                await client.ask(method)
        else:
            await client.ask(method, *arguments)
        with pytest.raises(PeerClosed):
            await client.ask("saw")
        assert client.proxy.closed

    stations.play(story, client=2, server=server, loop=loop)


@loops
@pytest.mark.parametrize("server", MODULES)
def test_a_flexible_method_that_was_removed(server: int, loop: str, stations: Stations) -> None:
    async def story(client: Client) -> None:
        if server == 1:
            assert await client.ask("bygone") == 42
            return
        with pytest.raises(UnknownMethod):
            await client.ask("bygone")
        assert (await client.ask("saw")).startswith("unknown two-way 0x")

    stations.play(story, client=1, server=server, loop=loop)


@loops
@pairs
def test_a_flexible_event_that_was_added(
    pair: tuple[int, int], loop: str, stations: Stations
) -> None:
    expected = {OLD_TO_NEW: ("unknown", _ordinal("on_new")), (2, 2): ("new", 7)}

    async def story(client: Client) -> None:
        await client.ask("shout")
        await client.ask("saw")
        assert client.heard == [expected.get(pair, ("old", 7))]

    stations.play(story, client=pair[0], server=pair[1], loop=loop)


@loops
@pytest.mark.parametrize("ours", MODULES)
def test_a_strict_event_that_was_added(ours: int, loop: str, stations: Stations) -> None:
    async def story(client: Client) -> None:
        await client.ask("shout_strict")
        if ours == 2:
            await client.ask("saw")
            assert client.heard == [("strict", 7)]
            return
        with pytest.raises(RemoteProtocolError, match="has no event"):
            await client.ask("saw")
        assert client.heard == []
        assert client.proxy.closed

    stations.play(story, client=ours, server=2, loop=loop)


def _ordinal(name: str) -> int:
    """Answer the ordinal of a method that version 2 has."""
    table = MODULES[2].Station.TABLE
    [ordinal] = [ordinal for ordinal, each in table.by_ordinal.items() if each.name == name]
    return int(ordinal)
