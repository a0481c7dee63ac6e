# Library ipcrt.evolution: generated; do not edit.
"""One of everything that a contract may gain or lose between its versions 1 and 2."""

from __future__ import annotations

import enum
from abc import abstractmethod
from typing import Annotated, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.bits import FlexibleBits8, StrictBits
from ipcrt.bindings.ends import Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint8, FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Int32, Uint8, Uint16, Uint32
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import Event as _Event
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.bindings.union import UnknownResource, UnknownVariant, Variant
from ipcrt.objects.event import Event


class Colour(FlexibleUint8):
    RED = 1
    GREY = 3


class Mood(enum.IntEnum):
    CALM = 1


class Refusal(FlexibleUint32):
    BUSY = 1


class Verdict(enum.IntEnum):
    NO = -1


class Options(FlexibleBits8):
    FAST = 0x1
    SHY = 0x4


class Access(StrictBits):
    READ = 0x1


class RefusalFailed(DomainError[Refusal]):
    ERROR = Refusal


class VerdictFailed(DomainError[Verdict]):
    ERROR = Verdict


class Settings(Table, ordinals=(1, 4)):
    volume: Uint8 | None = None
    legacy: Annotated[list[Uint16], Meta(max_length=4)] | None = None


class Settings2(Table, ordinals=(1,)):
    names: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=4)] | None = None


class Page(Struct):
    """Everything at once, and inside of each other."""

    settings: Annotated[list[Settings], Meta(max_length=4)]
    shapes: Annotated[list[Shape], Meta(max_length=4)]
    colours: Annotated[list[Colour], Meta(max_length=4)]
    options: Options


class Parcel(Table, ordinals=(1,), resource=True):
    tag: Uint8 | None = None


class Grown(Struct):
    a: Uint32


class ColourBox(Struct):
    value: Colour


class OptionsBox(Struct):
    value: Options


class SettingsBox(Struct):
    value: Settings


class ShapeBox(Struct):
    value: Shape


class PageBox(Struct):
    value: Page


class ParcelBox(Struct):
    value: Parcel


class ThingBox(Struct):
    value: Thing


class MoodBox(Struct):
    value: Mood


class AccessBox(Struct):
    value: Access


class FormBox(Struct):
    value: Form


class GrownBox(Struct):
    value: Grown


class StationSawResponse(Struct):
    text: Annotated[str, Meta(max_length=4096)]


class StationCloneRequest(Struct):
    end: ServerEnd[Station]


class StationLeaveRequest(Struct):
    status: Int32


class StationOnOldRequest(Struct):
    number: Uint32


class StationBygoneResponse(Struct):
    answer: Uint32


class ShapeSide(Variant, tag=1):
    value: Uint16


class ShapeLabel(Variant, tag=3):
    value: Annotated[str, Meta(max_length=8)]


class ShapeSettings(Variant, tag=4):
    value: Settings


class ThingEvent(Variant, tag=1):
    value: Event


class FormName(Variant, tag=1):
    value: Annotated[str, Meta(max_length=8)]


class Station(Protocol):
    """Passes on what it is given, and gives the newest that its version has."""


Form: TypeAlias = FormName

Shape: TypeAlias = ShapeSide | ShapeLabel | ShapeSettings | UnknownVariant

Thing: TypeAlias = ThingEvent | UnknownResource

