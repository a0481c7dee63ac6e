"""The eleven messages; docs/resources.md has their bytes, and test_resources_doc reads them."""

from __future__ import annotations

import pytest

from ipcrt.bindings.tables import Kind
from ipcrt.errors import LocalProtocolError, RemoteProtocolError
from ipcrt.resources.messages import (
    CONNECT,
    INVOKE,
    OPEN,
    Connect,
    Control,
    Data,
    Invoke,
    Listen,
    Open,
)
from tests.resources.raw import null


def test_each_belongs_to_one_kind_of_channel() -> None:
    sets = [set(each.TABLE.by_ordinal) for each in (Listen, Control, Data)]
    assert [len(each) for each in sets] == [1, 7, 3]
    assert len(sets[0] | sets[1] | sets[2]) == 11


def test_requests_go_to_the_server_and_replies_to_the_client() -> None:
    assert {each.name for each in Control.TABLE.requests.values()} == {"open", "invoke", "pipe"}
    assert {each.name for each in Control.TABLE.events.values()} == {
        "open_reply",
        "abort",
        "invoke_reply",
        "pipe_reply",
    }
    assert all(each.KIND is not Kind.TWO_WAY for each in Control.TABLE.by_ordinal.values())


@pytest.mark.parametrize("call_id", [-(1 << 31), -1, 0, (1 << 31) - 1])
def test_a_call_id_is_any_number_of_32_bits(call_id: int) -> None:
    body, _ = OPEN.request.encode(Open(call_id, "x:"))
    assert OPEN.request.decode(body, ()) == Open(call_id, "x:")


def test_what_breaks_a_limit_is_not_sent() -> None:
    for bad in (Open(1 << 31, "x:"), Open(1, "x" * 4097), Open(1, "\udc80")):
        with pytest.raises(LocalProtocolError):
            OPEN.request.encode(bad)
    with pytest.raises(LocalProtocolError):
        INVOKE.request.encode(Invoke(1, "m", bytes((1 << 20) + 1)))


def test_a_connect_carries_a_channel_and_nothing_else() -> None:
    with pytest.raises(RemoteProtocolError):
        CONNECT.request.decode(b"\x91\xd4\x01\x00", [null()])
    with null() as handle, pytest.raises(LocalProtocolError):
        CONNECT.request.encode(Connect(handle))  # type: ignore[arg-type]
