from __future__ import annotations

import fcntl
import os
import resource
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ipcrt.errors import (
    AccessDenied,
    AlreadyExists,
    InvalidArgs,
    IpcError,
    NotFound,
    PeerClosed,
    Status,
    WrongType,
)
from ipcrt.objects.channel import Channel
from ipcrt.resources.data import DataChannel
from ipcrt.resources.limits import MAX_STREAM_BYTES, MAX_URI_BYTES
from ipcrt.resources.messages import OPEN, FramedData, Open, StreamData
from ipcrt.wire.frames import encode
from ipcrt_services.resources.files import BUFFER_BYTES
from tests.services.resources.world import serving
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

BIG = bytes(range(256)) * 4096  # a mebibyte


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to serve, beside one that nobody may reach."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "hello").write_bytes(b"hello")
    (root / "link").symlink_to("hello")
    (root / "out").symlink_to("../secret")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "fifo")
    return root


# ---------------------------------------------------------------------------------- reading


async def test_read(root: Path) -> None:
    (root / "big").write_bytes(BIG)
    (root / "empty").touch()
    async with serving("files", root) as world:
        assert await world.read("file:///hello") == b"hello"
        assert await world.read("file:///./hello") == b"hello"
        assert await world.read("file:///big?read") == BIG
        assert await world.read("file:///empty") == b""


async def test_read_a_part(root: Path) -> None:
    (root / "big").write_bytes(BIG)
    async with serving("files", root) as world:
        for offset, length in ((0, 10), (BUFFER_BYTES - 1, 3), (len(BIG) + 1, 9), (1, 0)):
            query = f"offset={offset}&length={length}"
            assert await world.read(f"file:///big?{query}") == BIG[offset : offset + length]
        assert await world.read("file:///big?offset=5") == BIG[5:]


async def test_names_that_are_percent_encoded_or_no_text(root: Path) -> None:
    (root / "a b#?%").write_bytes(b"odd")
    (root / os.fsdecode(b"\xff")).write_bytes(b"bytes")
    async with serving("files", root) as world:
        assert await world.read("file:///a%20b%23%3F%25") == b"odd"
        assert await world.read("file:///%ff") == b"bytes"


async def test_a_reader_who_stalls_holds_a_bounded_amount(root: Path) -> None:
    (root / "big").write_bytes(BIG * 16)
    async with serving("files", root) as world:
        async with await world.client.open("file:///big") as data:
            await data.recv()
            assert await world.read("file:///hello") == b"hello"  # nobody else is held up
            rest = [message async for message in data]
        assert sum(len(message.data) for message in rest) == 16 * len(BIG) - MAX_STREAM_BYTES


async def test_a_file_that_is_removed_or_cut_while_it_is_read(root: Path) -> None:
    for name in ("gone", "cut"):
        (root / name).write_bytes(BIG * 2)
    async with serving("files", root) as world:
        async with await world.client.open("file:///gone") as gone:
            await gone.recv()
            await world.ask("file:///gone", "unlink")
            size = sum([len(message.data) async for message in gone])
            assert size == 2 * len(BIG) - MAX_STREAM_BYTES
        async with await world.client.open("file:///cut") as cut:
            await cut.recv()
            await world.ask("file:///cut", "truncate", 1)
            assert sum([len(message.data) async for message in cut]) < 2 * len(BIG)


