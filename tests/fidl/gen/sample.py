# Library ipcrt.sample: generated; do not edit.
"""A library with one of everything."""

from __future__ import annotations

import builtins
import enum
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, TypeAlias

from msgspec import Meta

from ipcrt.bindings.arguments import Answer
from ipcrt.bindings.bits import FlexibleBits8, StrictBits
from ipcrt.bindings.ends import ClientEnd, Protocol, ServerEnd
from ipcrt.bindings.enums import FlexibleUint8, FlexibleUint32
from ipcrt.bindings.errors import DomainError
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.int_errors import Int32Failed as _Int32Failed
from ipcrt.bindings.needs import needs
from ipcrt.bindings.outbox import Done
from ipcrt.bindings.proxy import DEFAULT_TIMEOUT, BlockingProxy, Proxy
from ipcrt.bindings.scalars import Float32, Int8, Int32, Int64, Uint8, Uint16, Uint32, Uint64
from ipcrt.bindings.server import Server
from ipcrt.bindings.services import Service
from ipcrt.bindings.table import Table
from ipcrt.bindings.tables import Event as _Event
from ipcrt.bindings.tables import OneWay, Openness, ProtocolTable, Struct, TwoWay
from ipcrt.bindings.union import UnknownVariant, Variant, as_payload
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
    """Enum Mood."""

    BAD = -1
    GOOD = 1


class PlayError(FlexibleUint32):
    """Enum PlayError."""

    TOO_LOUD = 1


class PlayerJudgeError(FlexibleUint32):
    """Enum PlayerJudgeError."""

    UNFAIR = 3


class Options(FlexibleBits8):
    """Bits Options."""

    FAST = 0x1
    LOUD = 0x2


class Access(StrictBits):
    """Bits Access."""

    READ = 0x1
    WRITE = 0x2


class PlayFailed(DomainError[PlayError]):
    """Player.Configure failed."""

    ERROR = PlayError


class Int32Failed(_Int32Failed):
    """Player.Count failed."""


class PlayerJudgeFailed(DomainError[PlayerJudgeError]):
    """Player.Judge failed."""

    ERROR = PlayerJudgeError


class Numbers(Struct, frozen=True):
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


class Node(Struct, frozen=True):
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
    """Table Extra."""

    note: Annotated[str, Meta(max_length=8)] | None = None


class Settings2(Table, ordinals=(1, 2)):
    """Table Settings2."""

    shape: Shape | None = None
    nodes: Annotated[list[Node], Meta(max_length=3)] | None = None


class Parcel(Table, ordinals=(1, 2, 3)):
    """Table Parcel."""

    thing: Thing | None = None
    back: ClientEnd[Player] | None = None
    event: Event | None = None


class BaseEchoRequest(Struct, frozen=True):
    """Request of Base.Echo."""

    text: Annotated[str, Meta(max_length=16)]


class BaseEchoResponse(Struct, frozen=True):
    """Response of Base.Echo."""

    text: Annotated[str, Meta(max_length=16)]


class PlayerCountRequest(Struct, frozen=True):
    """Request of Player.Count."""

    numbers: Numbers
    timeout: Metres
    names: Names


class PlayerCountResponse(Struct, frozen=True):
    """Response of Player.Count."""

    total: Int64


class PlayerSendResponse(Struct, frozen=True):
    """Response of Player.Send."""

    back: ServerEnd[Player] | None
    rest: Annotated[list[Event | None], Meta(max_length=4)]


class PlayerJudgeRequest(Struct, frozen=True):
    """Request of Player.Judge."""

    mood: Mood
    options: Options
    access: Access
    tree: Node | None


class PlayerImportRequest(Struct, frozen=True):
    """Request of Player.Import."""

    names: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=2)]


class PlayerRewindResponse(Struct, frozen=True):
    """Response of Player.Rewind."""

    position: Uint32


class PlayerOnRewoundRequest(Struct, frozen=True):
    """Request of Player.OnRewound."""

    position: Uint32


class ShapeRadius(Variant, frozen=True, tag=1):
    """Member Shape.radius."""

    value: Metres


