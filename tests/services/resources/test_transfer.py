from __future__ import annotations

import errno
import os
import socket
import threading
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from ipcrt.errors import AccessDenied, InvalidArgs, IpcError, NotFound, PeerClosed, WrongType
from ipcrt.objects.event import Event
from ipcrt.objects.handle import Handle
from ipcrt.objects.socket import Socket
from tests.services.resources.world import serving
from tests.support.proc import open_fds
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.anyio

BIG = bytes(range(256)) * 16384  # four mebibytes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "big").write_bytes(BIG)
    return tmp_path


class Reader:
    """Reads a descriptor to its end, on a thread."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.found = bytearray()
        self._read = read
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while part := self._read(65536):
            self.found += part

    def join(self) -> bytearray:
        self._thread.join()
        return self.found


@contextmanager
def tcp_pair() -> Generator[tuple[socket.socket, socket.socket], None, None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        yield near, far


@pytest.fixture
def no_bytes_in_python(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts what the kernel moves; reading a file into this process fails."""
    moved: list[int] = []
    sendfile, copy_file_range = os.sendfile, os.copy_file_range

    def counted(out: int, in_: int, offset: int, count: int) -> int:
        moved.append(sendfile(out, in_, offset, count))
        return moved[-1]

    def counted_range(in_: int, out: int, count: int, offset: int) -> int:
        moved.append(copy_file_range(in_, out, count, offset))
        return moved[-1]

    def refused(*_: object) -> int:
        raise AssertionError("the server reads the file")

    monkeypatch.setattr(os, "sendfile", counted)
    monkeypatch.setattr(os, "copy_file_range", counted_range)
    monkeypatch.setattr(os, "pread", refused)
    monkeypatch.setattr(os, "preadv", refused)
    return moved


async def test_to_a_tcp_connection_without_a_byte_in_python(
    root: Path, no_bytes_in_python: list[int]
) -> None:
    async with serving("files", root) as world:
        with tcp_pair() as (near, far):
            reader = Reader(near.recv)
            assert await world.client.pipe("file:///big", Handle(far.detach())) == len(BIG)
            assert reader.join() == BIG
    assert sum(no_bytes_in_python) == len(BIG)


async def test_to_a_socket_a_pipe_and_a_file(root: Path, no_bytes_in_python: list[int]) -> None:
    async with serving("files", root) as world:
        ours, theirs = Socket.create()
        with socket.socket(fileno=ours.take()) as sock:
            sock.setblocking(True)
            reader = Reader(sock.recv)
            assert await world.client.pipe("file:///big", theirs) == len(BIG)
            assert reader.join() == BIG
        out, into = os.pipe()
        reader = Reader(lambda size: os.read(out, size))
        assert await world.client.pipe("file:///big", Handle(into)) == len(BIG)
        assert reader.join() == BIG
        os.close(out)
        with (root / "copy").open("wb", buffering=0) as copy:
            copy.write(b"ahead ")
            handle = Handle(os.dup(copy.fileno()))
            assert await world.client.pipe("file:///big?offset=7&length=100000", handle) == 100000
        assert (root / "copy").read_bytes() == b"ahead " + BIG[7:100007]
    assert sum(no_bytes_in_python) == 2 * len(BIG) + 100000


async def test_to_a_file_where_no_range_can_be_copied(
    root: Path, no_bytes_in_python: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "copy_file_range", refused)
    async with serving("files", root) as world:
        target = Handle(os.open(root / "copy", os.O_WRONLY | os.O_CREAT))
        assert await world.client.pipe("file:///big", target) == len(BIG)
    assert (root / "copy").read_bytes() == BIG
    assert sum(no_bytes_in_python) == len(BIG)


async def test_to_what_sendfile_refuses(root: Path) -> None:
    log = os.open(root / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, b"before ")
    async with serving("files", root) as world:
        assert await world.client.pipe("file:///big", Handle(log)) == len(BIG)
    assert (root / "log").read_bytes() == b"before " + BIG


