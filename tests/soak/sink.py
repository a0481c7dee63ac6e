"""How the two ends of a ring find each other: the consumer's process offers a protocol for it."""

from __future__ import annotations

from typing import Annotated

from ipcrt.bindings.ends import Protocol
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy
from ipcrt.bindings.server import Server
from ipcrt.bindings.tables import Openness, ProtocolTable, Struct, TwoWay
from ipcrt.objects.fifo import Fifo
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.shm.ring_end import RingHandles

NAME = "ipcrt.soak/Sink"


class Sink(Protocol):
    pass


class SinkTakeRequest(Struct, frozen=True):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.WRITE | Rights.MAP)]
    bell: Annotated[Fifo, needs(Rights.READ | Rights.WRITE | Rights.WAIT)]


TAKE = TwoWay("ipcrt.soak/Sink.Take", SinkTakeRequest, type(None))
Sink.TABLE = ProtocolTable(NAME, Openness.OPEN, (TAKE,))


class SinkBlockingProxy(BlockingProxy[Sink]):
    PROTOCOL = Sink
    __slots__ = ()

    def take(self, handles: RingHandles) -> None:
        """Hand the consumer's end of a ring over; the handles move."""
        self._call(TAKE, SinkTakeRequest(*handles), DEFAULT_TIMEOUT)


class SinkServer(Server[Sink]):
    PROTOCOL = Sink

    def take(self, vmo: Vmo, bell: Fifo) -> None:
        raise NotImplementedError