class ShapeLabel(Variant, frozen=True, tag=2):
    """Member Shape.label."""

    value: Annotated[str, Meta(max_length=8)]


class ShapeGroup(Variant, frozen=True, tag=3):
    """Member Shape.group."""

    value: Annotated[list[Shape2], Meta(max_length=2)]


class ShapeCorners(Variant, frozen=True, tag=4):
    """Member Shape.corners."""

    value: Annotated[list[Uint16], Meta(max_length=8)]


class Shape2Colour(Variant, frozen=True, tag=1):
    """Member Shape2.colour."""

    value: Colour


class Shape2Numbers(Variant, frozen=True, tag=2):
    """Member Shape2.numbers."""

    value: Numbers


class ThingVmo(Variant, frozen=True, tag=1):
    """Member Thing.vmo."""

    value: Annotated[Vmo, needs(Rights.READ | Rights.MAP)]


class ThingEvent(Variant, frozen=True, tag=2):
    """Member Thing.event."""

    value: Event


class ThingSocket(Variant, frozen=True, tag=3):
    """Member Thing.socket."""

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

Thing: TypeAlias = ThingVmo | ThingEvent | ThingSocket | UnknownVariant
"""Something with a handle in it."""

Shape2: TypeAlias = Shape2Colour | Shape2Numbers

Shape: TypeAlias = ShapeRadius | ShapeLabel | ShapeGroup | ShapeCorners | UnknownVariant
"""A shape of some kind."""

FAVOURITE: Final = Colour(1)


