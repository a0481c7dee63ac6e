from __future__ import annotations

import inspect
import os
from typing import Any

import pytest
from msgspec.structs import replace

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.enums import FlexibleEnum
from ipcrt.bindings.tables import Method, OneWay, TwoWay
from ipcrt.errors import LocalProtocolError
from ipcrt.locator.protocol import (
    CONNECTOR_CONNECT,
    LOCATOR_GET_ENTRIES,
    LOCATOR_GET_IDENTITY,
    LOCATOR_GET_TREE,
    LOCATOR_GET_TREES,
    LOCATOR_GET_USAGE,
    LOCATOR_HAND_OVER,
    LOCATOR_OPEN,
    LOCATOR_PUBLISH,
    LOCATOR_REGISTER,
    MAX_ENTRIES,
    MAX_TREES,
    OUTGOING_OPEN,
    Connector,
    ConnectorServer,
    Entry,
    HandOverError,
    Identity,
    Locator,
    LocatorBlockingProxy,
    LocatorGetEntriesResponse,
    LocatorGetIdentityResponse,
    LocatorGetTreeRequest,
    LocatorGetTreesResponse,
    LocatorHandOverRequest,
    LocatorOpenRequest,
    LocatorProxy,
    LocatorPublishRequest,
    LocatorRegisterRequest,
    LocatorServer,
    Outgoing,
    OutgoingOpenRequest,
    OutgoingServer,
    RegisterError,
    State,
    Tree,
)
from ipcrt.objects.channel import Channel
from ipcrt.objects.process import Process
from ipcrt.objects.vmo import Vmo

# What every build of every release must agree on.
ORDINALS = {
    "ipcrt.locator/Locator.Open": 0x25B01FA1E80F15C6,
    "ipcrt.locator/Locator.GetEntries": 0x5EA6CFA1452DECF4,
    "ipcrt.locator/Locator.Register": 0x6BCD1D4B3AF010C0,
    "ipcrt.locator/Locator.HandOver": 0x4E07E2313C78060D,
    "ipcrt.locator/Locator.GetIdentity": 0x030675E11C10F9F8,
    "ipcrt.locator/Locator.Publish": 0x7E3F9748BC3602F3,
    "ipcrt.locator/Locator.GetTrees": 0x034A5FE9DD104ABC,
    "ipcrt.locator/Locator.GetTree": 0x067B5F75FBA6CFD7,
    "ipcrt.locator/Locator.GetUsage": 0x55C8DA355DEDE149,
    "ipcrt.locator/Connector.Connect": 0x4958232264A792B2,
    "ipcrt.locator/Outgoing.Open": 0x0E04CC8B71726CF1,
}
METHODS: tuple[Method[Any, Any], ...] = (
    LOCATOR_OPEN,
    LOCATOR_GET_ENTRIES,
    LOCATOR_REGISTER,
    LOCATOR_HAND_OVER,
    LOCATOR_GET_IDENTITY,
    LOCATOR_PUBLISH,
    LOCATOR_GET_TREES,
    LOCATOR_GET_TREE,
    LOCATOR_GET_USAGE,
    CONNECTOR_CONNECT,
    OUTGOING_OPEN,
)


def test_ordinals_do_not_change() -> None:
    assert {method.selector: method.ordinal for method in METHODS} == ORDINALS


def test_the_tables_hold_all_methods() -> None:
    protocols = (Locator, Connector, Outgoing)
    assert {each for one in protocols for each in one.TABLE.by_ordinal.values()} == {*METHODS}
    assert [one.TABLE.name for one in protocols] == [
        "ipcrt.locator/Locator",
        "ipcrt.locator/Connector",
        "ipcrt.locator/Outgoing",
    ]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.selector)
def test_a_newer_peer_is_borne(method: Method[Any, Any]) -> None:
    assert not method.strict


@pytest.mark.parametrize("face", [LocatorProxy, LocatorBlockingProxy, LocatorServer])
def test_every_face_has_every_method(face: type[Any]) -> None:
    assert {method.name for method in Locator.TABLE.by_ordinal.values()} <= set(dir(face))


@pytest.mark.parametrize("method", METHODS[:9], ids=lambda method: method.name)
def test_the_two_proxies_take_the_same(method: Method[Any, Any]) -> None:
    awaited = inspect.signature(getattr(LocatorProxy, method.name))
    blocking = inspect.signature(getattr(LocatorBlockingProxy, method.name))
    assert awaited == blocking
    assert ("timeout" in awaited.parameters) is isinstance(method, TwoWay)
    assert isinstance(method, OneWay | TwoWay)


def test_a_server_takes_what_a_request_holds() -> None:
    for server, methods in (
        (LocatorServer, METHODS[:9]),
        (ConnectorServer, METHODS[9:10]),
        (OutgoingServer, METHODS[10:]),
    ):
        for method in methods:
            taken = list(inspect.signature(getattr(server, method.name)).parameters)[1:]
            assert taken == list(getattr(method.request.type, "__struct_fields__", ()))


