from __future__ import annotations

import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.errors import BadHandle
from ipcrt.objects.channel import Channel
from ipcrt.objects.rights import Rights
from tests.bindings.hand import Tiny, hung_up


def test_the_two_ends_are_of_one_channel() -> None:
    client, server = create_endpoints(Tiny)
    with client, server:
        assert (type(client), type(server)) == (ClientEnd, ServerEnd)
        assert client.channel.related_koid == server.channel.koid
        client.channel.write(b"early")
        assert server.channel.read().data == b"early"


def test_an_end_owns_its_channel_with_the_rights_that_it_had() -> None:
    ours, theirs = Channel.create()
    with theirs, Channel(ours.take(), Rights.READ | Rights.TRANSFER) as channel:
        with ClientEnd[Tiny](channel) as end:
            assert channel.closed
            assert end.channel.rights == Rights.READ | Rights.TRANSFER
        assert end.closed
        assert hung_up(theirs)


def test_a_channel_is_taken_once() -> None:
    client, server = create_endpoints(Tiny)
    with server, client.take_channel() as channel:
        assert client.closed
        with pytest.raises(BadHandle):
            client.take_channel()
        client.close()
        assert not channel.closed


def test_close_hangs_up_and_may_be_said_twice() -> None:
    client, server = create_endpoints(Tiny)
    server.close()
    server.close()
    with client:
        assert hung_up(client.channel)


def test_a_closed_channel_makes_no_end() -> None:
    channel, other = Channel.create()
    other.close()
    channel.close()
    with pytest.raises(BadHandle):
        ServerEnd[Tiny](channel)


def test_repr_names_the_end_and_its_channel() -> None:
    client, server = create_endpoints(Tiny)
    with client, server:
        assert repr(client) == f"<ClientEnd <Channel fd={client.channel.fileno()}>>"
    assert repr(server) == "<ServerEnd <Channel closed>>"
