"""Structs with handles of every sort, for whoever tests how they are encoded and decoded."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ipcrt.bindings.bits import StrictBits
from ipcrt.bindings.ends import ClientEnd, ServerEnd
from ipcrt.bindings.needs import needs
from ipcrt.bindings.structs import Struct
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from tests.bindings.hand import Tiny


class Modes(StrictBits):
    FAST = 1


class Parcel(Struct, frozen=True):
    number: Annotated[int, Meta(ge=0, le=255)]
    event: Event
    text: Annotated[str, Meta(max_length=4)]
    file: Handle | None
    modes: Modes


class Pair(Struct, frozen=True):
    first: Event
    second: Vmo


class View(Struct, frozen=True):
    vmo: Annotated[Vmo, needs(Rights.READ | Rights.MAP)] | None


class Lent(Struct, frozen=True):
    file: Annotated[Handle, needs(Rights.READ)]
    mark: Annotated[Event, needs(Rights.WAIT)]


class Late(Struct, frozen=True):
    file: Handle
    number: int = 0


class Ends(Struct, frozen=True):
    client: ClientEnd[Tiny]
    server: ServerEnd[Tiny] | None
