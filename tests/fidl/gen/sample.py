# Library ipcrt.sample: generated; do not edit.
"""A library with one of everything."""

from __future__ import annotations

import builtins
import enum
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.abstract_server import Server
from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.bits import FlexibleBits8, StrictBits
from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint8, FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.int_errors import Int32Failed as _Int32Failed
from ipcrt.bindings.needs import needs
from ipcrt.bindings.proxy import BlockingProxy, Done, Proxy
from ipcrt.bindings.scalars import Float32, Int8, Int32, Int64, Uint8, Uint16, Uint32, Uint64
from ipcrt.bindings.services import Service
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import Event as _Event
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.bindings.union import UnknownResource, UnknownVariant, Variant, as_payload
from ipcrt.objects.event import Event
from ipcrt.objects.rights import Rights
from ipcrt.objects.socket import Socket
from ipcrt.objects.vmo import Vmo

LIMIT: Final = 5
GREETING: Final = 'say "hi"'
RATIO: Final = 0.5
WARM: Final = True


class Colour(FlexibleUint8):
    """Flexible: more may come."""

    RED = 1
    """Like blood."""
    GREEN = 2
    BLUE = 3


class Mood(enum.IntEnum):
    BAD = -1
    GOOD = 1


class PlayError(FlexibleUint32):
    TOO_LOUD = 1


class PlayerJudgeError(FlexibleUint32):
    UNFAIR = 3


class Options(FlexibleBits8):
    FAST = 0x1
    LOUD = 0x2


class Access(StrictBits):
    READ = 0x1
    WRITE = 0x2


class PlayFailed(DomainError[PlayError]):
    ERROR = PlayError


class Int32Failed(_Int32Failed):
    """An error of type int32."""


class PlayerJudgeFailed(DomainError[PlayerJudgeError]):
    ERROR = PlayerJudgeError


class Numbers(Struct):
    """Numbers of all kinds, and names that Python has a use for."""

    int: Int8
    self_: Uint64
    class_: Float32
    float: builtins.float
    bool: builtins.bool
    list: Annotated[builtins.list[Int32], Meta(max_length=3)]
    str: Name
    bytes: Annotated[builtins.bytes, Meta(max_length=4)]
    pair: Annotated[builtins.list[Uint16], Meta(min_length=2, max_length=2)]


class Node(Struct):
    """A tree."""

    name: Name
    left: Node | None
    right: Node | None


class Settings(Table, ordinals=(1, 2, 4, 5, 6)):
    """What may be set, or not."""

    volume: Uint8 | None = None
    """How loud."""
    name: Name | None = None
    inner: Settings2 | None = None
    colour: Colour | None = None
    extra: Extra | None = None


class Extra(Table, ordinals=(1,)):
    note: Annotated[str, Meta(max_length=8)] | None = None


class Settings2(Table, ordinals=(1, 2)):
    shape: Shape | None = None
    nodes: Annotated[list[Node], Meta(max_length=3)] | None = None


class Parcel(Table, ordinals=(1, 2, 3), resource=True):
    thing: Thing | None = None
    back: ClientEnd[Player] | None = None
    event: Event | None = None


class BaseEchoRequest(Struct):
    text: Annotated[str, Meta(max_length=16)]


class BaseEchoResponse(Struct):
    text: Annotated[str, Meta(max_length=16)]


class PlayerCountRequest(Struct):
    numbers: Numbers
    timeout: Metres
    names: Names


class PlayerCountResponse(Struct):
    total: Int64


class PlayerSendResponse(Struct):
    back: ServerEnd[Player] | None
    rest: Annotated[list[Event | None], Meta(max_length=4)]


class PlayerJudgeRequest(Struct):
    mood: Mood
    options: Options
    access: Access
    tree: Node | None


class PlayerImportRequest(Struct):
    names: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=2)]


class PlayerRewindResponse(Struct):
    position: Uint32


class PlayerOnRewoundRequest(Struct):
    position: Uint32


class ShapeRadius(Variant, tag=1):
    value: Metres


class ShapeLabel(Variant, tag=2):
    value: Annotated[str, Meta(max_length=8)]


class ShapeGroup(Variant, tag=3):
    value: Annotated[list[Shape2], Meta(max_length=2)]