async def test_a_descriptor(root: Path) -> None:
    async with serving("files", root) as world:
        with await world.client.open_handle("file:///hello?fd") as handle:
            assert os.read(handle.fileno(), 99) == b"hello"
            assert fcntl.fcntl(handle.fileno(), fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.write(handle.fileno(), b"x")


async def test_a_descriptor_to_write(root: Path) -> None:
    async with serving("files", root) as world:
        with await world.client.open_handle("file:///hello?write&offset=1&fd") as handle:
            assert os.write(handle.fileno(), b"i!") == 2
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.read(handle.fileno(), 1)
        assert (root / "hello").read_bytes() == b"hi!lo"
        with await world.client.open_handle("file:///log?append&create&fd") as handle:
            for part in (b"first", b"second"):
                os.write(handle.fileno(), part)
        assert (root / "log").read_bytes() == b"firstsecond"


async def test_one_file_is_piped_to_another(root: Path) -> None:
    async with serving("files", root) as world:
        for uri in ("file:///copy?write&create&fd", "file:///log?append&create&fd"):
            target = await world.client.open_handle(uri)
            assert await world.client.pipe("file:///hello?offset=2", target) == 3
        assert (root / "copy").read_bytes() == (root / "log").read_bytes() == b"llo"


async def test_a_directory(root: Path) -> None:
    async with serving("files", root) as world:
        entries = await world.frames("file:///")
        assert sorted(entries, key=str) == sorted(
            [
                {"name": "hello", "type": "file", "size": 5},
                {"name": "sub", "type": "directory"},
                {"name": "link", "type": "link"},
                {"name": "out", "type": "link"},
                {"name": "up", "type": "link"},
                {"name": "fifo", "type": "other"},
            ],
            key=str,
        )
        for number in range(200):
            (root / "sub" / str(number)).touch()
        assert len(await world.frames("file:///sub/")) == 200


async def test_a_directory_with_a_name_that_is_no_text(root: Path) -> None:
    (root / "sub" / os.fsdecode(b"\xff")).touch()
    async with serving("files", root) as world:
        assert await world.frames("file:///sub") == [{"name": b"\xff", "type": "file", "size": 0}]


# ---------------------------------------------------------------------------------- writing


async def test_write(root: Path) -> None:
    async with serving("files", root) as world:
        await world.write("file:///hello?write", b"J")
        assert (root / "hello").read_bytes() == b"Jello"
        await world.write("file:///hello?write&offset=4", b"ies", b"!")
        assert (root / "hello").read_bytes() == b"Jellies!"
        await world.write("file:///hello?append", b"a", b"b")
        assert (root / "hello").read_bytes() == b"Jellies!ab"
        await world.write("file:///hello?write&truncate&sync", BIG, b"end")
        assert (root / "hello").read_bytes() == BIG + b"end"


async def test_what_was_sent_before_the_channel_was_closed_is_written(root: Path) -> None:
    async with serving("files", root) as world:
        async with await world.client.open("file:///hello?write&truncate") as data:
            await data.send_stream(BIG)
        await wait_until_async(lambda: (root / "hello").read_bytes() == BIG)


async def test_create(root: Path) -> None:
    async with serving("files", root) as world:
        with pytest.raises(NotFound):
            await world.client.open("file:///sub/new?write")
        await world.write("file:///sub/new?write&create", b"one")
        await world.write("file:///sub/new?write&create", b"two")
        assert (root / "sub" / "new").read_bytes() == b"two"
        with pytest.raises(AlreadyExists):
            await world.client.open("file:///sub/new?write&exclusive")
        await world.write("file:///other?append&exclusive", b"three")
        assert (root / "other").read_bytes() == b"three"


NONSENSE = [
    "create",
    "truncate",
    "read&write",
    "fd&write&sync",
    "append&offset=1",
    "wirte",
    "write=maybe",
    "offset=-1",
    "&".join(["read"] * 300),
]


async def test_a_query_that_makes_no_sense(root: Path) -> None:
    async with serving("files", root) as world:
        for query in NONSENSE:
            with pytest.raises(InvalidArgs):
                await world.client.open(f"file:///hello?{query}")
        assert await world.read("file:///hello") == b"hello"


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files of this process may have a mebibyte at most."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(BIG), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
async def test_an_error_of_writing_is_told(root: Path) -> None:
    async with serving("files", root) as world:
        async with await world.client.open("file:///hello?write") as data:
            with pytest.raises(IpcError) as caught:  # noqa: PT012
                try:
                    for _ in range(64):
                        await data.send_stream(BIG)
                except PeerClosed:
                    pass
                await data.recv()
        assert caught.value.status is Status.FILE_BIG


async def test_a_frame_in_a_stream_is_refused(root: Path) -> None:
    async with serving("files", root) as world:
        data = await world.client.open("file:///hello?write")
        await data.send_frame(b"frame")
        with pytest.raises(InvalidArgs):
            await data.recv()
        data.close()


async def test_files_that_are_only_to_be_read(root: Path) -> None:
    async with serving("files", root, read_only=True) as world:
        assert await world.read("file:///hello") == b"hello"
        for query in ("write", "append", "write&create"):
            with pytest.raises(AccessDenied):
                await world.client.open(f"file:///hello?{query}")
        for method, args in (
            ("mkdir", ()),
            ("unlink", ()),
            ("rmdir", ()),
            ("truncate", (0,)),
            ("rename", ("x",)),
        ):
            with pytest.raises(AccessDenied):
                await world.ask("file:///hello", method, *args)
        assert (root / "hello").read_bytes() == b"hello"


# ---------------------------------------------------------------------------------- methods


async def test_stat(root: Path) -> None:
    async with serving("files", root) as world:
        told = await world.ask("file:///hello", "stat")
        status = (root / "hello").stat()
        assert told == {
            "type": "file",
            "size": 5,
            "mode": stat.S_IMODE(status.st_mode),
            "mtime_ns": status.st_mtime_ns,
        }
        types = {}
        for name in ("", "sub", "link", "fifo"):
            told = await world.ask(f"file:///{name}", "stat")
            assert isinstance(told, dict)
            types[name] = told["type"]
        assert types == {"": "directory", "sub": "directory", "link": "link", "fifo": "other"}


async def test_stat_tells_of_nothing_outside(root: Path) -> None:
    (root / "...").write_bytes(b"dots")
    async with serving("files", root) as world:
        for path in ("..", "../secret", "../..", "up/secret", "/etc", "/", "sub/..", "%2e%2e"):
            with pytest.raises(AccessDenied):
                await world.ask(f"file:///{path}", "stat")
        told = await world.ask("file:///...", "stat")
        assert isinstance(told, dict)
        assert told["size"] == 4


async def test_make_and_remove(root: Path) -> None:
    async with serving("files", root) as world:
        await world.ask("file:///new", "mkdir")
        await world.write("file:///new/file?write&create", b"x")
        with pytest.raises(IpcError) as caught:
            await world.ask("file:///new", "rmdir")
        assert caught.value.status is Status.NOT_EMPTY
        await world.ask("file:///new/file", "rename", "hello")
        assert (root / "hello").read_bytes() == b"x"
        await world.ask("file:///new", "rmdir")
        await world.ask("file:///out", "unlink")
        assert not (root / "new").exists()
        assert not (root / "out").is_symlink()
        assert (root.parent / "secret").exists()
        with pytest.raises(NotFound):
            await world.ask("file:///new", "rmdir")


async def test_truncate(root: Path) -> None:
    async with serving("files", root) as world:
        await world.ask("file:///hello", "truncate", 2)
        assert (root / "hello").read_bytes() == b"he"
        for args in ((-1,), ("2",), (1 << 63,), ()):
            with pytest.raises(InvalidArgs):
                await world.ask("file:///hello", "truncate", *args)


# ---------------------------------------------------------------------------------- the hostile

CLIMBS = [
    "..",
    "../secret",
    "sub/../../secret",
    "/etc/passwd",
    "%2e%2e/secret",
    "%2E%2E%2Fsecret",
    "%2Fetc/passwd",
    "out",
    "up/secret",
    "up/root/hello",
    "link",
    "./../secret",
    "sub/..",
]


async def test_a_path_that_climbs_out(root: Path) -> None:
    async with serving("files", root) as world:
        for path in CLIMBS:
            for query in ("", "?write", "?fd", "?append&create"):
                with pytest.raises(AccessDenied):
                    await world.client.open(f"file:///{path}{query}")
            near, far = Channel.create()
            with far, pytest.raises(AccessDenied):
                await world.client.pipe(f"file:///{path}", near)
            with pytest.raises(AccessDenied):
                await world.ask(f"file:///{path}", "truncate", 0)
        assert await world.read("file:///hello") == b"hello"
    assert (root.parent / "secret").read_text() == "secret"


async def test_nothing_is_made_removed_or_renamed_outside(root: Path) -> None:
    before = sorted(root.parent.rglob("*"))
    async with serving("files", root) as world:
        for path in ("..", "../new", "/new", "up/new", "sub/../../new", "new/..", "%2e%2e/new"):
            for method in ("mkdir", "rmdir", "unlink"):
                with pytest.raises((AccessDenied, NotFound)):
                    await world.ask(f"file:///{path}", method)
            with pytest.raises((AccessDenied, NotFound)):
                await world.ask("file:///hello", "rename", path.replace("%2e", "."))
            with pytest.raises((AccessDenied, NotFound)):
                await world.client.open(f"file:///{path}?write&create")
    assert sorted(root.parent.rglob("*")) == before


async def test_a_name_that_cannot_be(root: Path) -> None:
    async with serving("files", root) as world:
        for path in ("hello%00", "%00", "a" * 300, "sub/" * 1000, "hello/under"):
            for query in ("", "?write&create"):
                with pytest.raises(IpcError):
                    await world.client.open(f"file:///{path}{query}")
        assert await world.read("file:///hello") == b"hello"


async def test_a_uri_of_a_mebibyte_ends_its_client_alone(root: Path) -> None:
    async with serving("files", root) as world:
        with pytest.raises(InvalidArgs, match=str(MAX_URI_BYTES)):
            await world.client.open("file:///" + "a" * (1 << 20))
        body = msgspec.msgpack.encode((1, "file:///" + "a" * 50_000))
        world.client.channel.write(encode(0, OPEN.ordinal, OPEN.flags, body))
        with pytest.raises(IpcError):
            await world.client.open("file:///hello")
        assert world.client.closed
    assert Open(1, "x").uri == "x"


async def test_what_is_no_file_is_refused_without_waiting(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(root / "socket"))
        if os.geteuid() == 0:
            os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        async with serving("files", root) as world:
            for name in ("fifo", "socket", "null"):
                if not (root / name).exists():
                    continue
                for query in ("", "?write", "?append&create", "?fd", "?write&create&truncate"):
                    with pytest.raises(IpcError) as caught:
                        await world.client.open(f"file:///{name}{query}")
                    assert not isinstance(caught.value, NotFound), name


async def test_a_directory_is_not_written(root: Path) -> None:
    async with serving("files", root) as world:
        for query in ("write", "append", "write&create"):
            with pytest.raises((IpcError, WrongType)):
                await world.client.open(f"file:///sub?{query}")


async def test_readers_and_writers_who_die_leave_nothing(root: Path) -> None:
    """The leak check says whether they do."""
    (root / "big").write_bytes(BIG * 4)
    async with serving("files", root) as world:
        for _ in range(5):
            reader = await world.client.open("file:///big")
            await reader.recv()
            reader.close()
            writer = await world.client.open("file:///sub/new?write&create")
            await writer.send_stream(BIG)
            writer.close()
            lister = await world.client.open("file:///")
            lister.close()
        assert await world.read("file:///hello") == b"hello"


async def test_a_server_that_ends_in_the_middle_leaves_nothing(root: Path) -> None:
    (root / "big").write_bytes(BIG * 4)
    data: list[DataChannel] = []
    async with serving("files", root) as world:
        data.append(await world.client.open("file:///big"))
        await data[0].recv()
        data.append(await world.client.open("file:///hello?write"))
        await data[1].send_stream(BIG)
    for each in data:
        each.close()


async def test_pipe_to_a_channel(root: Path) -> None:
    (root / "big").write_bytes(BIG)
    async with serving("files", root) as world:
        near, far = Channel.create()
        async with DataChannel(near, world.port) as data:
            found = bytearray()

            async def collect() -> None:
                async for message in data:
                    assert isinstance(message, StreamData)
                    found.extend(message.data)

            from ipcrt_services.resources.streams import run_all

            async def pipe() -> None:
                assert await world.client.pipe("file:///big?offset=3", far) == len(BIG) - 3

            await run_all(collect, pipe)
        assert found == BIG[3:]


async def test_pipe_a_directory_to_a_channel(root: Path) -> None:
    (root / "sub" / "one").touch()
    async with serving("files", root) as world:
        near, far = Channel.create()
        async with DataChannel(near, world.port) as data:
            assert await world.client.pipe("file:///sub", far) > 0
            assert isinstance(await data.recv(), FramedData)