class Orchestra(Service):
    """Service ipcrt.sample/Orchestra."""

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

    async def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> BaseEchoResponse:
        """Answer what was said."""
        return await self._call(BASE_ECHO, BaseEchoRequest(text), timeout)

    async def close_(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        await self._call(BASE_CLOSE, None, timeout)


class BaseBlockingProxy(BlockingProxy[Base]):
    """A client, blocking its thread; see `BaseProxy`."""

    PROTOCOL = Base
    __slots__ = ()

    def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> BaseEchoResponse:
        return self._call(BASE_ECHO, BaseEchoRequest(text), timeout)

    def close_(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        self._call(BASE_CLOSE, None, timeout)


class BaseServer(Server[Base]):
    """One client, served. Each method may be a plain `def` or an `async def`."""

    PROTOCOL = Base

    @abstractmethod
    def echo(self, text: str) -> Answer[BaseEchoResponse]:
        """Answer what was said."""

    @abstractmethod
    def close_(self) -> Answer[None]: ...


class PlayerProxy(Proxy[Player]):
    """A client, awaited."""

    PROTOCOL = Player
    __slots__ = ()

    async def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> BaseEchoResponse:
        """Answer what was said."""
        return await self._call(PLAYER_ECHO, BaseEchoRequest(text), timeout)

    async def close_(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        await self._call(PLAYER_CLOSE, None, timeout)

    async def draw(self, payload: Shape, *, timeout: float | None = DEFAULT_TIMEOUT) -> Shape:
        """Draw a shape, and answer another."""
        return await self._call(PLAYER_DRAW, payload, timeout)

    async def configure(
        self, payload: Settings, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> Settings:
        """Raises: PlayFailed."""
        return await self._call(PLAYER_CONFIGURE, payload, timeout)

    async def count(
        self,
        numbers: Numbers,
        timeout_: int,
        names: builtins.list[str],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> PlayerCountResponse:
        """Raises: Int32Failed."""
        return await self._call(PLAYER_COUNT, PlayerCountRequest(numbers, timeout_, names), timeout)

    async def send(
        self, payload: Parcel, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> PlayerSendResponse:
        return await self._call(PLAYER_SEND, payload, timeout)

    async def judge(
        self,
        mood: Mood,
        options: Options,
        access: Access,
        tree: Node | None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        """Raises: PlayerJudgeFailed."""
        await self._call(PLAYER_JUDGE, PlayerJudgeRequest(mood, options, access, tree), timeout)

    async def list(self) -> None:
        """One by one."""
        await self._send(PLAYER_LIST, None)

    def list_now(self) -> None:
        """Send `list` now or not at all. Raises: ShouldWait, PeerClosed."""
        self._send_now(PLAYER_LIST, None)

    def list_soon(self, on_sent: Done) -> bool:
        """Send `list` now, or line it up and answer True; then `on_sent` is told."""
        return self._send_soon(PLAYER_LIST, None, on_sent)

    async def import_(self, names: builtins.list[str]) -> None:
        await self._send(PLAYER_IMPORT, PlayerImportRequest(names))

    def import_now(self, names: builtins.list[str]) -> None:
        """Send `import_` now or not at all. Raises: ShouldWait, PeerClosed."""
        self._send_now(PLAYER_IMPORT, PlayerImportRequest(names))

    def import_soon(self, names: builtins.list[str], on_sent: Done) -> bool:
        """Send `import_` now, or line it up and answer True; then `on_sent` is told."""
        return self._send_soon(PLAYER_IMPORT, PlayerImportRequest(names), on_sent)

    async def rewind(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> PlayerRewindResponse:
        return await self._call(PLAYER_REWIND, None, timeout)


class PlayerBlockingProxy(BlockingProxy[Player]):
    """A client, blocking its thread; see `PlayerProxy`."""

    PROTOCOL = Player
    __slots__ = ()

    def echo(self, text: str, *, timeout: float | None = DEFAULT_TIMEOUT) -> BaseEchoResponse:
        return self._call(PLAYER_ECHO, BaseEchoRequest(text), timeout)

    def close_(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        self._call(PLAYER_CLOSE, None, timeout)

    def draw(self, payload: Shape, *, timeout: float | None = DEFAULT_TIMEOUT) -> Shape:
        return self._call(PLAYER_DRAW, payload, timeout)

    def configure(self, payload: Settings, *, timeout: float | None = DEFAULT_TIMEOUT) -> Settings:
        return self._call(PLAYER_CONFIGURE, payload, timeout)

    def count(
        self,
        numbers: Numbers,
        timeout_: int,
        names: builtins.list[str],
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> PlayerCountResponse:
        return self._call(PLAYER_COUNT, PlayerCountRequest(numbers, timeout_, names), timeout)

    def send(
        self, payload: Parcel, *, timeout: float | None = DEFAULT_TIMEOUT
    ) -> PlayerSendResponse:
        return self._call(PLAYER_SEND, payload, timeout)

    def judge(
        self,
        mood: Mood,
        options: Options,
        access: Access,
        tree: Node | None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        self._call(PLAYER_JUDGE, PlayerJudgeRequest(mood, options, access, tree), timeout)

    def list(self) -> None:
        self._send(PLAYER_LIST, None)

    def list_now(self) -> None:
        """Send `list` now or not at all. Raises: ShouldWait, PeerClosed."""
        self._send_now(PLAYER_LIST, None)

    def import_(self, names: builtins.list[str]) -> None:
        self._send(PLAYER_IMPORT, PlayerImportRequest(names))

    def import_now(self, names: builtins.list[str]) -> None:
        """Send `import_` now or not at all. Raises: ShouldWait, PeerClosed."""
        self._send_now(PLAYER_IMPORT, PlayerImportRequest(names))

    def rewind(self, *, timeout: float | None = DEFAULT_TIMEOUT) -> PlayerRewindResponse:
        return self._call(PLAYER_REWIND, None, timeout)


class PlayerServer(Server[Player]):
    """One client, served. Each method may be a plain `def` or an `async def`."""

    PROTOCOL = Player

    @abstractmethod
    def echo(self, text: str) -> Answer[BaseEchoResponse]:
        """Answer what was said."""

    @abstractmethod
    def close_(self) -> Answer[None]: ...

    @abstractmethod
    def draw(self, payload: Shape) -> Answer[Shape]:
        """Draw a shape, and answer another."""

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
    def list(self) -> Answer[None]:
        """One by one."""

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
    """Sends the events to one client."""

    __slots__ = ()

    def on_shape(self, payload: Shape) -> None:
        """The shape is there."""
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
