from __future__ import annotations

import fcntl
import hashlib
import os
import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec.msgpack
import pytest

from ipcrt.bindings.ends import ClientEnd
from ipcrt.errors import LocalProtocolError
from ipcrt.objects.handle import Handle
from ipcrt.port.aport import open_port
from ipcrt.port.blocking import BlockingPort
from ipcrt.port.signals import Signals
from ipcrt.port.waiting import wait_one
from ipcrt.wire.frames import encode
from ipcrt.wire.header import FLEXIBLE
from ipcrt_services.files.bindings import (
    FILES_OPEN,
    FilesBlockingProxy,
    FilesProxy,
    OpenError,
    OpenFailed,
)
from ipcrt_services.files.server import FilesClient, open_directory
from tests.services.conftest import Starter
from tests.support.proc import open_fds
from tests.support.processes import Spawner

# Replaces the directory by a link that leads outside, and back, until it is killed.
SWAPPER = """
import os, sys
here, aside, link = sys.argv[1:]
print("ready", flush=True)
while True:
    os.rename(here, aside)
    os.rename(link, here)
    os.rename(here, link)
    os.rename(aside, here)
"""

LESSEE = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
import signal
signal.signal(signal.SIGIO, signal.SIG_IGN)
print("leased", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What is served: a directory with one of everything, beside a secret."""
    root = tmp_path / "root"
    (root / "dir" / "deep").mkdir(parents=True)
    (root / "plain").write_bytes(b"plain")
    (root / "empty").touch()
    (root / "dir" / "deep" / "größe").write_bytes(b"deep")
    (root / "dir" / "large").write_bytes(os.urandom(3_000_000))
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "link_inside").symlink_to("plain")
    (root / "link_outside").symlink_to("../secret")
    (root / "link_absolute").symlink_to(tmp_path / "secret")
    (root / "link_to_dir").symlink_to("dir")
    (root / "link_up").symlink_to("..")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.fspath(root / "socket"))
    return root


REFUSED = {
    "nothing": OpenError.NOT_FOUND,
    "dir/nothing": OpenError.NOT_FOUND,
    "nothing/plain": OpenError.NOT_FOUND,
    "dir": OpenError.NOT_FILE,
    ".": OpenError.NOT_FILE,
    "dir/": OpenError.NOT_FILE,
    "fifo": OpenError.NOT_FILE,
    "socket": OpenError.NOT_FILE,
    "plain/deeper": OpenError.NOT_FILE,
    "": OpenError.BAD_PATH,
    "pla\0in": OpenError.BAD_PATH,
    "x" * 256: OpenError.BAD_PATH,
    "x/" * 2047 + "x": OpenError.NOT_FOUND,
    "..": OpenError.ACCESS_DENIED,
    "../secret": OpenError.ACCESS_DENIED,
    "dir/../../secret": OpenError.ACCESS_DENIED,
    "dir/../plain": OpenError.ACCESS_DENIED,
    "/etc/passwd": OpenError.ACCESS_DENIED,
    "//etc/passwd": OpenError.ACCESS_DENIED,
    "link_inside": OpenError.ACCESS_DENIED,
    "link_outside": OpenError.ACCESS_DENIED,
    "link_absolute": OpenError.ACCESS_DENIED,
    "link_to_dir/large": OpenError.ACCESS_DENIED,
    "link_up/secret": OpenError.ACCESS_DENIED,
}


def sha256(file: Handle) -> str:
    digest = hashlib.sha256()
    while data := os.read(file.fileno(), 1 << 16):
        digest.update(data)
    return digest.hexdigest()


# ------------------------------------------------------------------------------- what is handed out


@pytest.mark.anyio
@pytest.mark.parametrize("server_loop", ["asyncio", "uvloop", "trio"])
async def test_a_file_arrives_whole(start: Starter, root: Path, server_loop: str) -> None:
    child, [end] = start("files", root, loop=server_loop)
    async with open_port() as port, FilesProxy(end, port) as files:
        for name in ("plain", "empty", "dir/deep/größe", "dir/large", "./dir//large"):
            with (await files.open(name)).file as file:
                assert sha256(file) == hashlib.sha256((root / name).read_bytes()).hexdigest()
    child.finish()


@pytest.mark.parametrize("server_loop", ["asyncio", "uvloop", "trio"])
def test_a_file_arrives_in_a_plain_thread(start: Starter, root: Path, server_loop: str) -> None:
    child, [end] = start("files", root, loop=server_loop)
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        for name in ("plain", "dir/large"):
            with files.open(name).file as file:
                assert sha256(file) == hashlib.sha256((root / name).read_bytes()).hexdigest()
    child.finish()


def test_the_descriptor_is_for_reading_and_is_not_inherited(start: Starter, root: Path) -> None:
    child, [end] = start("files", root)
    with (
        BlockingPort() as port,
        FilesBlockingProxy(end, port) as files,
        files.open("plain").file as file,
    ):
        flags = fcntl.fcntl(file.fileno(), fcntl.F_GETFL)
        assert flags & os.O_ACCMODE == os.O_RDONLY
        assert not flags & os.O_NONBLOCK
        assert not os.get_inheritable(file.fileno())
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(file.fileno(), b"x")
        with pytest.raises(OSError, match="Invalid argument"):
            os.ftruncate(file.fileno(), 0)
    assert (root / "plain").read_bytes() == b"plain"
    child.finish()


def test_each_client_has_an_offset_of_its_own(start: Starter, root: Path) -> None:
    child, [first, second] = start("files", root, clients=2)
    with (
        BlockingPort() as port,
        FilesBlockingProxy(first, port) as one,
        FilesBlockingProxy(second, port) as two,
        one.open("plain").file as file,
        two.open("plain").file as other,
    ):
        assert os.read(file.fileno(), 100) == b"plain"
        assert os.read(other.fileno(), 100) == b"plain"
    child.finish()


def test_a_file_outlives_the_service(start: Starter, root: Path) -> None:
    child, [end] = start("files", root)
    with (
        BlockingPort() as port,
        FilesBlockingProxy(end, port) as files,
        files.open("plain").file as file,
    ):
        child.kill()
        child.wait()
        assert os.read(file.fileno(), 100) == b"plain"


def test_the_service_keeps_nothing_open(start: Starter, root: Path) -> None:
    child, [end] = start("files", root)
    before = open_fds(child.pid)
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        for _ in range(50):
            files.open("dir/large").file.close()
            for name in ("dir", "fifo", "nothing", "../secret"):
                with pytest.raises(OpenFailed):
                    files.open(name)
        assert open_fds(child.pid) == before
    child.finish()


# ------------------------------------------------------------------------------- what is refused


def test_refuses_all_but_files_beneath_the_directory(start: Starter, root: Path) -> None:
    child, [end] = start("files", root)
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        found: dict[str, OpenError] = {}
        for name in REFUSED:
            with pytest.raises(OpenFailed) as caught:
                files.open(name)
            found[name] = caught.value.error
        assert found == REFUSED
        files.open("plain").file.close()
    child.finish()


def test_refuses_a_device(start: Starter) -> None:
    child, [end] = start("files", "/dev")
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        for name in ("null", "zero", "tty"):
            with pytest.raises(OpenFailed) as caught:
                files.open(name)
            assert caught.value.error in (OpenError.NOT_FILE, OpenError.NOT_FOUND), name
    child.finish()


def test_refuses_magic_links(start: Starter, root: Path) -> None:
    child, [end] = start("files", "/proc")
    with (
        (root / "plain").open() as file,
        BlockingPort() as port,
        FilesBlockingProxy(end, port) as files,
    ):
        for name in (f"{os.getpid()}/fd/{file.fileno()}", f"{os.getpid()}/root/etc/passwd"):
            with pytest.raises(OpenFailed) as caught:
                files.open(name)
            assert caught.value.error is OpenError.ACCESS_DENIED, name
    child.finish()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_refuses_what_the_service_may_not_read(start: Starter, root: Path) -> None:
    (root / "plain").chmod(0)
    child, [end] = start("files", root)
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        with pytest.raises(OpenFailed) as caught:
            files.open("plain")
        assert caught.value.error is OpenError.ACCESS_DENIED
    child.finish()


def test_a_renamed_directory_opens_no_way_out(
    start: Starter, root: Path, tmp_path: Path, spawn_python: Spawner
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "large").write_bytes(b"secret")
    (root / "swapped").symlink_to("../outside")
    inside = (root / "dir/large").read_bytes()
    child, [end] = start("files", root)
    swapper = spawn_python(SWAPPER, root / "dir", root / "aside", root / "swapped")
    assert swapper.line() == "ready"
    opened = 0
    refused: set[OpenError] = set()
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        for _ in range(3000):
            try:
                file = files.open("dir/large").file
            except OpenFailed as failed:
                refused.add(failed.error)
                continue
            with file:
                assert os.pread(file.fileno(), 6, 0) == inside[:6]
                opened += 1
    assert opened > 0
    assert OpenError.ACCESS_DENIED in refused
    assert refused <= {OpenError.ACCESS_DENIED, OpenError.NOT_FOUND}
    child.finish()


def test_a_leased_file_is_busy_and_blocks_nobody(
    start: Starter, root: Path, spawn_python: Spawner
) -> None:
    lessee = spawn_python(LESSEE, root / "plain")
    assert lessee.line() == "leased"
    child, [end] = start("files", root)
    with BlockingPort() as port, FilesBlockingProxy(end, port) as files:
        with pytest.raises(OpenFailed) as caught:
            files.open("plain")
        assert caught.value.error is OpenError.BUSY
        files.open("empty").file.close()
    child.finish()


def test_a_refused_file_is_closed_and_not_forgotten(root: Path) -> None:
    with open_directory(root) as directory:
        server = FilesClient(directory)
        for name in ("dir", "fifo", "socket"):
            with pytest.raises(OpenFailed) as caught:
                server.open(name)
            assert caught.value.error is OpenError.NOT_FILE


def test_too_many_open_files_are_told(root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open_directory(root) as directory, ExitStack() as opened:
        server = FilesClient(directory)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_fds()) + 1, hard))
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

        def open_all() -> None:
            for _ in range(1000):
                opened.enter_context(server.open("plain").file)

        with pytest.raises(OpenFailed) as caught:
            open_all()
        assert caught.value.error is OpenError.TOO_MANY_OPEN


# ------------------------------------------------------------------------------- paths as text


@pytest.mark.anyio
async def test_paths_that_are_too_long_or_no_text_never_leave(start: Starter, root: Path) -> None:
    (root / os.fsdecode(b"\xff\xfe")).write_bytes(b"unreachable")
    child, [end] = start("files", root)
    async with open_port() as port, FilesProxy(end, port) as files:
        for path in ("x" * 4096, "ä" * 2048, os.fsdecode(b"\xff\xfe")):
            with pytest.raises(LocalProtocolError):
                await files.open(path)
        (await files.open("plain")).file.close()
    child.finish()


@pytest.mark.parametrize(
    "path",
    [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"ok\x80"],
    ids=["bytes", "overlong", "surrogate", "cut"],
)
def test_a_path_that_is_no_text_closes_its_client_only(
    start: Starter, root: Path, path: bytes
) -> None:
    child, ends = start("files", root, clients=2)
    hostile: ClientEnd[Any] = ends[0]
    body = b"\x91" + msgspec.msgpack.encode("x" * len(path)).replace(b"x" * len(path), path)
    with hostile.take_channel() as channel:
        channel.write(encode(1, FILES_OPEN.ordinal, FLEXIBLE, body, 0))
        assert wait_one(channel, Signals.PEER_CLOSED, 10) & Signals.PEER_CLOSED
    with BlockingPort() as port, FilesBlockingProxy(ends[1], port) as files:
        files.open("plain").file.close()
    child.finish()
