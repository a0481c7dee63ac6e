from __future__ import annotations

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.tables import Kind, Openness, ProtocolTable
from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.locator.protocol import (
    LOCATOR_GET_IDENTITY,
    LOCATOR_OPEN,
    LOCATOR_REGISTER,
    MAX_NAMES,
    OUTGOING_OPEN,
    Identity,
    Locator,
    LocatorGetIdentityResponse,
    LocatorOpenRequest,
    LocatorRegisterRequest,
    Outgoing,
    OutgoingOpenRequest,
)
from ipcrt.objects.channel import Channel
from ipcrt.wire.ordinals import method_ordinal


def test_both_protocols_may_grow() -> None:
    assert Locator.TABLE.openness is Openness.OPEN
    assert Outgoing.TABLE.openness is Openness.OPEN


@pytest.mark.parametrize("table", [Locator.TABLE, Outgoing.TABLE], ids=lambda table: table.name)
def test_ordinals_are_those_of_the_selectors(table: ProtocolTable) -> None:
    for ordinal, method in table.by_ordinal.items():
        assert method.selector.startswith(table.name + ".")
        assert ordinal == method_ordinal(method.selector)
        assert not method.strict


def test_opening_waits_for_nobody() -> None:
    assert LOCATOR_OPEN.KIND is Kind.ONE_WAY
    assert OUTGOING_OPEN.KIND is Kind.ONE_WAY


@pytest.mark.parametrize("name", ["x" * 256, "\u00e9" * 128])
def test_a_name_has_255_bytes_at_most(name: str) -> None:
    ours, theirs = Channel.create()
    with ours, theirs, pytest.raises(LocalProtocolError):
        LOCATOR_OPEN.request.encode(LocatorOpenRequest(name, theirs))


@pytest.mark.parametrize("count", [0, MAX_NAMES + 1])
def test_a_service_offers_some_names_but_not_too_many(count: int) -> None:
    client, server = create_endpoints(Outgoing)
    with client, server, pytest.raises(LocalProtocolError):
        LOCATOR_REGISTER.request.encode(LocatorRegisterRequest(["a/B"] * count, client))


def test_an_identity_is_what_the_kernel_can_tell() -> None:
    codec = LOCATOR_GET_IDENTITY.response
    whole = LocatorGetIdentityResponse(Identity(1, 2**32 - 1, 0))
    body, handles = codec.encode(whole)
    assert codec.decode(memoryview(body), handles) == whole
    with pytest.raises(LocalProtocolError):
        codec.encode(LocatorGetIdentityResponse(Identity(-1, 0, 0)))


def test_a_client_may_come_without_its_process() -> None:
    ours, theirs = Channel.create()
    with ours:
        request = OutgoingOpenRequest("a/B", theirs, Identity(1, 2, 3), None)
        body, handles = OUTGOING_OPEN.request.encode(request)
        decoded = OUTGOING_OPEN.request.decode(memoryview(body), handles)
        assert decoded.process is None
        assert decoded.client == Identity(1, 2, 3)
        decoded.server_end.close()


def test_an_end_that_is_no_channel_is_refused() -> None:
    ours, theirs = Channel.create()
    with ours, theirs:
        body, _ = LOCATOR_OPEN.request.encode(LocatorOpenRequest("a/B", theirs))
        with pytest.raises(RemoteProtocolError):
            LOCATOR_OPEN.request.decode(memoryview(body), [])
