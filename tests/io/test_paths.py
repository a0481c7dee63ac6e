from __future__ import annotations

import io

import pytest

from ipcrt.io.facts import Entry, Stat
from ipcrt.io.paths import aexists, alistdir, ascandir, astat, exists, listdir, scandir, stat
from tests.io.world import Files, blocking_client, on_loop, serving

ENTRIES = [Entry("a", "file", 3), Entry("\udcff", "link")]


def test_plain_threads_look_at_paths() -> None:
    files: Files = {"x": bytearray(b"123")}
    with serving("asyncio", files) as listen, blocking_client(listen) as client:
        assert stat(client, "mem:///x") == Stat("file", 3)
        assert exists(client, "mem:///x")
        assert not exists(client, "mem:///y")
        with pytest.raises(FileNotFoundError):
            stat(client, "mem:///y")
        with pytest.raises(io.UnsupportedOperation):
            exists(client, "echo:")
        with pytest.raises(OSError, match="Bad message"):
            stat(client, "mem:///wrong")
        assert scandir(client, "dir:///good") == ENTRIES
        assert listdir(client, "dir:///good") == ["a", "\udcff"]
        with pytest.raises(NotADirectoryError):
            listdir(client, "big://3")
        for hostile in ("climbing", "odd"):
            with pytest.raises(OSError, match="Bad message"):
                listdir(client, f"dir:///{hostile}")


@pytest.mark.anyio
async def test_tasks_look_at_paths() -> None:
    async with on_loop({"x": bytearray(b"123")}) as (client, _):
        assert (await astat(client, "mem:///x")).size == 3
        assert await aexists(client, "mem:///x")
        assert not await aexists(client, "mem:///y")
        assert await ascandir(client, "dir:///good") == ENTRIES
        assert await alistdir(client, "dir:///good") == ["a", "\udcff"]
