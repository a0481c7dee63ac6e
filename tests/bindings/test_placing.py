"""Handles of values that may be newer than our contract."""

from __future__ import annotations

from typing import TypeAlias

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import ClientEnd, Protocol, create_endpoints
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.union import UnknownResource, UnknownVariant, Variant
from ipcrt.errors import RemoteProtocolError
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle


class Some(Protocol):
    pass


class ThingEnd(Variant, frozen=True, tag=1):
    value: ClientEnd[Some]


class ThingAny(Variant, frozen=True, tag=2):
    value: Handle


Thing: TypeAlias = ThingEnd | ThingAny | UnknownResource


class Crate(Struct, frozen=True):
    first: Thing
    second: Event
    third: Thing


KNOWN = b"\x93\x92\x01\xd4\x01\x00\xd4\x01\x01\x92\x02\xd4\x01\x02"
NEWER = b"\x93\x92\x01\xd4\x01\x00\xd4\x01\x01\x92\x07\x91\xd4\x01\x02"


def _handles() -> list[Handle]:
    client, server = create_endpoints(Some)
    server.close()
    return [client.take_channel(), Event.create(), Event.create()]


def test_all_that_is_known_is_owned() -> None:
    crate = Codec(Crate).decode(memoryview(KNOWN), _handles())
    assert isinstance(crate.first, ThingEnd)
    assert isinstance(crate.third, ThingAny)
    for each in (crate.first.value, crate.second, crate.third.value):
        assert not each.closed
        each.close()


def test_what_was_placed_before_the_unknown_came_is_owned_once() -> None:
    handles = _handles()
    crate = Codec(Crate).decode(memoryview(NEWER), handles)
    assert all(handle.closed for handle in handles)
    assert isinstance(crate.first, ThingEnd)
    assert isinstance(crate.third, UnknownVariant)
    for each in (crate.first.value, crate.second):
        assert not each.closed
        each.close()


@pytest.mark.parametrize(
    "body",
    [
        NEWER.replace(b"\xd4\x01\x02", b"\xd4\x01\x01"),  # one twice, one never
        NEWER.replace(b"\xd4\x01\x02", b"\xd4\x01\x03"),
        NEWER.replace(b"\xd4\x01\x02", b"\xd4\x02\x02"),
        KNOWN.replace(b"\xd4\x01\x02", b"\xc0"),
        NEWER.replace(b"\xd4\x01\x00", b"\x05"),
    ],
)
def test_a_refused_value_leaves_no_handle_open(body: bytes) -> None:
    handles = _handles()
    with pytest.raises(RemoteProtocolError):
        Codec(Crate).decode(memoryview(body), handles)
    assert all(handle.closed for handle in handles)
