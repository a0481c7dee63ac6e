from __future__ import annotations

import os

import pytest
from msgspec import msgpack

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.errors import LocalProtocolError, OutOfRange, RemoteProtocolError
from ipcrt.locator.namespace import LocatorAt
from ipcrt.locator.protocol import Locator
from ipcrt.locator.startup_table import (
    ADDRESS,
    TABLE,
    Address,
    Entry,
    NamedHandle,
    Table,
    decode_address,
    decode_table,
    encode_address,
    encode_table,
    make_table,
)
from ipcrt.objects.channel import Channel, Message
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.process import Process
from ipcrt.wire.frames import encode
from tests.locator.hostile import handle as place


def event() -> Event:
    return Event.create()


def test_an_address_is_a_process() -> None:
    with Process.open(os.getpid()) as myself:
        mine = Address.of(myself)
        assert mine == Address.of(myself)
        assert decode_address(encode_address(mine)) == mine
        assert mine.pid == os.getpid()


def test_a_table_arrives_as_it_was_sent() -> None:
    client, server = create_endpoints(Locator)
    with server, event() as told:
        koid = told.koid
        table = make_table(
            {"own": {"/svc": client, "/other": LocatorAt("/run/x")}, "empty": {}}, {"told": told}
        )
        data, handles = encode_table(table)
        near, far = Channel.create()
        with near, far:
            near.write(data, handles)
            assert (client.closed, told.closed) == (True, True), "moved"
            namespaces, named = decode_table(far.read())
    assert sorted(namespaces) == ["empty", "own"]
    assert namespaces["own"].keys() == ["/other", "/svc"]
    assert namespaces["own"].locator_of("/other/x") == (LocatorAt("/run/x"), "x")
    with Event.from_handle(named["told"]) as received:
        assert received.koid == koid
    for namespace in namespaces.values():
        namespace.close()


def test_more_handles_than_a_packet_carries() -> None:
    handles: dict[str, Handle] = {str(number): event() for number in range(64)}
    client, server = create_endpoints(Locator)
    with client, server:
        encode_table(make_table({}, handles))
        with pytest.raises(OutOfRange, match="65 handles for one child exceed 64"):
            make_table({"own": {"/svc": client}}, handles)
    for each in handles.values():
        each.close()


def test_more_names_than_fit() -> None:
    for table in (
        make_table({"x" * 65: {}}, {}),
        make_table({str(number): {} for number in range(65)}, {}),
        make_table({"own": {f"/{number}": LocatorAt() for number in range(257)}}, {}),
        make_table({"own": {"/svc": LocatorAt("x" * 108)}}, {}),
    ):
        with pytest.raises(LocalProtocolError):
            encode_table(table)


def end() -> ClientEnd[Locator]:
    client, server = create_endpoints(Locator)
    server.close()
    return client


def sent(table: Table) -> Message:
    data, handles = encode_table(table)
    return Message(data, [Handle(each.take()) for each in handles])


@pytest.mark.parametrize(
    "namespaces, keys, names, message",
    [
        (["own"], [("own", "/a"), ("own", "/a")], [], "two of its keys"),
        (["own", "own"], [("own", "/a")], [], "two of its namespaces"),
        (["own"], [("own", "/a")], ["log", "log"], "two of its handles"),
        (["own"], [("own", "/a"), ("other", "/a")], ["log"], "belongs to no namespace"),
        (["a", "b"], [("a", "/a"), ("b", "//"), ("b", "/x")], ["log"], "neither a path"),
    ],
)
def test_a_table_that_breaks_a_rule_is_closed(
    namespaces: list[str], keys: list[tuple[str, str]], names: list[str], message: str
) -> None:
    entries = [Entry(namespace, key, end().take_channel(), None) for namespace, key in keys]
    table = Table(namespaces, entries, [NamedHandle(name, event()) for name in names])
    with pytest.raises(RemoteProtocolError, match=message):
        decode_table(sent(table))


def test_what_is_no_table_is_closed() -> None:
    address = encode_address(Address(1, 2))
    data, _ = encode_table(Table([], [], []))
    for message in (address, address + data, data + data, b"x", data[:-1], data + b"x"):
        with pytest.raises(RemoteProtocolError):
            decode_table(Message(message, []))
    wrong = msgpack.encode([["own"], [["own", "/svc", place(0), None]], []])
    told = encode(0, TABLE.ordinal, TABLE.flags, wrong, 1)
    with pytest.raises(RemoteProtocolError, match="EVENT"):
        decode_table(Message(told, [Handle(event().take())]))


def test_what_is_no_address() -> None:
    data, _ = encode_table(Table([], [], []))
    for message in (data, b"", encode(0, ADDRESS.ordinal, 0, b"\x92\x01")):
        with pytest.raises(RemoteProtocolError):
            decode_address(message)
