from __future__ import annotations

from pathlib import Path

import pytest

from ipcrt.errors import AlreadyExists, InvalidArgs, IpcError, NotFound, OutOfRange, Status
from ipcrt_services.resources.kv import MAX_KEY_BYTES, MAX_LISTED, MAX_VALUE_BYTES
from tests.services.resources.world import serving

pytestmark = pytest.mark.anyio


async def test_put_and_get(tmp_path: Path) -> None:
    async with serving("kv", tmp_path) as world:
        with pytest.raises(NotFound):
            await world.client.open("kv:///a/b")
        await world.write("kv:///a/b?write", b"one")
        assert await world.read("kv:///a/b") == b"one"
        await world.write("kv:///a/b?write&create&truncate", b"t", b"wo")
        assert await world.read("kv:///a/b?read") == b"two"
        await world.write("kv:///empty?write")
        assert await world.read("kv:///empty") == b""
        with pytest.raises(AlreadyExists):
            await world.write("kv:///empty?write&exclusive", b"x")
        await world.write("kv:///%C3%A9%20?write&exclusive", b"x")
        assert await world.ask("kv:///", "list") == ["a/b", "empty", "é "]
    async with serving("kv", tmp_path) as world:  # it is durable
        assert await world.read("kv:///a/b") == b"two"


async def test_a_writer_who_goes_before_its_end_has_stored_nothing(tmp_path: Path) -> None:
    async with serving("kv", tmp_path) as world:
        await world.write("kv:///a?write", b"whole")
        async with await world.client.open("kv:///a?write") as data:
            await data.send_stream(b"ha")
        await world.write("kv:///b?write", b"later")
        assert await world.read("kv:///a") == b"whole"


async def test_the_longest_value_and_key(tmp_path: Path) -> None:
    value = b"v" * MAX_VALUE_BYTES
    key = "k" * MAX_KEY_BYTES
    async with serving("kv", tmp_path) as world:
        await world.write(f"kv:///{key}?write", value)
        assert await world.read(f"kv:///{key}") == value
        assert await world.ask(f"kv:///{key}", "swap", (b"no", b"x")) == [False, value]
        with pytest.raises(IpcError) as caught:
            await world.write(f"kv:///{key}?write", value, b"!")
        assert caught.value.status is Status.FILE_BIG
        for bad in ("", key + "k", "%ff"):
            with pytest.raises(InvalidArgs):
                await world.client.open(f"kv:///{bad}?write")
        for bad in ("read&write", "append", "write=2"):
            with pytest.raises(InvalidArgs):
                await world.client.open(f"kv:///a?{bad}")


async def test_delete(tmp_path: Path) -> None:
    async with serving("kv", tmp_path) as world:
        await world.write("kv:///a?write", b"1")
        await world.ask("kv:///a", "delete")
        with pytest.raises(NotFound):
            await world.client.open("kv:///a")
        with pytest.raises(NotFound):
            await world.ask("kv:///a", "delete")


async def test_swap(tmp_path: Path) -> None:
    async with serving("kv", tmp_path) as world:
        assert await world.ask("kv:///a", "swap", (b"1", b"2")) == [False, None]
        assert await world.ask("kv:///a", "swap", (None, b"1")) == [True, None]
        assert await world.ask("kv:///a", "swap", (None, b"2")) == [False, b"1"]
        assert await world.ask("kv:///a", "swap", (b"1", b"2")) == [True, b"1"]
        assert await world.read("kv:///a") == b"2"
        assert await world.ask("kv:///a", "swap", (b"2", None)) == [True, b"2"]
        assert await world.ask("kv:///", "list") == []
        for nonsense in (b"1", (b"1",), ("1", "2"), None, (b"1", b"2", b"3")):
            with pytest.raises(InvalidArgs):
                await world.ask("kv:///a", "swap", nonsense)


async def test_list(tmp_path: Path) -> None:
    keys = ["a", "a/1", "a/2", "a/\U0010ffff", "b", "a%"]
    async with serving("kv", tmp_path) as world:
        for key in keys:
            quoted = key.replace("%", "%25")
            await world.write(f"kv:///{quoted}?write", b"")
        assert await world.ask("kv:///", "list") == sorted(keys)
        assert await world.ask("kv:///a/", "list") == ["a/1", "a/2", "a/\U0010ffff"]
        assert await world.ask("kv:///", "list", ("a%", 2)) == ["a/1", "a/2"]
        assert await world.ask("kv:///", "list", ("z", 2)) == []
        for count in (0, -1, MAX_LISTED + 1):
            with pytest.raises(OutOfRange):
                await world.ask("kv:///", "list", ("", count))
        with pytest.raises(InvalidArgs):
            await world.ask("kv:///", "list", "all")
