"""Generated clients and servers talk: everything that a contract can hold, both ways."""

from __future__ import annotations

import anyio
import pytest

from ipcrt.bindings.ends import ClientEnd, create_endpoints
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import LocalProtocolError
from ipcrt.objects.event import Event
from ipcrt.objects.rights import Rights
from ipcrt.objects.vmo import Vmo
from ipcrt.port.aport import AsyncPort, open_port
from tests.fidl.gen.sample import (
    Access,
    BaseEchoResponse,
    Colour,
    Extra,
    Int32Failed,
    Mood,
    Node,
    Numbers,
    Options,
    Parcel,
    Player,
    PlayerCountResponse,
    PlayerEvents,
    PlayerEventSender,
    PlayerJudgeError,
    PlayerJudgeFailed,
    PlayerProxy,
    PlayerRewindResponse,
    PlayError,
    PlayerSendResponse,
    PlayerServer,
    PlayFailed,
    Settings,
    Settings2,
    Shape,
    Shape2Colour,
    Shape2Numbers,
    ShapeCorners,
    ShapeGroup,
    ShapeLabel,
    ShapeRadius,
    ThingEvent,
    ThingVmo,
)

pytestmark = pytest.mark.anyio

NUMBERS = Numbers(-128, 2**64 - 1, 1.5, 0.1, True, [1, 2, 3], "grün", b"\0\xff", [1, 65535])
TREE = Node("a", Node("b", None, None), Node("c", Node("d", None, None), None))


class Musician(PlayerServer):
    def __init__(self) -> None:
        self.notes: list[object] = []
        self.gone = anyio.Event()

    def echo(self, text: str) -> BaseEchoResponse:
        return BaseEchoResponse(text)

    def close_(self) -> None:
        self.notes.append("closed")

    async def draw(self, payload: Shape) -> Shape:
        return payload

    def configure(self, payload: Settings) -> Settings:
        if payload.volume == 11:
            raise PlayFailed(PlayError.TOO_LOUD)
        return payload

    def count(self, numbers: Numbers, timeout_: int, names: list[str]) -> PlayerCountResponse:
        self.notes += [numbers, timeout_, names]
        if not names:
            raise Int32Failed(-7)
        return PlayerCountResponse(sum(numbers.list))

    def send(self, payload: Parcel) -> PlayerSendResponse:
        self.notes.append(payload)
        assert payload.back is not None
        client, server = create_endpoints(Player)
        client.close()
        payload.back.close()
        return PlayerSendResponse(server, [Event.create(), None])

    def judge(self, mood: Mood, options: Options, access: Access, tree: Node | None) -> None:
        self.notes += [mood, options, access, tree]
        if mood is Mood.BAD:
            raise PlayerJudgeFailed(PlayerJudgeError.UNFAIR)

    def list(self) -> None:
        self.notes.append("list")

    def import_(self, names: list[str]) -> None:  # type: ignore[valid-type]
        self.notes.append(names)

    def rewind(self) -> PlayerRewindResponse:
        return PlayerRewindResponse(2**32 - 1)


class Audience(PlayerEvents):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_shape(self, payload: Shape) -> None:
        self.heard.append(payload)

    def on_rewound(self, position: int) -> None:
        self.heard.append(position)


def _pair(
    port: AsyncPort, events: PlayerEvents | None = None
) -> tuple[PlayerProxy, Musician, ServerBinding[Player]]:
    client, server = create_endpoints(Player)
    musician = Musician()
    binding = ServerBinding(server, musician, port)
    return PlayerProxy(client, port, events), musician, binding


async def test_structs_with_all_kinds_of_numbers_and_names() -> None:
    async with open_port() as port:
        proxy, musician, binding = _pair(port)
        with binding:
            async with proxy:
                assert (await proxy.echo("hello")).text == "hello"
                await proxy.close_()
                assert (await proxy.count(NUMBERS, 3, ["x", "y"])).total == 6
                assert musician.notes == ["closed", NUMBERS, 3, ["x", "y"]]
                assert (await proxy.rewind()).position == 2**32 - 1


