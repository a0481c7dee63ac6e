from __future__ import annotations

from contextlib import suppress

import pytest

from ipcrt.bindings.ends import create_endpoints
from ipcrt.bindings.events import EventSender
from ipcrt.bindings.server import ServerBinding
from ipcrt.errors import PeerClosed, ShouldWait
from ipcrt.port.aport import open_port
from tests.fidl.gen.sample import (
    PLAYER_ON_REWOUND,
    Player,
    PlayerEventSender,
    PlayerOnRewoundRequest,
    PlayerProxy,
    ShapeRadius,
)
from tests.fidl.gen.test_wire import Audience, Musician

pytestmark = pytest.mark.anyio


async def test_events_go_out_now_or_wait_for_room() -> None:
    async with open_port() as port:
        client, server = create_endpoints(Player)
        audience = Audience()
        with ServerBinding(server, Musician(), port) as binding:
            sender = PlayerEventSender(binding)
            assert isinstance(sender, EventSender)
            sent = 0
            with suppress(ShouldWait):
                while True:
                    sender.on_rewound(sent)
                    sent += 1
            assert sent
            async with PlayerProxy(client, port, audience) as proxy:
                await sender.on_rewound_wait(sent)
                await sender.on_shape_wait(ShapeRadius(1))
                await proxy.echo("all told")
        assert audience.heard == [*range(sent + 1), ShapeRadius(1)]


async def test_nobody_is_there_to_be_told() -> None:
    async with open_port() as port:
        client, server = create_endpoints(Player)
        binding = ServerBinding(server, Musician(), port)
        client.close()
        with binding, pytest.raises(PeerClosed):
            binding.send_event(PLAYER_ON_REWOUND, PlayerOnRewoundRequest(1))
