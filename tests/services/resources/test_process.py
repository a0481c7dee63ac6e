from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from ipcrt.errors import AccessDenied, InvalidArgs, NoResources, NotFound, PeerClosed
from ipcrt.resources.data import DataChannel
from ipcrt.resources.messages import FramedData, StreamData
from ipcrt_services.resources import process
from ipcrt_services.resources.incoming import END
from tests.services.resources.world import World, serving
from tests.support.proc import child_processes
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

ALLOW = ("/bin/*", "/usr/bin/*")


def shell(script: str) -> str:
    """The URI of a shell's script."""
    quoted = "".join(f"%{byte:02x}" for byte in script.encode())
    return f"process:///bin/sh?arg=-c&arg={quoted}"


async def told(data: DataChannel) -> tuple[bytes, bytes, int | None, int]:
    """What a process says on stdout and stderr, its status, and how often stdout ends."""
    out, err, status, ends = bytearray(), bytearray(), None, 0
    async for message in data:
        if isinstance(message, StreamData):
            out += message.data
        elif message.data == END:
            ends += 1
        else:
            word, value = msgspec.msgpack.decode(message.data)
            if word == "stderr":
                err += value
            else:
                assert word == "exit"
                status = value
    return bytes(out), bytes(err), status, ends


async def run(world: World, uri: str) -> tuple[bytes, bytes, int | None, int]:
    async with await world.client.open(uri) as data:
        return await told(data)


async def test_output_and_status(tmp_path: Path) -> None:
    async with serving("process", tmp_path, allow=ALLOW) as world:
        assert await run(world, "process:///bin/echo?arg=-n&arg=a%20b&arg=") == (b"a b ", b"", 0, 1)
        assert await run(world, "process:///bin/false") == (b"", b"", 1, 1)
        found = await run(world, shell("echo out; echo err >&2; kill -TERM $$"))
        assert found == (b"out\n", b"err\n", -signal.SIGTERM, 1)
        found = await run(world, shell("pwd; env | sort"))
        assert found[0].splitlines()[0] == os.fsencode(tmp_path)
        assert {line.partition(b"=")[0] for line in found[0].splitlines()[1:]} <= {
            b"LANG",
            b"PATH",
            b"PWD",
            b"OLDPWD",
            b"SHLVL",
            b"_",
        }


async def test_nothing_is_inherited(tmp_path: Path) -> None:
    async with serving("process", tmp_path, allow=ALLOW) as world:
        out, *_ = await run(world, shell("readlink /proc/$$/fd/*"))
        assert [line.partition(b":")[0] for line in out.splitlines()] == [b"pipe"] * 3


async def test_input(tmp_path: Path) -> None:
    big = bytes(range(256)) * 4096
    async with serving("process", tmp_path, allow=ALLOW) as world:
        data = await world.client.open("process:///bin/cat")
        out = bytearray()
        for start in range(0, len(big), 65536):
            await data.send_stream(big[start : start + 65536])
            while len(out) < start + 65536:
                message = await data.recv()
                assert isinstance(message, StreamData)
                out += message.data
        await data.send_frame(END)
        assert out == big
        assert (await told(data))[2:] == (0, 1)
        data.close()


async def test_a_process_that_does_not_read(tmp_path: Path) -> None:
    async with serving("process", tmp_path, allow=ALLOW) as world:
        data = await world.client.open(shell("exec <&-; echo done"))
        for _ in range(40):
            try:
                await data.send_stream(b"x" * 65536)
            except PeerClosed:  # it has ended, and all is told
                break
        out, _, status, _ = await told(data)
        assert (out, status) == (b"done\n", 0)
        data.close()


async def test_what_it_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    async with serving("process", tmp_path, allow=ALLOW) as world:
        out, _, status, ends = await run(world, shell("sleep 100 & echo $!"))
        assert (status, ends) == (0, 1)
        await wait_until_async(lambda: not alive(int(out)))


async def test_it_is_killed_when_its_channel_closes(tmp_path: Path) -> None:
    async with serving("process", tmp_path, allow=ALLOW) as world:
        async with await world.client.open(shell("sleep 100 & echo $!; wait")) as data:
            grandchild = int((await data.recv()).data)
            assert child_processes()
        await wait_until_async(lambda: not child_processes())
        await wait_until_async(lambda: not alive(grandchild))
        async with await world.client.open("process:///bin/cat?arg=/dev/zero") as data:
            await data.recv()  # and reads no more
        await wait_until_async(lambda: not child_processes())


def alive(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # a zombie has none
    except FileNotFoundError:
        return False


async def test_it_is_killed_when_the_server_ends(tmp_path: Path) -> None:
    async with serving("process", tmp_path, allow=ALLOW) as world:
        data = await world.client.open("process:///bin/sleep?arg=100")
    data.close()
    assert not child_processes()


async def test_what_is_not_allowed(tmp_path: Path) -> None:
    async with serving("process", tmp_path) as world:
        with pytest.raises(AccessDenied):
            await world.client.open("process:///bin/echo")
    async with serving("process", tmp_path, allow=["/bin/echo"]) as world:
        for path in (
            "/bin/true",
            "/bin/../bin/echo",
            "//bin/echo",
            "/bin/echo/",
            "/bin/%65cho/..",
            "",
        ):
            with pytest.raises(AccessDenied):
                await world.client.open(f"process://{path or '/'}")
        with pytest.raises(InvalidArgs):
            await world.client.open("process:///bin/echo?env=A%3D1")
        with pytest.raises(InvalidArgs):
            await world.client.open("process:///bin/echo?arg=%00")
        assert not child_processes()


async def test_what_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    async with serving("process", tmp_path, allow=[f"{tmp_path}/*"]) as world:
        with pytest.raises(NotFound):
            await world.client.open(f"process://{tmp_path}/none")
        with pytest.raises(AccessDenied):
            await world.client.open(f"process://{tmp_path}/text")


async def test_a_bounded_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_PROCESSES", 2)
    async with serving("process", tmp_path, allow=ALLOW) as world:
        running = [await world.client.open("process:///bin/cat") for _ in range(2)]
        with pytest.raises(NoResources):
            await world.client.open("process:///bin/cat")
        running.pop().close()
        await wait_until_async(lambda: len(child_processes()) == 1)
        async with await world.client.open("process:///bin/cat") as data:
            await data.send_frame(END)
            assert isinstance(await data.recv(), FramedData)
        running.pop().close()
        await wait_until_async(lambda: not child_processes())