async def test_errors_by_number_by_enum_and_by_an_enum_without_a_name() -> None:
    async with open_port() as port:
        proxy, _, binding = _pair(port)
        with binding:
            async with proxy:
                with pytest.raises(Int32Failed) as number:
                    await proxy.count(NUMBERS, 3, [])
                assert number.value.error == -7
                with pytest.raises(PlayFailed) as enum:
                    await proxy.configure(Settings(volume=11))
                assert enum.value.error is PlayError.TOO_LOUD
                with pytest.raises(PlayerJudgeFailed) as anonymous:
                    await proxy.judge(Mood.BAD, Options(0), Access(0), None)
                assert anonymous.value.error is PlayerJudgeError.UNFAIR


async def test_enums_bits_and_trees() -> None:
    async with open_port() as port:
        proxy, musician, binding = _pair(port)
        options = Options.FAST | Options(0x80)
        with binding:
            async with proxy:
                await proxy.judge(Mood.GOOD, options, Access.READ | Access.WRITE, TREE)
        assert musician.notes == [Mood.GOOD, options, Access(3), TREE]
        assert isinstance(musician.notes[1], Options)
        assert musician.notes[1].unknown == 0x80


@pytest.mark.parametrize(
    "shape",
    [
        ShapeRadius(65535),
        ShapeLabel("grün"),
        ShapeGroup([Shape2Colour(Colour(77)), Shape2Numbers(NUMBERS)]),
        ShapeCorners([1, 2]),
    ],
)
async def test_unions_as_payloads_and_events(shape: Shape) -> None:
    async with open_port() as port:
        audience = Audience()
        proxy, _, binding = _pair(port, audience)
        with binding:
            async with proxy:
                assert await proxy.draw(shape) == shape
                sender = PlayerEventSender(binding)
                sender.on_shape(shape)
                sender.on_tick()
                await sender.on_rewound_wait(7)
                await proxy.echo("events first")
        assert audience.heard == [shape, 7]


async def test_tables_as_payloads() -> None:
    inner = Settings2(shape=ShapeGroup([Shape2Numbers(NUMBERS)]), nodes=[TREE, TREE])
    settings = Settings(name="x", inner=inner, colour=Colour.BLUE, extra=Extra(note="n"))
    async with open_port() as port:
        proxy, _, binding = _pair(port)
        with binding:
            async with proxy:
                assert await proxy.configure(settings) == settings
                assert await proxy.configure(Settings()) == Settings()


async def test_handles_in_tables_and_unions_are_moved() -> None:
    async with open_port() as port:
        proxy, musician, binding = _pair(port)
        with binding:
            async with proxy:
                back, far = create_endpoints(Player)
                vmo = Vmo.create(4096)
                answer = await proxy.send(Parcel(thing=ThingVmo(vmo), back=back))
                assert vmo.closed
                assert back.closed
                far.close()
                parcel = musician.notes[0]
                assert isinstance(parcel, Parcel)
                assert isinstance(parcel.thing, ThingVmo)
                assert isinstance(parcel.back, ClientEnd)
                parcel.thing.value.close()
                assert answer.back is not None
                answer.back.close()
                assert isinstance(answer.rest[0], Event)
                answer.rest[0].close()
                assert answer.rest[1] is None


async def test_what_breaks_the_contract_is_not_sent() -> None:
    async with open_port() as port:
        proxy, musician, binding = _pair(port)
        with binding, Vmo.create(4096) as vmo:
            async with proxy:
                for bad in (
                    ShapeLabel("nine chars"),
                    ShapeRadius(65536),
                    ShapeGroup([Shape2Colour(Colour.RED)] * 3),
                ):
                    with pytest.raises(LocalProtocolError):
                        await proxy.draw(bad)
                for settings in (
                    Settings(volume=256),
                    Settings(name="nine chars"),
                    Settings(inner=Settings2(nodes=[TREE] * 4)),
                    Settings(extra=Settings(volume=1)),  # type: ignore[arg-type]
                ):
                    with pytest.raises(LocalProtocolError):
                        await proxy.configure(settings)
                with pytest.raises(LocalProtocolError):
                    await proxy.judge(3, Options(0), Access(0), None)  # type: ignore[arg-type]
                with pytest.raises(LocalProtocolError):
                    await proxy.send(Parcel(thing=ThingEvent(vmo)))  # type: ignore[arg-type]
                blind = vmo.duplicate(Rights.TRANSFER | Rights.READ)
                with blind, pytest.raises(LocalProtocolError, match="MAP"):
                    await proxy.send(Parcel(thing=ThingVmo(blind)))
                assert not vmo.closed
        assert musician.notes == []