class ShapeCorners(Variant, tag=4):
    value: Annotated[list[Uint16], Meta(max_length=8)]


class Shape2Colour(Variant, tag=1):
    value: Colour


class Shape2Numbers(Variant, tag=2):
    value: Numbers


class ThingVmo(Variant, tag=1):
    value: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]


class ThingEvent(Variant, tag=2):
    value: Event


class ThingSocket(Variant, tag=3):
    value: Socket


class Base(Protocol):
    """Protocol ipcrt.sample/Base."""


class Player(Protocol):
    """Plays what it is told."""


Metres: TypeAlias = Uint16
"""Metres, not feet."""

Name: TypeAlias = Annotated[str, Meta(max_length=8)]
"""A name of up to eight bytes."""

Names: TypeAlias = Annotated[list[Name], Meta(max_length=5)]

Thing: TypeAlias = ThingVmo | ThingEvent | ThingSocket | UnknownResource
"""Something with a handle in it."""

Shape2: TypeAlias = Shape2Colour | Shape2Numbers

Shape: TypeAlias = ShapeRadius | ShapeLabel | ShapeGroup | ShapeCorners | UnknownVariant
"""A shape of some kind."""

FAVOURITE: Final = Colour(1)


class Orchestra(Service):
    NAME = "ipcrt.sample/Orchestra"
    MEMBERS: ClassVar[Mapping[str, type[Protocol]]] = {"first": Player, "second": Player}


BASE_ECHO = TwoWay("ipcrt.sample/Base.Echo", BaseEchoRequest, BaseEchoResponse, strict=True)
BASE_CLOSE = TwoWay("ipcrt.sample/Base.Ended", type(None), type(None), strict=True, name="close_")
Base.TABLE = ProtocolTable("ipcrt.sample/Base", Openness.CLOSED, (BASE_ECHO, BASE_CLOSE))

PLAYER_ECHO = TwoWay("ipcrt.sample/Base.Echo", BaseEchoRequest, BaseEchoResponse, strict=True)
PLAYER_CLOSE = TwoWay("ipcrt.sample/Base.Ended", type(None), type(None), strict=True, name="close_")
PLAYER_DRAW: TwoWay[Shape, Shape] = TwoWay(
    "ipcrt.sample/Player.Draw", as_payload(Shape), as_payload(Shape)
)
PLAYER_CONFIGURE = TwoWay("ipcrt.sample/Player.Configure", Settings, Settings, raises=PlayFailed)
PLAYER_COUNT = TwoWay(
    "ipcrt.sample/Player.Count", PlayerCountRequest, PlayerCountResponse, raises=Int32Failed
)
PLAYER_SEND = TwoWay("ipcrt.sample/Player.Send", Parcel, PlayerSendResponse)
PLAYER_JUDGE = TwoWay(
    "ipcrt.sample/Player.Judge", PlayerJudgeRequest, type(None), raises=PlayerJudgeFailed
)
PLAYER_LIST = OneWay("ipcrt.sample/Player.List", type(None))
PLAYER_IMPORT = OneWay("ipcrt.sample/Player.Import", PlayerImportRequest)
PLAYER_ON_SHAPE: _Event[Shape] = _Event("ipcrt.sample/Player.OnShape", as_payload(Shape))
PLAYER_ON_TICK = _Event("ipcrt.sample/Player.OnTick", type(None), strict=True)
PLAYER_REWIND = TwoWay("ipcrt.sample/Player.Rewind", type(None), PlayerRewindResponse)
PLAYER_ON_REWOUND = _Event("ipcrt.sample/Player.OnRewound", PlayerOnRewoundRequest)
Player.TABLE = ProtocolTable(
    "ipcrt.sample/TheOne",
    Openness.OPEN,
    (
        PLAYER_ECHO,
        PLAYER_CLOSE,
        PLAYER_DRAW,
        PLAYER_CONFIGURE,
        PLAYER_COUNT,
        PLAYER_SEND,
        PLAYER_JUDGE,
        PLAYER_LIST,
        PLAYER_IMPORT,
        PLAYER_ON_SHAPE,
        PLAYER_ON_TICK,
        PLAYER_REWIND,
        PLAYER_ON_REWOUND,
    ),
)


