from __future__ import annotations

import os
from typing import Annotated, TypeVar

import pytest

from ipcrt.bindings.codec import Codec
from ipcrt.bindings.ends import Protocol, create_endpoints
from ipcrt.bindings.needs import NEEDS, needs
from ipcrt.bindings.proxy import Proxy
from ipcrt.bindings.server import Server, ServerBinding
from ipcrt.bindings.structs import Struct
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import Openness, ProtocolTable, TwoWay
from ipcrt.errors import IpcError, LocalProtocolError, NoResources, RemoteProtocolError
from ipcrt.objects.channel import Channel
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import open_port

T = TypeVar("T")


class Loan(Struct, frozen=True):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.WRITE)] | None


def test_rights_that_no_object_has_are_not_asked_for() -> None:
    assert needs(1 << 20 | Rights.READ).extra == {NEEDS: Rights.READ}


def test_a_handle_with_the_rights_passes_and_one_without_does_not() -> None:
    codec = Codec(Loan)
    assert codec.encode(Loan(None))[0] == b"\x91\xc0"
    with Vmo.create(10) as vmo, vmo.duplicate(Rights.READ | Rights.TRANSFER) as blind:
        body, _ = codec.encode(Loan(vmo))
        with pytest.raises(LocalProtocolError, match="WRITE"):
            codec.encode(Loan(blind))
        raw = Handle(blind.take(), Rights.READ)
        with pytest.raises(RemoteProtocolError, match="WRITE"):
            codec.decode(memoryview(body), [raw])
        assert raw.closed


class View(Struct, frozen=True):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]


class Whatever(Struct, frozen=True):
    vmo: Annotated[Vmo, needs(Rights.SAME_RIGHTS)]


class Views(Table, ordinals=(1,)):
    view: Annotated[Vmo, needs(Rights.READ)] | None = None


def _through_a_channel(codec: Codec[T], value: T) -> T:
    body, handles = codec.encode(value)
    ours, theirs = Channel.create()
    with ours, theirs:
        ours.write(body, handles)
        message = theirs.read()
        return codec.decode(memoryview(message.data), message.handles)


def test_the_receiver_gets_the_declared_rights_and_no_more() -> None:
    with Vmo.from_bytes(b"hello") as vmo:
        loan = _through_a_channel(Codec(View), View(vmo.duplicate()))
        with loan.vmo as received:
            assert received.rights == Rights.READ | Rights.MAP
            assert received.read(0, 5) == b"hello"
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.pwrite(received.fileno(), b"x", 0)  # the kernel knows, too
        vmo.write(0, b"j")  # what stayed here has kept its rights
        view = _through_a_channel(Codec(Views), Views(view=vmo.duplicate())).view
        assert view is not None
        with view:
            assert view.rights == Rights.READ


def test_same_rights_are_left_alone() -> None:
    with Vmo.create(1) as vmo:
        rights = vmo.rights
        with _through_a_channel(Codec(Whatever), Whatever(vmo.duplicate())).vmo as received:
            assert received.rights == rights
            received.write(0, b"x")


def test_a_message_that_is_not_sent_takes_no_rights() -> None:
    class Two(Struct, frozen=True):
        view: Annotated[Vmo, needs(Rights.READ)]
        loan: Annotated[Vmo, needs(Rights.WRITE)]

    with Vmo.create(1) as vmo, vmo.duplicate(Rights.READ | Rights.TRANSFER) as blind:
        rights = vmo.rights
        with pytest.raises(LocalProtocolError):
            Codec(Two).encode(Two(vmo, blind))
        assert vmo.rights == rights
        with _through_a_channel(Codec(Whatever), Whatever(vmo.duplicate())).vmo as received:
            assert received.rights == rights  # nothing is remembered


class Viewing(Protocol):
    """Views go out, and come in."""


SHOW = TwoWay("test/Viewing.Show", View, type(None))
LOOK = TwoWay("test/Viewing.Look", type(None), View)
Viewing.TABLE = ProtocolTable("test/Viewing", Openness.CLOSED, (SHOW, LOOK))


class ViewingServer(Server[Viewing]):
    PROTOCOL = Viewing
    gone: Exception | None = None

    def show(self, vmo: Vmo) -> None:
        vmo.close()

    def look(self) -> View:
        return View(Vmo.create(1))

    def client_gone(self, reason: Exception) -> None:
        self.gone = reason


class ViewingProxy(Proxy[Viewing]):
    PROTOCOL = Viewing

    async def show(self, vmo: Vmo) -> None:
        await self._call(SHOW, View(vmo), 5)

    async def look(self) -> Vmo:
        return (await self._call(LOOK, None, 5)).vmo


@pytest.mark.anyio
async def test_a_handle_that_cannot_be_reduced_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def restrict(vmo: Vmo, rights: Rights) -> None:
        raise NoResources("no descriptor is free")

    async with open_port() as port:
        client, end = create_endpoints(Viewing)
        server = ViewingServer()
        async with ViewingProxy(client, port) as proxy:
            binding = ServerBinding(end, server, port)
            for _ in range(2):  # what is usual is known the second time
                with Vmo.create(1) as vmo, monkeypatch.context() as patch:
                    patch.setattr(Vmo, "restrict", restrict)
                    with pytest.raises(LocalProtocolError, match="no descriptor is free"):
                        await proxy.show(vmo)
                    assert not vmo.closed
                    with pytest.raises(IpcError, match="INTERNAL"):
                        await proxy.look()
                await proxy.show(Vmo.create(1))
                (await proxy.look()).close()
            assert server.gone is None
            binding.close()
    assert "no descriptor is free" in caplog.text