@pytest.mark.parametrize(
    "method, value, body",
    [
        (
            LOCATOR_GET_IDENTITY,
            LocatorGetIdentityResponse(Identity(1, 1000, 100)),
            bytes.fromhex("91 93 01 cd03e8 64"),
        ),
        (
            LOCATOR_GET_ENTRIES,
            LocatorGetEntriesResponse([Entry("a/B", State.REGISTERED)]),
            bytes.fromhex("91 91 92 a3612f42 01"),
        ),
        (LOCATOR_GET_ENTRIES, LocatorGetEntriesResponse([]), bytes.fromhex("91 90")),
        (
            LOCATOR_GET_TREES,
            LocatorGetTreesResponse([Tree(7, "a/B", "t", Identity(1, 1000, 100), False, 500)]),
            bytes.fromhex("91 91 96 07 a3612f42 a174 93 01 cd03e8 64 c2 cd01f4"),
        ),
    ],
    ids=["identity", "entries", "no entries", "trees"],
)
def test_bodies(method: Method[Any, Any], value: object, body: bytes) -> None:
    assert method.response.encode(value)[0] == body
    assert method.response.decode(memoryview(body), []) == value


def test_bodies_with_handles() -> None:
    ours, theirs = Channel.create()
    with ours, theirs, Process.open(os.getpid()) as process:
        whole = OutgoingOpenRequest("a/B", theirs, Identity(1, 1000, 100), process)
        body, handles = OUTGOING_OPEN.request.encode(whole)
        assert body == bytes.fromhex("94 a3612f42 d40100 93 01 cd03e8 64 d40101")
        assert handles == [theirs, process]
        body, _ = OUTGOING_OPEN.request.encode(replace(whole, process=None))
        assert body == bytes.fromhex("94 a3612f42 d40100 93 01 cd03e8 64 c0")
        body, _ = LOCATOR_OPEN.request.encode(LocatorOpenRequest("a/B", theirs))
        assert body == bytes.fromhex("92 a3612f42 d40100")
        with ClientEnd[Outgoing](theirs) as outgoing:
            request = LocatorRegisterRequest(["a/B", "c/D"], outgoing)
            body, _ = LOCATOR_REGISTER.request.encode(request)
            assert body == bytes.fromhex("92 92 a3612f42 a3632f44 d40100")
            end = ServerEnd[Locator](outgoing.take_channel())
        with end:
            body, _ = LOCATOR_HAND_OVER.request.encode(LocatorHandOverRequest(end))
            assert body == bytes.fromhex("91 d40100")
    with Vmo.create(8) as vmo:
        body, _ = LOCATOR_PUBLISH.request.encode(LocatorPublishRequest("a/B", "t", vmo))
        assert body == bytes.fromhex("93 a3612f42 a174 d40100")
    assert LOCATOR_GET_TREE.request.encode(LocatorGetTreeRequest(7))[0] == bytes.fromhex("91 07")


def test_a_whole_page_of_trees_fits_a_packet() -> None:
    who = Identity(*[0x7FFF_FFFF] * 3)
    tree = Tree(2**64 - 1, "x" * 255, "x" * 64, who, False, 2**64 - 1)
    body, _ = LOCATOR_GET_TREES.response.encode(LocatorGetTreesResponse([tree] * MAX_TREES))
    assert len(body) < 65_520


@pytest.mark.parametrize(
    "value",
    [
        LocatorGetIdentityResponse(Identity(-1, 0, 0)),
        LocatorGetIdentityResponse(Identity(1 << 32, 0, 0)),
        LocatorGetIdentityResponse(Identity(1, 1 << 32, 0)),
        LocatorGetIdentityResponse(Identity(1, 0, -1)),
    ],
)
def test_bounds_of_an_identity(value: LocatorGetIdentityResponse) -> None:
    with pytest.raises(LocalProtocolError):
        LOCATOR_GET_IDENTITY.response.encode(value)


@pytest.mark.parametrize("kind", [State, RegisterError, HandOverError])
def test_a_newer_locator_may_say_more(kind: type[FlexibleEnum]) -> None:
    assert [each.value for each in kind] == list(range(1, len(kind) + 1))
    assert kind(len(kind) + 1).is_unknown


def test_bounds_of_a_namespace() -> None:
    entry = Entry("a/B", State.REGISTERED)
    LOCATOR_GET_ENTRIES.response.encode(LocatorGetEntriesResponse([entry] * MAX_ENTRIES))
    with pytest.raises(LocalProtocolError):
        LOCATOR_GET_ENTRIES.response.encode(LocatorGetEntriesResponse([entry] * (MAX_ENTRIES + 1)))
    with pytest.raises(LocalProtocolError):
        LOCATOR_GET_ENTRIES.response.encode(
            LocatorGetEntriesResponse([Entry("\u20ac" * 86, State.REGISTERED)])
        )
