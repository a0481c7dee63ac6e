from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd, create_endpoints
from ipcrt.errors import (
    AccessDenied,
    BadHandle,
    InvalidArgs,
    LocalProtocolError,
    NotFound,
    NotSupported,
    PeerClosed,
    ShouldWait,
    Status,
)
from ipcrt.locator.namespace import LocatorAt, Namespace
from ipcrt.locator.protocol import LOCATOR_OPEN, Locator
from ipcrt.objects.channel import Channel
from ipcrt.wire.epitaph import encode_epitaph
from ipcrt.wire.frames import split
from tests.locator.echo import NAME, Echo
from tests.support.proc import open_fds


@pytest.fixture
def directory() -> Generator[tuple[Namespace, Channel]]:
    """A namespace whose "/svc" leads to the channel beside it."""
    client, server = create_endpoints(Locator)
    with Namespace({"/svc": client}) as namespace, server:
        assert client.closed, "moved"
        yield namespace, server.channel


def opened(channel: Channel) -> tuple[str, Channel]:
    """Read what is asked for next; the caller owns the end."""
    message = channel.read()
    ((txid, ordinal, _, body, _, count),) = split(message.data, len(message.handles))
    assert (txid, ordinal, count) == (0, LOCATOR_OPEN.ordinal, 1)
    request = LOCATOR_OPEN.request.decode(body, message.handles)
    return request.name, request.server_end


def test_opening_is_one_message_and_may_be_used_at_once(
    directory: tuple[Namespace, Channel],
) -> None:
    namespace, server = directory
    for name, told in ((None, NAME), ("a/B", "a/B"), ("/svc/a/B", "a/B")):
        with namespace.open_now(Echo, name) as end:
            end.channel.write(b"before anybody has looked")
            asked, server_end = opened(server)
            with server_end:
                assert asked == told
                assert server_end.read().data == b"before anybody has looked"


def test_where_a_name_belongs() -> None:
    with Namespace(
        {"/svc": LocatorAt("/a"), "/svc/deep": LocatorAt("/b"), "/dev": LocatorAt()}
    ) as namespace:
        assert namespace.keys() == ["/dev", "/svc", "/svc/deep"]
        assert namespace.find("x/Y") == ("/svc", "x/Y")
        assert namespace.find("deep/x/Y") == ("/svc/deep", "x/Y"), "the longest fits"
        assert namespace.find("deeper/Y") == ("/svc", "deeper/Y"), "names are whole"
        assert namespace.find("/dev/x/Y") == ("/dev", "x/Y")
        assert namespace.locator_of("deep/Y") == (LocatorAt("/b"), "Y")
        for name in ("/else/Y", "/svc", "/dev", "/", "", "/svc/", "x/Y/"):
            with pytest.raises(NotFound, match="which has /dev, /svc, /svc/deep"):
                namespace.find(name)
        with pytest.raises(NotSupported, match=r"use connect\(\)"):
            namespace.open_now(Echo)
    with pytest.raises(NotFound, match="which has nothing"):
        Namespace().find("x/Y")


def test_an_open_end_is_given_out_once() -> None:
    client, server = create_endpoints(Echo)
    with server, Namespace({NAME: client, "/svc": LocatorAt()}) as namespace:
        assert namespace.locator_of(NAME) is None
        with pytest.raises(NotSupported, match="moved, not opened"):
            namespace.pass_on(NAME, server.channel)
        with namespace.open_now(Echo) as end:
            end.channel.write(b"x")
            assert server.channel.read().data == b"x"
        assert namespace.keys() == ["/svc"]
        assert namespace.locator_of(NAME) is not None, "beneath /svc from now on"


@pytest.mark.parametrize(
    "key", ["", "/", "//x", "/svc/", "a//B", "a/", "/x\n", "x" * 256, "/" + "ä" * 128]
)
def test_what_is_no_key(key: str) -> None:
    client, server = create_endpoints(Locator)
    with client, server:
        with pytest.raises(InvalidArgs, match="neither a path"):
            Namespace({"/svc": client, key: LocatorAt()})
        assert not client.closed


