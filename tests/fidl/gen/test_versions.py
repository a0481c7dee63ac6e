"""An old and a new version of one contract, generated from one text, talk to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.errors import UnknownMethod
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import LocalProtocolError, PeerClosed, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.event import Event
from ipcrt.objects.socket import Socket
from ipcrt.port.aport import AsyncPort, open_port
from tests.fidl.gen.compiling import HERE, compile_ir, load

pytestmark = pytest.mark.anyio


@pytest.fixture
def old(tmp_path: Path) -> Any:
    ir = compile_ir(tmp_path, (HERE / "sample.fidl").read_text(), available="ipcrt:1")
    return load(ir, "generated_old")


@pytest.fixture
def new(tmp_path: Path) -> Any:
    ir = compile_ir(tmp_path, (HERE / "sample.fidl").read_text(), available="ipcrt:2")
    return load(ir, "generated_new")


def _serve(module: Any, port: AsyncPort, channel: Channel) -> tuple[Any, ServerBinding[Any]]:
    """Serve a version's player that answers whatever it is given."""

    class Mirror(module.PlayerServer):  # type: ignore[misc]
        def __init__(self) -> None:
            self.last: Any = None

        def draw(self, payload: Any) -> Any:
            self.last = payload
            return module.ShapeLabel("drawn")

        def configure(self, payload: Any) -> Any:
            self.last = payload
            return payload

        def send(self, payload: Any) -> Any:
            self.last = payload
            return module.PlayerSendResponse(None, [])

    Mirror.__abstractmethods__ = frozenset()
    mirror = Mirror()
    return mirror, ServerBinding(ServerEnd(channel), mirror, port)


async def test_an_old_server_passes_on_what_it_does_not_know(old: Any, new: Any) -> None:
    async with open_port() as port:
        near, far = Channel.create()
        mirror, binding = _serve(old, port, far)
        with binding:
            async with new.PlayerProxy(ClientEnd(near), port) as proxy:
                sent = new.Settings(
                    volume=3, colour=new.Colour.BLUE, extra=new.Extra(note="n"), name="x"
                )
                assert await proxy.configure(sent) == sent
                assert await proxy.draw(new.ShapeCorners([1, 2])) == new.ShapeLabel("drawn")
                assert mirror.last.ordinal == 4
                assert await proxy.draw(
                    new.ShapeGroup([new.Shape2Colour(new.Colour.BLUE)])
                ) == new.ShapeLabel("drawn")
                colour = mirror.last.value[0].value
                assert isinstance(colour, old.Colour)
                assert colour.is_unknown
                assert colour == new.Colour.BLUE
                with pytest.raises(UnknownMethod):
                    await proxy.rewind()


async def test_a_new_server_sees_an_old_client_say_less(old: Any, new: Any) -> None:
    async with open_port() as port:
        near, far = Channel.create()
        mirror, binding = _serve(new, port, far)
        with binding:
            async with old.PlayerProxy(ClientEnd(near), port) as proxy:
                settings = old.Settings(volume=3, inner=old.Settings2(shape=old.ShapeRadius(4)))
                assert await proxy.configure(settings) == settings
                assert mirror.last.colour is None
                assert mirror.last.inner.shape == new.ShapeRadius(4)
                sender = new.PlayerEventSender(binding)
                sender.on_rewound(3)  # flexible: the old client ignores it
                assert await proxy.draw(old.ShapeRadius(4)) == old.ShapeLabel("drawn")


async def test_handles_in_what_nobody_knows_are_closed(old: Any, new: Any) -> None:
    async with open_port() as port:
        near, far = Channel.create()
        mirror, binding = _serve(old, port, far)
        with binding:
            async with new.PlayerProxy(ClientEnd(near), port) as proxy:
                ours, theirs = Socket.create()
                with ours:
                    event = Event.create()
                    await proxy.send(new.Parcel(thing=new.ThingSocket(theirs), event=event))
                    assert mirror.last.thing.ordinal == 3
                    assert mirror.last.back is None
                    with pytest.raises(PeerClosed):
                        ours.read(10)


async def test_an_unknown_member_can_be_passed_on_unless_it_held_handles(
    old: Any, new: Any
) -> None:
    async with open_port() as port:
        near, far = Channel.create()
        mirror, binding = _serve(old, port, far)
        with binding:
            async with new.PlayerProxy(ClientEnd(near), port) as proxy:
                await proxy.draw(new.ShapeCorners([1]))
                body = old.PLAYER_DRAW.request.encode(mirror.last)[0]
                assert new.PLAYER_DRAW.request.decode(memoryview(body), []) == new.ShapeCorners([1])
                ours, theirs = Socket.create()
                with ours:
                    await proxy.send(new.Parcel(thing=new.ThingSocket(theirs)))
                with pytest.raises(LocalProtocolError, match="held handles"):
                    old.PLAYER_SEND.request.encode(mirror.last)


def test_what_is_strict_refuses_the_unknown(new: Any) -> None:
    codec = new.PLAYER_JUDGE.request
    assert codec.decode(memoryview(b"\x94\x01\x7f\x03\xc0"), []).mood is new.Mood.GOOD
    for body in (
        b"\x94\x02\x7f\x03\xc0",
        b"\x94\x01\x7f\x04\xc0",
        b"\x94\x01\xff\x03\xc0",
        b"\x94\x01\xcd\x01\x00\x03\xc0",
    ):
        with pytest.raises(RemoteProtocolError):
            codec.decode(memoryview(body), [])
    draw = new.PLAYER_DRAW.request
    assert draw.decode(memoryview(b"\x92\x03\x91\x92\x01\x01"), []).value[0].value == 1
    for body in (b"\x92\x03\x91\x92\x03\x01", b"\x92\x00\x01", b"\x91\x01", b"\x93\x01\x01\x01"):
        with pytest.raises(RemoteProtocolError):
            draw.decode(memoryview(body), [])