class BaseProxy(Proxy[Base]):
    """A client, awaited."""

    PROTOCOL = Base
    __slots__ = ()

    async def echo(self, text: str, *, timeout: float | None = 25.0) -> BaseEchoResponse:
        """Answer what was said."""
        return await self._call(BASE_ECHO, BaseEchoRequest(text), timeout)

    async def close_(self, *, timeout: float | None = 25.0) -> None:
        await self._call(BASE_CLOSE, None, timeout)


class BaseBlockingProxy(BlockingProxy[Base]):
    """A client, blocking its thread; see `BaseProxy`."""

    PROTOCOL = Base
    __slots__ = ()

    def echo(self, text: str, *, timeout: float | None = 25.0) -> BaseEchoResponse:
        return self._call(BASE_ECHO, BaseEchoRequest(text), timeout)

    def close_(self, *, timeout: float | None = 25.0) -> None:
        self._call(BASE_CLOSE, None, timeout)


class BaseServer(Server[Base]):
    """Serves one client; see `BaseProxy`."""

    PROTOCOL = Base

    @abstractmethod
    def echo(self, text: str) -> Answer[BaseEchoResponse]: ...

    @abstractmethod
    def close_(self) -> Answer[None]: ...


class PlayerProxy(Proxy[Player]):
    """A client, awaited; `_now` sends now or raises ShouldWait, `_soon` lines up."""

    PROTOCOL = Player
    __slots__ = ()

    async def echo(self, text: str, *, timeout: float | None = 25.0) -> BaseEchoResponse:
        """Answer what was said."""
        return await self._call(PLAYER_ECHO, BaseEchoRequest(text), timeout)

    async def close_(self, *, timeout: float | None = 25.0) -> None:
        await self._call(PLAYER_CLOSE, None, timeout)

    async def draw(self, payload: Shape, *, timeout: float | None = 25.0) -> Shape:
        """Draw a shape, and answer another."""
        return await self._call(PLAYER_DRAW, payload, timeout)

    async def configure(self, payload: Settings, *, timeout: float | None = 25.0) -> Settings:
        """Raises: PlayFailed."""
        return await self._call(PLAYER_CONFIGURE, payload, timeout)

    async def count(
        self,
        numbers: Numbers,
        timeout_: int,
        names: builtins.list[str],
        *,
        timeout: float | None = 25.0,
    ) -> PlayerCountResponse:
        """Raises: Int32Failed."""
        return await self._call(PLAYER_COUNT, PlayerCountRequest(numbers, timeout_, names), timeout)

    async def send(self, payload: Parcel, *, timeout: float | None = 25.0) -> PlayerSendResponse:
        return await self._call(PLAYER_SEND, payload, timeout)

    async def judge(
        self,
        mood: Mood,
        options: Options,
        access: Access,
        tree: Node | None,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        """Raises: PlayerJudgeFailed."""
        await self._call(PLAYER_JUDGE, PlayerJudgeRequest(mood, options, access, tree), timeout)

    async def list(self) -> None:
        """One by one."""
        await self._send(PLAYER_LIST, None)

    def list_now(self) -> None:
        self._send_now(PLAYER_LIST, None)

    def list_soon(self, on_sent: Done) -> bool:
        return self._send_soon(PLAYER_LIST, None, on_sent)

    async def import_(self, names: builtins.list[str]) -> None:
        await self._send(PLAYER_IMPORT, PlayerImportRequest(names))

    def import_now(self, names: builtins.list[str]) -> None:
        self._send_now(PLAYER_IMPORT, PlayerImportRequest(names))

    def import_soon(self, names: builtins.list[str], on_sent: Done) -> bool:
        return self._send_soon(PLAYER_IMPORT, PlayerImportRequest(names), on_sent)

    async def rewind(self, *, timeout: float | None = 25.0) -> PlayerRewindResponse:
        return await self._call(PLAYER_REWIND, None, timeout)


class PlayerBlockingProxy(BlockingProxy[Player]):
    """A client, blocking its thread; see `PlayerProxy`."""

    PROTOCOL = Player
    __slots__ = ()

    def echo(self, text: str, *, timeout: float | None = 25.0) -> BaseEchoResponse:
        return self._call(PLAYER_ECHO, BaseEchoRequest(text), timeout)

    def close_(self, *, timeout: float | None = 25.0) -> None:
        self._call(PLAYER_CLOSE, None, timeout)

    def draw(self, payload: Shape, *, timeout: float | None = 25.0) -> Shape:
        return self._call(PLAYER_DRAW, payload, timeout)

    def configure(self, payload: Settings, *, timeout: float | None = 25.0) -> Settings:
        return self._call(PLAYER_CONFIGURE, payload, timeout)

    def count(
        self,
        numbers: Numbers,
        timeout_: int,
        names: builtins.list[str],
        *,
        timeout: float | None = 25.0,
    ) -> PlayerCountResponse:
        return self._call(PLAYER_COUNT, PlayerCountRequest(numbers, timeout_, names), timeout)

    def send(self, payload: Parcel, *, timeout: float | None = 25.0) -> PlayerSendResponse:
        return self._call(PLAYER_SEND, payload, timeout)

    def judge(
        self,
        mood: Mood,
        options: Options,
        access: Access,
        tree: Node | None,
        *,
        timeout: float | None = 25.0,
    ) -> None:
        self._call(PLAYER_JUDGE, PlayerJudgeRequest(mood, options, access, tree), timeout)

    def list(self) -> None:
        self._send(PLAYER_LIST, None)

    def list_now(self) -> None:
        self._send_now(PLAYER_LIST, None)

    def import_(self, names: builtins.list[str]) -> None:
        self._send(PLAYER_IMPORT, PlayerImportRequest(names))

    def import_now(self, names: builtins.list[str]) -> None:
        self._send_now(PLAYER_IMPORT, PlayerImportRequest(names))

    def rewind(self, *, timeout: float | None = 25.0) -> PlayerRewindResponse:
        return self._call(PLAYER_REWIND, None, timeout)


class PlayerServer(Server[Player]):
    """Serves one client; see `PlayerProxy`."""

    PROTOCOL = Player

    @abstractmethod
    def echo(self, text: str) -> Answer[BaseEchoResponse]: ...

    @abstractmethod
    def close_(self) -> Answer[None]: ...

    @abstractmethod
    def draw(self, payload: Shape) -> Answer[Shape]: ...

    @abstractmethod
    def configure(self, payload: Settings) -> Answer[Settings]: ...

    @abstractmethod
    def count(
        self, numbers: Numbers, timeout_: int, names: builtins.list[str]
    ) -> Answer[PlayerCountResponse]: ...

    @abstractmethod
    def send(self, payload: Parcel) -> Answer[PlayerSendResponse]: ...

    @abstractmethod
    def judge(
        self, mood: Mood, options: Options, access: Access, tree: Node | None
    ) -> Answer[None]: ...

    @abstractmethod
    def list(self) -> Answer[None]: ...

    @abstractmethod
    def import_(self, names: builtins.list[str]) -> Answer[None]: ...

    @abstractmethod
    def rewind(self) -> Answer[PlayerRewindResponse]: ...


class PlayerEvents:
    """Told of the events; give one to a proxy, and override what matters."""

    def on_shape(self, payload: Shape) -> None:
        """The shape is there."""

    def on_tick(self) -> None:
        """Event OnTick."""

    def on_rewound(self, position: int) -> None:
        """Event OnRewound."""


class PlayerEventSender(EventSender[Player]):
    """Sends the events to one client; see `PlayerEvents`."""

    __slots__ = ()

    def on_shape(self, payload: Shape) -> None:
        self._send(PLAYER_ON_SHAPE, payload)

    async def on_shape_wait(self, payload: Shape) -> None:
        await self._send_wait(PLAYER_ON_SHAPE, payload)

    def on_tick(self) -> None:
        self._send(PLAYER_ON_TICK, None)

    async def on_tick_wait(self) -> None:
        await self._send_wait(PLAYER_ON_TICK, None)

    def on_rewound(self, position: int) -> None:
        self._send(PLAYER_ON_REWOUND, PlayerOnRewoundRequest(position))

    async def on_rewound_wait(self, position: int) -> None:
        await self._send_wait(PLAYER_ON_REWOUND, PlayerOnRewoundRequest(position))