def test_a_locator_serves_a_path() -> None:
    with pytest.raises(InvalidArgs, match="a locator serves a path"):
        Namespace({"a/B": LocatorAt()})


def test_closing_closes_the_ends() -> None:
    client, server = create_endpoints(Locator)
    namespace = Namespace({"/svc": client})
    namespace.close()
    namespace.close()
    with server, pytest.raises(PeerClosed):
        server.channel.read()
    assert namespace.keys() == []


def fill(namespace: Namespace) -> list[ClientEnd[Echo]]:
    ends: list[ClientEnd[Echo]] = []
    while True:
        try:
            ends.append(namespace.open_now(Echo))
        except ShouldWait:
            return ends


def test_a_directory_that_reads_nothing_grows_no_memory(
    directory: tuple[Namespace, Channel],
) -> None:
    namespace, server = directory
    ends = fill(namespace)
    before = open_fds()
    with pytest.raises(ShouldWait):
        namespace.open_now(Echo)
    assert open_fds() == before
    client, spare = create_endpoints(Echo)
    with client, spare:
        with pytest.raises(ShouldWait):
            namespace.pass_on(NAME, spare.channel)
        assert [spare.closed] == [False], "it can be tried again"
        opened(server)[1].close()
        namespace.pass_on(NAME, spare.channel)
        assert [spare.closed] == [True]
    for end in ends:
        end.close()


def test_a_directory_that_has_gone(directory: tuple[Namespace, Channel]) -> None:
    namespace, server = directory
    server.close()
    before = open_fds()
    with pytest.raises(PeerClosed, match="has gone"):
        namespace.open_now(Echo)
    assert open_fds() == before


def test_a_directory_that_said_why_it_has_gone(directory: tuple[Namespace, Channel]) -> None:
    namespace, server = directory
    server.write(encode_epitaph(Status.ACCESS_DENIED))
    server.close()
    with pytest.raises(AccessDenied, match="said why"):
        namespace.open_now(Echo)


def test_a_directory_whose_last_words_are_nonsense(directory: tuple[Namespace, Channel]) -> None:
    namespace, server = directory
    near, far = Channel.create()
    with near:
        server.write(b"nonsense", [far])
        server.close()
        with pytest.raises(PeerClosed):
            namespace.open_now(Echo)
        with pytest.raises(PeerClosed):
            near.read()


def test_a_name_that_is_too_long(directory: tuple[Namespace, Channel]) -> None:
    namespace, _ = directory
    before = open_fds()
    with pytest.raises(LocalProtocolError):
        namespace.open_now(Echo, "x" * 256)
    assert open_fds() == before


def test_any_thread_may_open() -> None:
    client, server = create_endpoints(Locator)
    asked: list[str] = []
    with Namespace({"/svc": client}) as namespace, server:

        def ask(number: int) -> None:
            for _ in range(5):
                namespace.open_now(Echo, f"x/{number}").close()

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(40):
            name, end = opened(server.channel)
            end.close()
            asked.append(name)
    assert sorted(asked) == sorted(f"x/{number}" for number in range(8) for _ in range(5))


def test_it_can_be_taken_apart() -> None:
    client, server = create_endpoints(Locator)
    with server, Namespace({"/svc": client}) as namespace:
        (end,) = namespace.take_entries().values()
        assert isinstance(end, ClientEnd)
        end.close()
        assert repr(namespace) == "<Namespace >"
        with pytest.raises(BadHandle, match="was moved"):  # not an empty one for a second child
            namespace.take_entries()
        with pytest.raises(NotFound, match="which is closed, or was moved"):
            namespace.find(NAME)


def test_types() -> None:
    """What is opened is an end of the protocol that was asked for."""
    client, server = create_endpoints(Echo)
    with Namespace({NAME: client}) as namespace, ServerEnd[Echo](server.take_channel()):
        end: ClientEnd[Echo] = namespace.open_now(Echo)
        end.close()