async def test_a_descriptor_is_left_as_it_was(root: Path) -> None:
    async with serving("files", root) as world:
        for blocking in (True, False):
            out, into = os.pipe()
            os.set_blocking(into, blocking)
            kept = os.dup(into)
            reader = Reader(lambda size, out=out: os.read(out, size))  # type: ignore[misc]
            await world.client.pipe("file:///big", Handle(into))
            await wait_until_async(lambda kept=kept, was=blocking: os.get_blocking(kept) is was)  # type: ignore[misc]
            os.close(kept)
            reader.join()
            os.close(out)


async def test_what_cannot_be_written_to(root: Path) -> None:
    async with serving("files", root) as world:
        out, into = os.pipe()
        os.close(into)
        with pytest.raises(AccessDenied):
            await world.client.pipe("file:///big", Handle(out))
        with pytest.raises(AccessDenied):
            await world.client.pipe(
                "file:///big", Handle(os.open(root, os.O_RDONLY | os.O_CLOEXEC))
            )
        with pytest.raises(AccessDenied):
            await world.client.pipe("file:///big", Handle(os.open(root / "big", os.O_PATH)))
        with pytest.raises((WrongType, IpcError)):
            await world.client.pipe("file:///big", Event.create())
        out, into = os.pipe()
        with pytest.raises(NotFound):
            await world.client.pipe("file:///none", Handle(into))
        assert os.read(out, 1) == b""
        os.close(out)


async def test_a_receiver_that_has_gone(root: Path) -> None:
    async with serving("files", root) as world:
        with tcp_pair() as (near, far):
            near.close()
            with pytest.raises(PeerClosed):
                await world.client.pipe("file:///big", Handle(far.detach()))
        out, into = os.pipe()
        os.close(out)
        with pytest.raises(PeerClosed):
            await world.client.pipe("file:///big", Handle(into))


async def test_receivers_that_stall_hold_up_nobody(root: Path) -> None:
    """More of them than there are threads; when the client goes, nothing of them is left."""
    async with serving("files", root) as world, anyio.create_task_group() as tasks:
        before = len(open_fds())
        with tcp_pair() as (near, far):
            for _ in range(3 * 4):
                handle = Handle(os.dup(far.fileno()))
                tasks.start_soon(world.client.pipe, "file:///big", handle)
            await anyio.sleep(0.05)
            assert await world.read("file:///big") == BIG
            tasks.cancel_scope.cancel()
            world.client.close()
            with anyio.CancelScope(shield=True):
                # What serves the client's channel goes, and both ends of it here.
                await wait_until_async(lambda: len(open_fds()) <= before)
            near.close()


SPARSE = 256 << 20


@pytest.mark.parametrize("size", [pytest.param(SPARSE, marks=pytest.mark.slow), 32 << 20])
async def test_a_long_file_takes_no_memory(root: Path, size: int) -> None:
    with (root / "sparse").open("wb") as file:
        file.truncate(size)
    async with serving("files", root) as world:
        out, into = os.pipe()
        count = 0

        def drain() -> None:
            nonlocal count
            sink = os.open(os.devnull, os.O_WRONLY)
            while moved := os.splice(out, sink, 1 << 20):
                count += moved
            os.close(sink)

        thread = threading.Thread(target=drain)
        thread.start()
        tracemalloc.start()
        try:
            assert await world.client.pipe("file:///sparse", Handle(into)) == size
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        thread.join()
        os.close(out)
        assert count == size
        assert peak < 4 << 20


async def test_a_file_is_not_written_to_itself_without_end(root: Path) -> None:
    (root / "small").write_bytes(b"abc")
    async with serving("files", str(root)) as world:
        for query in ("append&fd", "write&fd"):
            handle = await world.client.open_handle(f"file:///small?{query}")
            with pytest.raises(InvalidArgs):
                await world.client.pipe("file:///small", handle)
        handle = await world.client.open_handle("file:///small?append&fd")
        assert await world.client.pipe("file:///small?length=3", handle) == 3
    assert (root / "small").read_bytes() == b"abcabc"