STATION_PASS_COLOUR = TwoWay("ipcrt.evolution/Station.PassColour", ColourBox, ColourBox)
STATION_GIVE_COLOUR = TwoWay("ipcrt.evolution/Station.GiveColour", type(None), ColourBox)
STATION_PASS_OPTIONS = TwoWay("ipcrt.evolution/Station.PassOptions", OptionsBox, OptionsBox)
STATION_GIVE_OPTIONS = TwoWay("ipcrt.evolution/Station.GiveOptions", type(None), OptionsBox)
STATION_PASS_SETTINGS = TwoWay("ipcrt.evolution/Station.PassSettings", SettingsBox, SettingsBox)
STATION_GIVE_SETTINGS = TwoWay("ipcrt.evolution/Station.GiveSettings", type(None), SettingsBox)
STATION_PASS_SHAPE = TwoWay("ipcrt.evolution/Station.PassShape", ShapeBox, ShapeBox)
STATION_GIVE_SHAPE = TwoWay("ipcrt.evolution/Station.GiveShape", type(None), ShapeBox)
STATION_PASS_PAGE = TwoWay("ipcrt.evolution/Station.PassPage", PageBox, PageBox)
STATION_GIVE_PAGE = TwoWay("ipcrt.evolution/Station.GivePage", type(None), PageBox)
STATION_PASS_PARCEL = TwoWay("ipcrt.evolution/Station.PassParcel", ParcelBox, ParcelBox)
STATION_GIVE_PARCEL = TwoWay("ipcrt.evolution/Station.GiveParcel", type(None), ParcelBox)
STATION_PASS_THING = TwoWay("ipcrt.evolution/Station.PassThing", ThingBox, ThingBox)
STATION_GIVE_THING = TwoWay("ipcrt.evolution/Station.GiveThing", type(None), ThingBox)
STATION_PASS_MOOD = TwoWay("ipcrt.evolution/Station.PassMood", MoodBox, MoodBox)
STATION_GIVE_MOOD = TwoWay("ipcrt.evolution/Station.GiveMood", type(None), MoodBox)
STATION_PASS_ACCESS = TwoWay("ipcrt.evolution/Station.PassAccess", AccessBox, AccessBox)
STATION_GIVE_ACCESS = TwoWay("ipcrt.evolution/Station.GiveAccess", type(None), AccessBox)
STATION_PASS_FORM = TwoWay("ipcrt.evolution/Station.PassForm", FormBox, FormBox)
STATION_GIVE_FORM = TwoWay("ipcrt.evolution/Station.GiveForm", type(None), FormBox)
STATION_PASS_GROWN = TwoWay("ipcrt.evolution/Station.PassGrown", GrownBox, GrownBox)
STATION_GIVE_GROWN = TwoWay("ipcrt.evolution/Station.GiveGrown", type(None), GrownBox)
STATION_SAW = TwoWay("ipcrt.evolution/Station.Saw", type(None), StationSawResponse, strict=True)
STATION_CLONE = OneWay("ipcrt.evolution/Station.Clone", StationCloneRequest, strict=True)
STATION_LEAVE = OneWay("ipcrt.evolution/Station.Leave", StationLeaveRequest, strict=True)
STATION_WAIT = TwoWay("ipcrt.evolution/Station.Wait", type(None), type(None), strict=True)
STATION_REFUSE = TwoWay(
    "ipcrt.evolution/Station.Refuse", type(None), type(None), raises=RefusalFailed
)
STATION_JUDGE = TwoWay(
    "ipcrt.evolution/Station.Judge", type(None), type(None), raises=VerdictFailed
)
STATION_CRASH = TwoWay(
    "ipcrt.evolution/Station.Crash", type(None), type(None), raises=RefusalFailed
)
STATION_SHOUT = OneWay("ipcrt.evolution/Station.Shout", type(None), strict=True)
STATION_SHOUT_STRICT = OneWay("ipcrt.evolution/Station.ShoutStrict", type(None), strict=True)
STATION_ON_OLD = _Event("ipcrt.evolution/Station.OnOld", StationOnOldRequest)
STATION_BYGONE = TwoWay("ipcrt.evolution/Station.Bygone", type(None), StationBygoneResponse)
Station.TABLE = ProtocolTable(
    "ipcrt.evolution/Station",
    Openness.OPEN,
    (
        STATION_PASS_COLOUR,
        STATION_GIVE_COLOUR,
        STATION_PASS_OPTIONS,
        STATION_GIVE_OPTIONS,
        STATION_PASS_SETTINGS,
        STATION_GIVE_SETTINGS,
        STATION_PASS_SHAPE,
        STATION_GIVE_SHAPE,
        STATION_PASS_PAGE,
        STATION_GIVE_PAGE,
        STATION_PASS_PARCEL,
        STATION_GIVE_PARCEL,
        STATION_PASS_THING,
        STATION_GIVE_THING,
        STATION_PASS_MOOD,
        STATION_GIVE_MOOD,
        STATION_PASS_ACCESS,
        STATION_GIVE_ACCESS,
        STATION_PASS_FORM,
        STATION_GIVE_FORM,
        STATION_PASS_GROWN,
        STATION_GIVE_GROWN,
        STATION_SAW,
        STATION_CLONE,
        STATION_LEAVE,
        STATION_WAIT,
        STATION_REFUSE,
        STATION_JUDGE,
        STATION_CRASH,
        STATION_SHOUT,
        STATION_SHOUT_STRICT,
        STATION_ON_OLD,
        STATION_BYGONE,
    ),
)


