from __future__ import annotations

import pytest

from ipcrt.errors import NotFound
from ipcrt.objects.channel import Channel
from ipcrt.port.aport import open_port
from ipcrt.resources.data import DataChannel
from ipcrt_services.resources.owning import Owning


async def fail(data: DataChannel) -> None:
    del data
    raise NotFound("nothing")


@pytest.mark.anyio
async def test_it_gives_back_when_it_has_ended() -> None:
    given: list[str] = []
    near, far = Channel.create()
    async with open_port() as port, DataChannel(near, port) as data:
        owning = Owning(fail, lambda: given.append("back"))
        with pytest.raises(NotFound):
            await owning(data)
        assert given == ["back"]
        del owning
    far.close()
    assert given == ["back"]


def test_it_gives_back_when_it_is_never_begun() -> None:
    given: list[str] = []
    owning = Owning(fail, lambda: given.append("back"))
    assert not given
    del owning
    assert given == ["back"]