class StationProxy(Proxy[Station]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Station
    __slots__ = ()

    async def pass_colour(self, value: Colour, *, timeout: float | None = 25.0) -> ColourBox:
        return await self._call(STATION_PASS_COLOUR, ColourBox(value), timeout)

    async def give_colour(self, *, timeout: float | None = 25.0) -> ColourBox:
        return await self._call(STATION_GIVE_COLOUR, None, timeout)

    async def pass_options(self, value: Options, *, timeout: float | None = 25.0) -> OptionsBox:
        return await self._call(STATION_PASS_OPTIONS, OptionsBox(value), timeout)

    async def give_options(self, *, timeout: float | None = 25.0) -> OptionsBox:
        return await self._call(STATION_GIVE_OPTIONS, None, timeout)

    async def pass_settings(self, value: Settings, *, timeout: float | None = 25.0) -> SettingsBox:
        return await self._call(STATION_PASS_SETTINGS, SettingsBox(value), timeout)

    async def give_settings(self, *, timeout: float | None = 25.0) -> SettingsBox:
        return await self._call(STATION_GIVE_SETTINGS, None, timeout)

    async def pass_shape(self, value: Shape, *, timeout: float | None = 25.0) -> ShapeBox:
        return await self._call(STATION_PASS_SHAPE, ShapeBox(value), timeout)

    async def give_shape(self, *, timeout: float | None = 25.0) -> ShapeBox:
        return await self._call(STATION_GIVE_SHAPE, None, timeout)

    async def pass_page(self, value: Page, *, timeout: float | None = 25.0) -> PageBox:
        return await self._call(STATION_PASS_PAGE, PageBox(value), timeout)

    async def give_page(self, *, timeout: float | None = 25.0) -> PageBox:
        return await self._call(STATION_GIVE_PAGE, None, timeout)

    async def pass_parcel(self, value: Parcel, *, timeout: float | None = 25.0) -> ParcelBox:
        return await self._call(STATION_PASS_PARCEL, ParcelBox(value), timeout)

    async def give_parcel(self, *, timeout: float | None = 25.0) -> ParcelBox:
        return await self._call(STATION_GIVE_PARCEL, None, timeout)

    async def pass_thing(self, value: Thing, *, timeout: float | None = 25.0) -> ThingBox:
        return await self._call(STATION_PASS_THING, ThingBox(value), timeout)

    async def give_thing(self, *, timeout: float | None = 25.0) -> ThingBox:
        return await self._call(STATION_GIVE_THING, None, timeout)

    async def pass_mood(self, value: Mood, *, timeout: float | None = 25.0) -> MoodBox:
        return await self._call(STATION_PASS_MOOD, MoodBox(value), timeout)

    async def give_mood(self, *, timeout: float | None = 25.0) -> MoodBox:
        return await self._call(STATION_GIVE_MOOD, None, timeout)

    async def pass_access(self, value: Access, *, timeout: float | None = 25.0) -> AccessBox:
        return await self._call(STATION_PASS_ACCESS, AccessBox(value), timeout)

    async def give_access(self, *, timeout: float | None = 25.0) -> AccessBox:
        return await self._call(STATION_GIVE_ACCESS, None, timeout)

    async def pass_form(self, value: Form, *, timeout: float | None = 25.0) -> FormBox:
        return await self._call(STATION_PASS_FORM, FormBox(value), timeout)

    async def give_form(self, *, timeout: float | None = 25.0) -> FormBox:
        return await self._call(STATION_GIVE_FORM, None, timeout)

    async def pass_grown(self, value: Grown, *, timeout: float | None = 25.0) -> GrownBox:
        return await self._call(STATION_PASS_GROWN, GrownBox(value), timeout)

    async def give_grown(self, *, timeout: float | None = 25.0) -> GrownBox:
        return await self._call(STATION_GIVE_GROWN, None, timeout)

    async def saw(self, *, timeout: float | None = 25.0) -> StationSawResponse:
        """What came last, or what did not: as the server's `repr`."""
        return await self._call(STATION_SAW, None, timeout)

    async def clone(self, end: ServerEnd[Station]) -> None:
        """Serve one more client."""
        await self._send(STATION_CLONE, StationCloneRequest(end))

    def clone_now(self, end: ServerEnd[Station]) -> None:
        self._send_now(STATION_CLONE, StationCloneRequest(end))

    def clone_soon(self, end: ServerEnd[Station], on_sent: Done) -> bool:
        return self._send_soon(STATION_CLONE, StationCloneRequest(end), on_sent)

    async def leave(self, status: int) -> None:
        """Close this channel with a status, once the call `Wait` is there."""
        await self._send(STATION_LEAVE, StationLeaveRequest(status))

    def leave_now(self, status: int) -> None:
        self._send_now(STATION_LEAVE, StationLeaveRequest(status))

    def leave_soon(self, status: int, on_sent: Done) -> bool:
        return self._send_soon(STATION_LEAVE, StationLeaveRequest(status), on_sent)

    async def wait(self, *, timeout: float | None = 25.0) -> None:
        await self._call(STATION_WAIT, None, timeout)

    async def refuse(self, *, timeout: float | None = 25.0) -> None:
        """Refuse with the newest reason.

        Raises: RefusalFailed.
        """
        await self._call(STATION_REFUSE, None, timeout)

    async def judge(self, *, timeout: float | None = 25.0) -> None:
        """Raises: VerdictFailed."""
        await self._call(STATION_JUDGE, None, timeout)

    async def crash(self, *, timeout: float | None = 25.0) -> None:
        """Fail with an exception that nobody declared, and a text that is nobody's business.

        Raises: RefusalFailed.
        """
        await self._call(STATION_CRASH, None, timeout)

    async def shout(self) -> None:
        """Send the newest event of either kind."""
        await self._send(STATION_SHOUT, None)

    def shout_now(self) -> None:
        self._send_now(STATION_SHOUT, None)

    def shout_soon(self, on_sent: Done) -> bool:
        return self._send_soon(STATION_SHOUT, None, on_sent)

    async def shout_strict(self) -> None:
        await self._send(STATION_SHOUT_STRICT, None)

    def shout_strict_now(self) -> None:
        self._send_now(STATION_SHOUT_STRICT, None)

    def shout_strict_soon(self, on_sent: Done) -> bool:
        return self._send_soon(STATION_SHOUT_STRICT, None, on_sent)

    async def bygone(self, *, timeout: float | None = 25.0) -> StationBygoneResponse:
        return await self._call(STATION_BYGONE, None, timeout)


class StationBlockingProxy(BlockingProxy[Station]):
    """A client, blocking its thread; see `StationProxy`."""

    PROTOCOL = Station
    __slots__ = ()

    def pass_colour(self, value: Colour, *, timeout: float | None = 25.0) -> ColourBox:
        return self._call(STATION_PASS_COLOUR, ColourBox(value), timeout)

    def give_colour(self, *, timeout: float | None = 25.0) -> ColourBox:
        return self._call(STATION_GIVE_COLOUR, None, timeout)

    def pass_options(self, value: Options, *, timeout: float | None = 25.0) -> OptionsBox:
        return self._call(STATION_PASS_OPTIONS, OptionsBox(value), timeout)

    def give_options(self, *, timeout: float | None = 25.0) -> OptionsBox:
        return self._call(STATION_GIVE_OPTIONS, None, timeout)

    def pass_settings(self, value: Settings, *, timeout: float | None = 25.0) -> SettingsBox:
        return self._call(STATION_PASS_SETTINGS, SettingsBox(value), timeout)

    def give_settings(self, *, timeout: float | None = 25.0) -> SettingsBox:
        return self._call(STATION_GIVE_SETTINGS, None, timeout)

    def pass_shape(self, value: Shape, *, timeout: float | None = 25.0) -> ShapeBox:
        return self._call(STATION_PASS_SHAPE, ShapeBox(value), timeout)

    def give_shape(self, *, timeout: float | None = 25.0) -> ShapeBox:
        return self._call(STATION_GIVE_SHAPE, None, timeout)

    def pass_page(self, value: Page, *, timeout: float | None = 25.0) -> PageBox:
        return self._call(STATION_PASS_PAGE, PageBox(value), timeout)

    def give_page(self, *, timeout: float | None = 25.0) -> PageBox:
        return self._call(STATION_GIVE_PAGE, None, timeout)

    def pass_parcel(self, value: Parcel, *, timeout: float | None = 25.0) -> ParcelBox:
        return self._call(STATION_PASS_PARCEL, ParcelBox(value), timeout)

    def give_parcel(self, *, timeout: float | None = 25.0) -> ParcelBox:
        return self._call(STATION_GIVE_PARCEL, None, timeout)

    def pass_thing(self, value: Thing, *, timeout: float | None = 25.0) -> ThingBox:
        return self._call(STATION_PASS_THING, ThingBox(value), timeout)

    def give_thing(self, *, timeout: float | None = 25.0) -> ThingBox:
        return self._call(STATION_GIVE_THING, None, timeout)

    def pass_mood(self, value: Mood, *, timeout: float | None = 25.0) -> MoodBox:
        return self._call(STATION_PASS_MOOD, MoodBox(value), timeout)

    def give_mood(self, *, timeout: float | None = 25.0) -> MoodBox:
        return self._call(STATION_GIVE_MOOD, None, timeout)

    def pass_access(self, value: Access, *, timeout: float | None = 25.0) -> AccessBox:
        return self._call(STATION_PASS_ACCESS, AccessBox(value), timeout)

    def give_access(self, *, timeout: float | None = 25.0) -> AccessBox:
        return self._call(STATION_GIVE_ACCESS, None, timeout)

    def pass_form(self, value: Form, *, timeout: float | None = 25.0) -> FormBox:
        return self._call(STATION_PASS_FORM, FormBox(value), timeout)

    def give_form(self, *, timeout: float | None = 25.0) -> FormBox:
        return self._call(STATION_GIVE_FORM, None, timeout)

    def pass_grown(self, value: Grown, *, timeout: float | None = 25.0) -> GrownBox:
        return self._call(STATION_PASS_GROWN, GrownBox(value), timeout)

    def give_grown(self, *, timeout: float | None = 25.0) -> GrownBox:
        return self._call(STATION_GIVE_GROWN, None, timeout)

    def saw(self, *, timeout: float | None = 25.0) -> StationSawResponse:
        return self._call(STATION_SAW, None, timeout)

    def clone(self, end: ServerEnd[Station]) -> None:
        self._send(STATION_CLONE, StationCloneRequest(end))

    def clone_now(self, end: ServerEnd[Station]) -> None:
        self._send_now(STATION_CLONE, StationCloneRequest(end))

    def leave(self, status: int) -> None:
        self._send(STATION_LEAVE, StationLeaveRequest(status))

    def leave_now(self, status: int) -> None:
        self._send_now(STATION_LEAVE, StationLeaveRequest(status))

    def wait(self, *, timeout: float | None = 25.0) -> None:
        self._call(STATION_WAIT, None, timeout)

    def refuse(self, *, timeout: float | None = 25.0) -> None:
        self._call(STATION_REFUSE, None, timeout)

    def judge(self, *, timeout: float | None = 25.0) -> None:
        self._call(STATION_JUDGE, None, timeout)

    def crash(self, *, timeout: float | None = 25.0) -> None:
        self._call(STATION_CRASH, None, timeout)

    def shout(self) -> None:
        self._send(STATION_SHOUT, None)

    def shout_now(self) -> None:
        self._send_now(STATION_SHOUT, None)

    def shout_strict(self) -> None:
        self._send(STATION_SHOUT_STRICT, None)

    def shout_strict_now(self) -> None:
        self._send_now(STATION_SHOUT_STRICT, None)

    def bygone(self, *, timeout: float | None = 25.0) -> StationBygoneResponse:
        return self._call(STATION_BYGONE, None, timeout)


class StationServer(Server[Station]):
    """Serves one client; see `StationProxy`."""

    PROTOCOL = Station

    @abstractmethod
    def pass_colour(self, value: Colour) -> Answer[ColourBox]: ...

    @abstractmethod
    def give_colour(self) -> Answer[ColourBox]: ...

    @abstractmethod
    def pass_options(self, value: Options) -> Answer[OptionsBox]: ...

    @abstractmethod
    def give_options(self) -> Answer[OptionsBox]: ...

    @abstractmethod
    def pass_settings(self, value: Settings) -> Answer[SettingsBox]: ...

    @abstractmethod
    def give_settings(self) -> Answer[SettingsBox]: ...

    @abstractmethod
    def pass_shape(self, value: Shape) -> Answer[ShapeBox]: ...

    @abstractmethod
    def give_shape(self) -> Answer[ShapeBox]: ...

    @abstractmethod
    def pass_page(self, value: Page) -> Answer[PageBox]: ...

    @abstractmethod
    def give_page(self) -> Answer[PageBox]: ...

    @abstractmethod
    def pass_parcel(self, value: Parcel) -> Answer[ParcelBox]: ...

    @abstractmethod
    def give_parcel(self) -> Answer[ParcelBox]: ...

    @abstractmethod
    def pass_thing(self, value: Thing) -> Answer[ThingBox]: ...

    @abstractmethod
    def give_thing(self) -> Answer[ThingBox]: ...

    @abstractmethod
    def pass_mood(self, value: Mood) -> Answer[MoodBox]: ...

    @abstractmethod
    def give_mood(self) -> Answer[MoodBox]: ...

    @abstractmethod
    def pass_access(self, value: Access) -> Answer[AccessBox]: ...

    @abstractmethod
    def give_access(self) -> Answer[AccessBox]: ...

    @abstractmethod
    def pass_form(self, value: Form) -> Answer[FormBox]: ...

    @abstractmethod
    def give_form(self) -> Answer[FormBox]: ...

    @abstractmethod
    def pass_grown(self, value: Grown) -> Answer[GrownBox]: ...

    @abstractmethod
    def give_grown(self) -> Answer[GrownBox]: ...

    @abstractmethod
    def saw(self) -> Answer[StationSawResponse]: ...

    @abstractmethod
    def clone(self, end: ServerEnd[Station]) -> Answer[None]: ...

    @abstractmethod
    def leave(self, status: int) -> Answer[None]: ...

    @abstractmethod
    def wait(self) -> Answer[None]: ...

    @abstractmethod
    def refuse(self) -> Answer[None]: ...

    @abstractmethod
    def judge(self) -> Answer[None]: ...

    @abstractmethod
    def crash(self) -> Answer[None]: ...

    @abstractmethod
    def shout(self) -> Answer[None]: ...

    @abstractmethod
    def shout_strict(self) -> Answer[None]: ...

    @abstractmethod
    def bygone(self) -> Answer[StationBygoneResponse]: ...


class StationEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_old(self, number: int) -> None:
        """Event OnOld."""


class StationEventSender(EventSender[Station]):
    """Sends the events to one client; see `StationEvents`."""

    __slots__ = ()

    def on_old(self, number: int) -> None:
        self._send(STATION_ON_OLD, StationOnOldRequest(number))

    async def on_old_wait(self, number: int) -> None:
        await self._send_wait(STATION_ON_OLD, StationOnOldRequest(number))
